/** Correlations between frames a lag apart, averaged over all time origins while the frames pass by. */
import { Blocks } from './statistics.ts';

/** What is averaged for an atom whose vector was a and is b. */
export type Kernel = 'displacement' | 'product';

/** Frames that are kept at most, and bytes. */
const MOST_LAGS = 1000;
const MOST_BYTES = 256e6;

/** Means for each group of atoms at each lag. */
export interface Correlation {
  /** Lags that at least half of the frames are the origins of. */
  readonly lags: number;
  readonly frames: number;
  /** [groups][lags] */
  readonly mean: readonly Float64Array[];
  /** The same from each block of frames. */
  readonly blocks: readonly (readonly Float64Array[])[];
}

/**
 * Holds the last frames of a trajectory and correlates each new one with all of them: exact for every origin, in memory that
 * does not grow with the trajectory.
 */
export class Correlator {
  readonly #kernel: Kernel;
  readonly #of: Int32Array;
  readonly #counts: readonly number[];
  readonly #window: number;
  readonly #ring: Float64Array[] = [];
  /** Of each frame, group by group: sums at each lag; then how many origins each lag has. */
  readonly #blocks: Blocks;
  #frames = 0;

  /** @param of [n] group of each atom @param counts atoms of each group @param window frames; default 1000, or 256 MB */
  constructor(kernel: Kernel, of: Int32Array, counts: readonly number[], window?: number) {
    this.#kernel = kernel;
    this.#of = of;
    this.#counts = counts;
    this.#window = window ?? Math.max(2, Math.min(MOST_LAGS, Math.floor(MOST_BYTES / (24 * of.length))));
    this.#blocks = new Blocks((counts.length + 1) * this.#window);
  }

  /** @param vectors [n,3]; kept, so it must not change afterwards */
  add(vectors: Float64Array): void {
    const window = this.#window;
    this.#ring[this.#frames % window] = vectors;
    const values = new Float64Array((this.#counts.length + 1) * window);
    const sums = new Float64Array(this.#counts.length);
    for (let lag = 0; lag < Math.min(window, this.#frames + 1); lag++) {
      const origin = this.#ring[(this.#frames - lag) % window];
      sums.fill(0);
      if (this.#kernel === 'product') addProducts(origin, vectors, this.#of, sums);
      else addSquares(origin, vectors, this.#of, sums);
      for (let group = 0; group < sums.length; group++) {
        values[group * window + lag] = sums[group] / this.#counts[group];
      }
      values[sums.length * window + lag] = 1;
    }
    this.#blocks.add(values);
    this.#frames++;
  }

  result(): Correlation {
    const window = this.#window;
    const lags = Math.min(window, Math.max(1, Math.floor(this.#frames / 2) + 1));
    const of = (values: Float64Array) =>
      this.#counts.map((_, group) =>
        Float64Array.from({ length: lags }, (__, lag) => {
          return values[group * window + lag] / values[this.#counts.length * window + lag];
        }),
      );
    return { lags, frames: this.#frames, mean: of(this.#blocks.mean()), blocks: this.#blocks.means().map(of) };
  }
}

function addSquares(a: Float64Array, b: Float64Array, of: Int32Array, sums: Float64Array): void {
  for (let i = 0; i < of.length; i++) {
    const x = b[3 * i] - a[3 * i];
    const y = b[3 * i + 1] - a[3 * i + 1];
    const z = b[3 * i + 2] - a[3 * i + 2];
    sums[of[i]] += x * x + y * y + z * z;
  }
}

function addProducts(a: Float64Array, b: Float64Array, of: Int32Array, sums: Float64Array): void {
  for (let i = 0; i < of.length; i++) {
    sums[of[i]] += a[3 * i] * b[3 * i] + a[3 * i + 1] * b[3 * i + 1] + a[3 * i + 2] * b[3 * i + 2];
  }
}

/** Blocks that saw every lag: the first ones of a long window did not. */
export const completeBlocks = ({ blocks }: Correlation): readonly (readonly Float64Array[])[] =>
  blocks.filter((groups) => groups.every((values) => values.every(Number.isFinite)));
