import type { Potential, Precision, Result, System, Want } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';

/** Results of a batch in which every system must succeed. @throws the first system's MltsError */
export async function evaluate(
  potential: Potential,
  systems: readonly System[],
  want: readonly Want[] = ['forces'],
  precision: Precision = 'double',
): Promise<Result[]> {
  const outcomes = await potential.evaluate(systems, new Set(want), { precision });
  return outcomes.map((outcome) => {
    if (outcome instanceof MltsError) throw outcome;
    return outcome;
  });
}

/** Largest |a − b|; NaN where either holds a NaN, so that it passes no bound. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;
    if (Number.isNaN(largest)) return largest;
  }
  return largest;
}

/** Uniform numbers in [0,1), the same for the same seed. Source: mulberry32, public domain. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A standard normal number by Box and Muller. */
export const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Rows of [n,3] times a [3,3] matrix. */
export function timesMatrix(rows: ArrayLike<number>, m: ArrayLike<number>): Float64Array {
  const out = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i += 3) {
    for (let k = 0; k < 3; k++) out[i + k] = rows[i] * m[k] + rows[i + 1] * m[3 + k] + rows[i + 2] * m[6 + k];
  }
  return out;
}
