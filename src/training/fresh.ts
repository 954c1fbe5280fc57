/** Untrained networks. */

import type { Random } from '../dynamics/random.ts';
import { promisedTensors } from '../model/card.ts';
import type { AniCard } from '../model/card-ani.ts';
import type { HipnnCard } from '../model/card-hipnn.ts';
import { type LoadedModel, modelFromBytes } from '../model/load.ts';
import type { Tensor } from '../model/safetensors.ts';
import { encodeModel } from '../model/save.ts';
import type { AniRecipe, HipnnRecipe, ModelRecipe } from './config/recipe.ts';
import { randomStream } from './random-stream.ts';

/** Widths of the hidden layers of ANI-1x (doi:10.1063/1.5023802); elements beyond have those of N and O. */
const ANI_1X: Readonly<Record<string, readonly number[]>> = { H: [160, 128, 96], C: [144, 112, 96] };
const OTHERS = [128, 112, 96];

export interface Fresh {
  readonly name: string;
  readonly members: number;
  readonly seed: number;
  /** Symbols in the model's order. */
  readonly elements: readonly string[];
  /** eV by symbol. */
  readonly selfEnergies: Readonly<Record<string, number>>;
}

/** Each member draws from streams of its own, so that member k is the same in an ensemble of any size. */
export function freshModel(recipe: ModelRecipe, fresh: Fresh): LoadedModel {
  const card = recipe.architecture === 'ani' ? aniCard(recipe, fresh) : hipnnCard(recipe, fresh);
  const fill = recipe.architecture === 'ani' ? fillAni : hipnnFiller(recipe, card as HipnnCard);
  const tensors = new Map<string, Tensor>();
  for (const [name, shape] of promisedTensors(card)) {
    const size = shape.slice(1).reduce((product, length) => product * length, 1);
    const data = new Float32Array(fresh.members * size);
    for (let m = 0; m < fresh.members; m++) {
      fill(name, shape, randomStream(fresh.seed, 'weights', m, name), data.subarray(m * size, (m + 1) * size));
    }
    tensors.set(name, { shape, data });
  }
  return modelFromBytes(encodeModel(card, tensors), fresh.name);
}

/** @param shape with the members first @param out those of one member, 0 so far */
type Fill = (name: string, shape: readonly number[], random: Random, out: Float32Array) => void;

const common = ({ name, members, elements, selfEnergies }: Fresh) =>
  ({
    format: 1 as const,
    ...{ name, elements, members },
    units: { energy: 'eV', length: 'angstrom' },
    self_energies: Object.fromEntries(elements.map((symbol) => [symbol, selfEnergies[symbol]])),
  }) as const;

function aniCard(recipe: AniRecipe, fresh: Fresh): AniCard {
  const { radial, angular, layers } = recipe;
  const widths = (symbol: string) => {
    const given = layers === undefined || isList(layers) ? layers : layers[symbol];
    return given ?? ANI_1X[symbol] ?? OTHERS;
  };
  return {
    ...common(fresh),
    architecture: 'ani',
    cutoff: radial.cutoff,
    reach: radial.cutoff,
    min_distance: recipe.minDistance,
    descriptor: { cutoff_function: recipe.cutoffFunction, radial, angular },
    activation: { name: 'celu', alpha: recipe.celuAlpha },
    layers: Object.fromEntries(fresh.elements.map((symbol) => [symbol, [...widths(symbol), 1]])),
  };
}

const isList = <T>(value: T | readonly number[]): value is readonly number[] => Array.isArray(value);

/** Normal weights of variance 1/inputs (He et al., doi:10.1109/ICCV.2015.123, as for a linear layer), biases 0. */
const fillAni: Fill = (name, shape, random, out) => {
  if (name.endsWith('.weight')) normal(out, 1 / Math.sqrt(shape[2]), random);
};

function hipnnCard(recipe: HipnnRecipe, fresh: Fresh): HipnnCard {
  const { cutoff, minDistance, order, sensitivities, features, blocks, atomLayers } = recipe;
  return {
    ...common(fresh),
    architecture: 'hipnn',
    ...{ cutoff, reach: cutoff * blocks, min_distance: minDistance },
    interaction: { order, sensitivities, cusp: 1e-6 },
    ...{ features, blocks, atom_layers: atomLayers },
  };
}

/** Head n is scaled down by this, squared for each block behind the first: energies come from the first block at the beginning. */
const HEAD_SCALE = 1e-2;

/**
 * As hippynn begins: 1/μ spread evenly between the inverses of `upper` and `lower`, σ = 2·sensitivities·lower; interactions,
 * self and on-site layers normal of variance 2/(inputs + outputs) (Glorot and Bengio), residual layers, `adjust`, heads and
 * all biases uniform within ±1/√inputs, scales of the tensors normal.
 */
function hipnnFiller({ lower, upper }: HipnnRecipe, { features, interaction, elements }: HipnnCard): Fill {
  const count = interaction.sensitivities;
  return (name, shape, random, out) => {
    const block = Number(name.split('.')[0]);
    const inputs = block === 0 && /^0\.(self|interaction|adjust)/.test(name) ? elements.length : features;
    const place = name.slice(name.indexOf('.') + 1);
    if (place === 'mu') {
      for (let k = 0; k < count; k++) out[k] = 1 / (1 / upper + (k / Math.max(1, count - 1)) * (1 / lower - 1 / upper));
    } else if (place === 'sigma') out.fill(2 * count * lower);
    else if (place.endsWith('_scales')) normal(out, 1, random);
    else if (place === 'interaction') normal(out, Math.sqrt(2 / (inputs * (count + features))), random);
    else if (/^(self|atom\.\d+)\.weight$/.test(place)) normal(out, Math.sqrt(2 / (shape[1] + shape[2])), random);
    else uniform(out, 1 / Math.sqrt(inputs), random);
    if (place.startsWith('head.')) for (let k = 0; k < out.length; k++) out[k] *= HEAD_SCALE ** (2 ** block);
  };
}

function normal(out: Float32Array, deviation: number, random: Random): void {
  for (let k = 0; k < out.length; k++) out[k] = deviation * random.normal();
}

function uniform(out: Float32Array, bound: number, random: Random): void {
  for (let k = 0; k < out.length; k++) out[k] = bound * (2 * random.uniform() - 1);
}
