/** What training begins with: a card and a model of it, fresh or from a file. */
import { numberOf } from '../elements.ts';
import { MltsError } from '../errors.ts';
import { type Card, promisedTensors } from '../model/card.ts';
import { type LoadedModel, modelFromBytes } from '../model/load.ts';
import type { AniModel, ElementNetwork } from '../model/model.ts';
import type { Tensor } from '../model/safetensors.ts';
import { encodeModel } from '../model/save.ts';
import { inElectronVolt } from '../units.ts';
import type { AniRecipe } from './config/recipe.ts';
import { randomStream } from './random-stream.ts';

/** Widths of the hidden layers of ANI-1x (doi:10.1063/1.5023802); elements beyond have those of N and O. */
const ANI_1X: Readonly<Record<string, readonly number[]>> = { H: [160, 128, 96], C: [144, 112, 96] };
const OTHERS = [128, 112, 96];

/** A model that the engine can train, with its card. */
export interface Start {
  readonly card: AniCard;
  readonly model: AniModel;
}

type AniCard = Extract<Card, { architecture: 'ani' }>;

/** @throws MltsError E_UNAVAILABLE where it is of another architecture */
export function trainable({ card, model }: LoadedModel): Start {
  const { name } = card;
  if (card.architecture === 'ani' && model.architecture === 'ani') return { card, model };
  throw new MltsError(
    'E_UNAVAILABLE',
    `${name} is no ANI model, and only those can be trained`,
    'Begin with an ANI model, or with fresh networks (model).',
  );
}

export interface Fresh {
  readonly name: string;
  readonly members: number;
  readonly seed: number;
  /** Symbols in the model's order. */
  readonly elements: readonly string[];
  /** eV by symbol. */
  readonly selfEnergies: Readonly<Record<string, number>>;
}

/**
 * Untrained networks: normal weights of variance 1/inputs (He et al., doi:10.1109/ICCV.2015.123, as for a linear layer), biases 0.
 * Each member draws from a stream of its own, so that member k is the same in an ensemble of any size.
 */
export function freshModel(recipe: AniRecipe, { name, members, seed, elements, selfEnergies }: Fresh): Start {
  const { radial, angular, layers } = recipe;
  const widths = (symbol: string) => {
    const given = layers === undefined || isList(layers) ? layers : layers[symbol];
    return given ?? ANI_1X[symbol] ?? OTHERS;
  };
  const card: AniCard = {
    format: 1,
    name,
    architecture: 'ani',
    elements,
    members,
    units: { energy: 'eV', length: 'angstrom' },
    cutoff: radial.cutoff,
    reach: radial.cutoff,
    min_distance: recipe.minDistance,
    descriptor: { cutoff_function: recipe.cutoffFunction, radial, angular },
    activation: { name: 'celu', alpha: recipe.celuAlpha },
    layers: Object.fromEntries(elements.map((symbol) => [symbol, [...widths(symbol), 1]])),
    self_energies: Object.fromEntries(elements.map((symbol) => [symbol, selfEnergies[symbol]])),
  };
  const tensors = new Map<string, Tensor>();
  for (const [tensor, shape] of promisedTensors(card)) {
    const size = shape.slice(1).reduce((product, length) => product * length, 1);
    const data = new Float32Array(members * size);
    if (tensor.endsWith('.weight')) {
      const spread = 1 / Math.sqrt(shape[2]);
      for (let m = 0; m < members; m++) {
        const random = randomStream(seed, 'weights', m, tensor);
        for (let i = 0; i < size; i++) data[m * size + i] = spread * random.normal();
      }
    }
    tensors.set(tensor, { shape, data });
  }
  return trainable(modelFromBytes(encodeModel(card, tensors), name));
}

const isList = <T>(value: T | readonly number[]): value is readonly number[] => Array.isArray(value);

/**
 * A trained model as a start for other labels: its first `members` members, with other per-element energies.
 * @throws MltsError E_USAGE where it has too few members
 */
export function startFrom(
  { card, model }: Start,
  name: string,
  members: number,
  selfEnergies: Readonly<Record<string, number>>,
): Start {
  if (members > card.members) {
    throw new MltsError(
      'E_USAGE',
      `${members} members are asked for, ${card.name} to start from has ${card.members}`,
      `Leave members out or give at most ${card.members}.`,
    );
  }
  const { calibration: _, provenance: __, licence: ___, citation: ____, ...rest } = card;
  const energy = inElectronVolt(card.units.energy);
  const next: AniCard = {
    ...rest,
    name,
    members,
    self_energies: Object.fromEntries(
      card.elements.map((symbol) => [
        symbol,
        symbol in selfEnergies ? selfEnergies[symbol] / energy : card.self_energies[symbol],
      ]),
    ),
  };
  return trainable(modelFromBytes(encodeModel(next, tensorsOf(next, model.networks)), name));
}

/** Tensors of a `.mlts` file, of the card's members: the first ones where the networks have more. */
export function tensorsOf(card: AniCard, networks: readonly ElementNetwork[]): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [name, shape] of promisedTensors(card)) {
    const [symbol, layer, kind] = name.split('.');
    const network = networks[card.elements.indexOf(symbol)].layers[Number(layer)];
    const data = kind === 'weight' ? network.weights : network.biases;
    tensors.set(name, {
      shape,
      data: data.slice(
        0,
        shape.reduce((product, length) => product * length, 1),
      ),
    });
  }
  return tensors;
}

/** eV of the elements of a card, by symbol. */
export const selfEnergiesOf = ({ elements, self_energies, units }: Card): Record<string, number> =>
  Object.fromEntries(elements.map((symbol) => [symbol, self_energies[symbol] * inElectronVolt(units.energy)]));

/** Symbols by atomic number. */
export const sortedByNumber = (symbols: Iterable<string>): string[] =>
  [...symbols].sort((a, b) => numberOf(a)! - numberOf(b)!);
