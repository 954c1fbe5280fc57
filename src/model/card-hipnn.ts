/** What the card of a HIP-NN ensemble has beside the common entries (docs/model-format.md). */
import type { CommonCard } from './card-common.ts';
import type { Entry } from './entry.ts';

export interface HipnnCard extends CommonCard {
  readonly architecture: 'hipnn';
  readonly interaction: {
    /** Highest tensor order ℓ of the environments. */
    readonly order: 0 | 1 | 2;
    /** Sensitivity functions of a block. */
    readonly sensitivities: number;
    /** ε under the roots of orders 1 and 2; of no meaning for order 0. */
    readonly cusp: number;
  };
  readonly features: number;
  /** Blocks: an interaction each, then on-site layers. */
  readonly blocks: number;
  /** On-site layers of each block. */
  readonly atom_layers: number;
}

/** Names and shapes of block b: `0.interaction` → [members, sensitivities, features, inputs]. */
export function hipnnTensors(card: HipnnCard): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  const { members, features } = card;
  const { order, sensitivities } = card.interaction;
  const affine = (name: string, inputs: number) => {
    shapes.set(`${name}.weight`, [members, features, inputs]);
    shapes.set(`${name}.bias`, [members, features]);
  };
  for (let b = 0; b < card.blocks; b++) {
    const inputs = b === 0 ? card.elements.length : features;
    shapes.set(`${b}.mu`, [members, sensitivities]);
    shapes.set(`${b}.sigma`, [members, sensitivities]);
    shapes.set(`${b}.interaction`, [members, sensitivities, features, inputs]);
    affine(`${b}.self`, inputs);
    if (order >= 1) shapes.set(`${b}.vector_scales`, [members, features]);
    if (order === 2) shapes.set(`${b}.quadratic_scales`, [members, features]);
    affine(`${b}.residual`, features);
    if (inputs !== features) shapes.set(`${b}.adjust`, [members, features, inputs]);
    for (let layer = 0; layer < card.atom_layers; layer++) {
      affine(`${b}.atom.${layer}`, features);
      affine(`${b}.atom.${layer}.residual`, features);
    }
    shapes.set(`${b}.head.weight`, [members, features]);
    shapes.set(`${b}.head.bias`, [members]);
  }
  return shapes;
}

/** Checks the entries of HIP-NN. @returns cutoff and reach */
export function checkHipnn(card: Entry): { cutoff: number; reach: number } {
  const interaction = card.at('interaction');
  interaction.at('order').equals(0, 1, 2);
  interaction.at('sensitivities').count(1);
  const cusp = interaction.at('cusp');
  if (cusp.number() < 0) cusp.must('be at least 0');
  card.at('features').count(1);
  const blocks = card.at('blocks').count(1);
  card.at('atom_layers').count(0);
  const cutoff = card.at('cutoff').positive();
  return { cutoff, reach: cutoff * blocks };
}
