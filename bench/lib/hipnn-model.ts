/** HIP-NN models of the benchmark, in memory: the prototype's weights, or random ones of the same shape. Å, eV. */
import { readFileSync } from 'node:fs';
import type { Affine, HipnnBlock, HipnnModel } from '../../src/model/model.ts';
import { uniform } from './structures.ts';

const ELEMENTS = [1, 6, 7, 8, 9, 16, 17];
const SENSITIVITIES = 20;
const BLOCKS = 2;
const ATOM_LAYERS = 3;
const CUTOFF = 7.5;
/** Between which 1/μ is evenly spaced, Å. */
const SOFT = { min: 0.85, max: 5 };

export interface HipnnShape {
  readonly features: number;
  readonly order: 0 | 1 | 2;
  readonly members: number;
  /** A file of the prototype; only of order 0. */
  readonly weights?: string;
}

/** Numbers in the order in which the prototype's file holds them. */
type Source = (count: number, scale: number) => Float32Array;

/** The file's numbers, members all alike but for a thousandth; or uniform ones of variance scale². */
function source({ weights, members }: HipnnShape): Source {
  const random = uniform(5);
  if (weights === undefined)
    return (count, scale) =>
      Float32Array.from({ length: members * count }, () => Math.sqrt(3) * scale * (2 * random() - 1));
  const bytes = readFileSync(weights);
  let at = 8; // after the number of features
  return (count) => {
    const values = Array.from({ length: count }, (_, i) => bytes.readDoubleLE(at + 8 * i));
    at += 8 * count;
    return Float32Array.from(
      { length: members * count },
      (_, i) => values[i % count] * (i < count ? 1 : 1 + 1e-3 * random()),
    );
  };
}

export function hipnnModel(shape: HipnnShape): HipnnModel {
  const { features, order, members, weights } = shape;
  const take = source(shape);
  const affine = (inputs: number, outputs: number): Affine => ({
    weights: take(inputs * outputs, 1 / Math.sqrt(inputs)),
    biases: take(outputs, 0.1),
  });
  const block = (inputs: number): HipnnBlock => {
    const [mu, sigma] = [take(SENSITIVITIES, 1), take(SENSITIVITIES, 1)];
    if (weights === undefined) initialise(mu, sigma);
    const interaction = take(SENSITIVITIES * features * inputs, 0.1 / Math.sqrt(inputs * (SENSITIVITIES + features)));
    const self = affine(inputs, features);
    const residual = affine(features, features);
    const adjust = inputs === features ? {} : { adjust: take(features * inputs, 1 / Math.sqrt(inputs)) };
    const atomLayers = Array.from({ length: ATOM_LAYERS }, () => {
      const base = affine(features, features);
      return { ...base, residual: affine(features, features) };
    });
    const scales = {
      ...(order >= 1 ? { vectorScales: take(features, 1) } : {}),
      ...(order >= 2 ? { quadraticScales: take(features, 1) } : {}),
    };
    return { inputs, mu, sigma, interaction, self, residual, atomLayers, ...adjust, ...scales };
  };
  const blocks = [block(ELEMENTS.length), ...Array.from({ length: BLOCKS - 1 }, () => block(features))];
  const selfEnergies = Float64Array.from(take(ELEMENTS.length, 0).subarray(0, ELEMENTS.length));
  const heads = blocks.map(() => affine(features, 1));
  return {
    ...{ name: `hipnn-${features}`, sha256: '', architecture: 'hipnn', elements: ELEMENTS, members },
    ...{ cutoff: CUTOFF, reach: BLOCKS * CUTOFF, minDistance: 0.3, order, cusp: 1e-6, features },
    ...{ sensitivities: SENSITIVITIES, blocks, heads, selfEnergies, energyScale: 1 },
  };
}

/** As training begins: 1/μ evenly spaced, σ = 2·n·(nearest μ). */
function initialise(mu: Float32Array, sigma: Float32Array): void {
  const [far, near] = [1 / SOFT.max, 1 / SOFT.min];
  for (let i = 0; i < mu.length; i++) {
    mu[i] = 1 / (far + ((near - far) * (i % SENSITIVITIES)) / (SENSITIVITIES - 1));
    sigma[i] = 2 * SENSITIVITIES * SOFT.min;
  }
}
