/** The HIP-NN ensemble of a card and its tensors. */
import { inAngstrom } from '../units.ts';
import type { HipnnCard } from './card-hipnn.ts';
import { commonOf } from './common.ts';
import type { Affine, HipnnBlock, HipnnModel } from './model.ts';
import type { Tensor } from './safetensors.ts';

/**
 * @param tensors those that the card promises
 * @param fail throws E_MODEL
 */
export function hipnnModel(
  card: HipnnCard,
  tensors: ReadonlyMap<string, Tensor>,
  sha256: string,
  fail: (what: string) => never,
): HipnnModel {
  const data = (name: string) => (tensors.get(name) as Tensor).data;
  const affine = (name: string): Affine => ({ weights: data(`${name}.weight`), biases: data(`${name}.bias`) });
  const unit = inAngstrom(card.units.length);
  const lengths = (name: string) => (unit === 1 ? data(name) : data(name).map((value) => value * unit));
  const { order, sensitivities, cusp } = card.interaction;
  const blocks = Array.from({ length: card.blocks }, (_, b): HipnnBlock => {
    const inputs = b === 0 ? card.elements.length : card.features;
    const zero = data(`${b}.mu`).indexOf(0);
    if (zero >= 0) fail(`tensor ${b}.mu holds 0 at index ${zero}, no value may be 0`);
    return {
      inputs,
      mu: lengths(`${b}.mu`),
      sigma: lengths(`${b}.sigma`),
      interaction: data(`${b}.interaction`),
      self: affine(`${b}.self`),
      ...(order >= 1 && { vectorScales: data(`${b}.vector_scales`) }),
      ...(order === 2 && { quadraticScales: data(`${b}.quadratic_scales`) }),
      residual: affine(`${b}.residual`),
      ...(inputs !== card.features && { adjust: data(`${b}.adjust`) }),
      atomLayers: Array.from({ length: card.atom_layers }, (_, layer) => ({
        ...affine(`${b}.atom.${layer}`),
        residual: affine(`${b}.atom.${layer}.residual`),
      })),
    };
  });
  return {
    ...commonOf(card, sha256),
    architecture: 'hipnn',
    order,
    cusp,
    features: card.features,
    sensitivities,
    blocks,
    heads: blocks.map((_, b) => affine(`${b}.head`)),
  };
}
