/** What training begins with, and what becomes of it: tensors of a card, from a file or from a trainer. */
import { numberOf } from '../elements.ts';
import { MltsError } from '../errors.ts';
import { type Card, promisedTensors } from '../model/card.ts';
import { type LoadedModel, modelFromBytes } from '../model/load.ts';
import type { Tensor } from '../model/safetensors.ts';
import { encodeModel } from '../model/save.ts';
import { inAngstrom, inElectronVolt } from '../units.ts';

/**
 * A trained model as a start for other labels: its first `members` members, with other per-element energies.
 * @throws MltsError E_USAGE where it has too few members
 */
export function startFrom(
  { card, tensors }: LoadedModel,
  name: string,
  members: number,
  selfEnergies: Readonly<Record<string, number>>,
): LoadedModel {
  if (members > card.members) {
    throw new MltsError(
      'E_USAGE',
      `${members} members are asked for, ${card.name} to start from has ${card.members}`,
      `Leave members out or give at most ${card.members}.`,
    );
  }
  const { calibration: _, provenance: __, licence: ___, citation: ____, ...rest } = card;
  const energy = inElectronVolt(card.units.energy);
  const next: Card = {
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
  const first = new Map<string, Tensor>();
  for (const [tensor, shape] of promisedTensors(next)) {
    first.set(tensor, { shape, data: tensors.get(tensor)!.data.slice(0, sizeOf(shape)) });
  }
  return modelFromBytes(encodeModel(next, first), name);
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** Tensors of a file. @param values [members, parameters] of a trainer, eV and Å */
export function tensorsOf(card: Card, values: Float64Array): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  const parameters = values.length / card.members;
  let offset = 0;
  for (const [name, shape] of promisedTensors(card)) {
    const size = sizeOf(shape.slice(1));
    const unit = isLength(name) ? inAngstrom(card.units.length) : 1;
    const data = new Float32Array(card.members * size);
    for (let m = 0; m < card.members; m++) {
      const at = m * parameters + offset;
      for (let i = 0; i < size; i++) data[m * size + i] = values[at + i] / unit;
    }
    tensors.set(name, { shape, data });
    offset += size;
  }
  return tensors;
}

/** Centres and widths of sensitivity functions; all others are without a unit or in the card's energy unit. */
const isLength = (tensor: string): boolean => /\.(mu|sigma)$/.test(tensor);

/** Layers that settings can be given for: of the deepest network of ANI; blocks times on-site layers of HIP-NN, the interactions included. */
export const depthOf = ({ model }: LoadedModel): number =>
  model.architecture === 'ani'
    ? Math.max(...model.networks.map(({ layers }) => layers.length))
    : model.blocks.reduce((sum, { atomLayers }) => sum + 1 + atomLayers.length, 0);

/** eV of the elements of a card, by symbol. */
export const selfEnergiesOf = ({ elements, self_energies, units }: Card): Record<string, number> =>
  Object.fromEntries(elements.map((symbol) => [symbol, self_energies[symbol] * inElectronVolt(units.energy)]));

/** Symbols by atomic number. */
export const sortedByNumber = (symbols: Iterable<string>): string[] =>
  [...symbols].sort((a, b) => numberOf(a)! - numberOf(b)!);
