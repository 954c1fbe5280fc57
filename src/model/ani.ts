/** The ANI ensemble of a card and its tensors. */
import { inAngstrom } from '../units.ts';
import type { AniCard } from './card-ani.ts';
import { commonOf } from './common.ts';
import type { AniModel, ElementNetwork } from './model.ts';
import type { Tensor } from './safetensors.ts';

/** @param tensors those that the card promises */
export function aniModel(card: AniCard, tensors: ReadonlyMap<string, Tensor>, sha256: string): AniModel {
  const length = inAngstrom(card.units.length);
  const { radial, angular, cutoff_function: cutoffFunction } = card.descriptor;
  const tensor = (name: string) => tensors.get(name) as Tensor;
  const networks = card.elements.map(
    (element): ElementNetwork => ({
      layers: card.layers[element].map((outputs, layer) => ({
        inputs: tensor(`${element}.${layer}.weight`).shape[2],
        outputs,
        weights: tensor(`${element}.${layer}.weight`).data,
        biases: tensor(`${element}.${layer}.bias`).data,
      })),
    }),
  );
  return {
    ...commonOf(card, sha256),
    architecture: 'ani',
    descriptor: {
      cutoffFunction,
      radial: {
        cutoff: radial.cutoff * length,
        eta: radial.eta / length ** 2,
        shifts: Float64Array.from(radial.shifts, (shift) => shift * length),
      },
      angular: {
        cutoff: angular.cutoff * length,
        eta: angular.eta / length ** 2,
        zeta: angular.zeta,
        shifts: Float64Array.from(angular.shifts, (shift) => shift * length),
        sections: Float64Array.from(angular.sections),
      },
    },
    celuAlpha: card.activation.alpha,
    networks,
  };
}
