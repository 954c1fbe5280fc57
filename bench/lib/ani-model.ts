/** ANI-1x's architecture with random weights, in memory. Å, eV. */
import type { AniModel } from '../../src/model/model.ts';
import { uniform } from './structures.ts';

const HIDDEN = [
  [160, 128, 96],
  [144, 112, 96],
  [128, 112, 96],
  [128, 112, 96],
];

const equallySpaced = (count: number, first: number, step: number) =>
  Float64Array.from({ length: count }, (_, k) => first + k * step);

export function aniModel(members: number): AniModel {
  const random = uniform(7);
  return {
    name: 'training',
    sha256: '',
    architecture: 'ani',
    elements: [1, 6, 7, 8],
    members,
    cutoff: 5.2,
    reach: 5.2,
    minDistance: 0.5,
    descriptor: {
      cutoffFunction: 'cosine',
      radial: { cutoff: 5.2, eta: 16, shifts: equallySpaced(16, 0.9, 4.3 / 16) },
      angular: {
        cutoff: 3.5,
        eta: 8,
        zeta: 32,
        shifts: equallySpaced(4, 0.9, 0.65),
        sections: equallySpaced(8, Math.PI / 16, Math.PI / 8),
      },
    },
    celuAlpha: 0.1,
    networks: HIDDEN.map((hidden) => ({
      layers: [...hidden, 1].map((outputs, l) => {
        const inputs = l === 0 ? 384 : hidden[l - 1];
        const weights = Float32Array.from(
          { length: members * outputs * inputs },
          () => (2 * random() - 1) * Math.sqrt(3 / inputs),
        );
        return { inputs, outputs, weights, biases: new Float32Array(members * outputs) };
      }),
    })),
    selfEnergies: new Float64Array(4),
    energyScale: 27.2,
  };
}
