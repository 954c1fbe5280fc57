/** Mean-square displacements and diffusion coefficients. */
import { massOf } from '../elements.ts';
import { inverse, isPeriodic, periodicCell } from '../engine/cell.ts';
import { type Correlation, Correlator, completeBlocks } from './correlate.ts';
import { type Frame, Interval, type Species, speciesOf } from './frames.ts';
import { blockError, type Estimate, line } from './statistics.ts';

export interface MsdOptions {
  /** Longest lag, fs; default half the trajectory, at most 1000 frames. */
  readonly window?: number | undefined;
  /** Which part of the lags the slope is taken from; default 0.2 to 0.8. */
  readonly fit?: readonly [number, number] | undefined;
}

export interface Msd {
  readonly frames: number;
  /** fs */
  readonly lag: Float64Array;
  readonly species: readonly {
    readonly number: number;
    /** Å² */
    readonly displacement: Float64Array;
    readonly error: Float64Array;
    /** Å²/fs */
    readonly diffusion: Estimate;
    /** d ln MSD/d ln t over the fit: 1 where atoms diffuse. */
    readonly exponent: number;
  }[];
}

const DEFAULT_FIT = [0.2, 0.8] as const;

/**
 * MSD(t) = ⟨|r(t₀ + t) − r(t₀)|²⟩ over atoms and origins, the drift of the centre of mass taken off; D = slope/6 (Einstein).
 * Errors come from blocks of frames. Source: Frenkel and Smit, Understanding Molecular Simulation, 2nd ed., §4.4.
 */
export class MeanSquareDisplacement {
  readonly #options: MsdOptions;
  readonly #interval = new Interval();
  #first: { species: Species; unwrapped: Unwrapped; waiting: Float64Array } | undefined;
  #correlator: Correlator | undefined;

  constructor(options: MsdOptions = {}) {
    this.#options = options;
  }

  add(frame: Frame): void {
    this.#interval.add(frame);
    if (this.#first === undefined) {
      const unwrapped = new Unwrapped();
      this.#first = { species: speciesOf(frame.numbers), unwrapped, waiting: unwrapped.add(frame) };
      return;
    }
    const { species, unwrapped, waiting } = this.#first;
    if (this.#correlator === undefined) {
      const window = framesOf(this.#options.window, this.#interval.value);
      this.#correlator = new Correlator('displacement', species.of, species.counts, window);
      this.#correlator.add(waiting);
    }
    this.#correlator.add(unwrapped.add(frame));
  }

  /** @throws MltsError E_EMPTY after fewer than two frames */
  result(): Msd {
    const interval = this.#interval.value;
    const correlation = this.#correlator!.result();
    const blocks = completeBlocks(correlation);
    const lag = Float64Array.from({ length: correlation.lags }, (_, k) => k * interval);
    return {
      frames: correlation.frames,
      lag,
      species: this.#first!.species.numbers.map((number, group) => ({
        number,
        ...this.#one(correlation, blocks, group, lag),
      })),
    };
  }

  #one({ mean, lags }: Correlation, blocks: ReturnType<typeof completeBlocks>, group: number, lag: Float64Array) {
    const [low, high] = this.#options.fit ?? DEFAULT_FIT;
    // Two points at least, and not the origin.
    const from = Math.max(1, Math.min(Math.round(low * (lags - 1)), lags - 2));
    const to = Math.max(from + 2, Math.round(high * (lags - 1)) + 1);
    const slopeOf = (values: Float64Array) => line(lag.subarray(from, to), values.subarray(from, to)).slope / 6;
    const parts = blocks.map((groups) => groups[group]);
    const values = mean[group];
    return {
      displacement: values,
      error: values.map((_, k) => blockError(parts, (part) => part[k])),
      diffusion: { mean: slopeOf(values), error: blockError(parts, slopeOf) },
      exponent: line(lag.subarray(from, to).map(Math.log), values.subarray(from, to).map(Math.log)).slope,
    };
  }
}

/** A time as a whole number of frames, the frame at lag 0 included. */
export const framesOf = (time: number | undefined, interval: number): number | undefined =>
  time === undefined ? undefined : Math.max(2, Math.round(time / interval) + 1);

/**
 * Positions without jumps through the walls of a cell that may change: the shortest displacement between frames is added up, so
 * that the volume's fluctuations do not move what is far away. The centre of mass stays at rest.
 * Source: von Bülow, Bullerjahn and Hummer, doi:10.1063/5.0008316, eq. 3 (toroidal view).
 */
class Unwrapped {
  #last: Float64Array | undefined;
  #at: Float64Array = new Float64Array();

  add({ numbers, positions, cell, pbc }: Frame): Float64Array {
    if (this.#last === undefined) this.#at = positions.slice();
    else {
      const step = positions.map((x, k) => x - this.#last![k]);
      if (isPeriodic(pbc)) shorten(step, periodicCell(cell, pbc), pbc);
      for (let k = 0; k < step.length; k++) this.#at[k] += step[k];
    }
    this.#last = positions;
    return atRest(numbers, this.#at);
  }
}

/** Each displacement to that of the nearest image. */
function shorten(steps: Float64Array, cell: Float64Array, pbc: readonly boolean[]): void {
  const r = inverse(cell);
  for (let i = 0; i < steps.length; i += 3) {
    for (let k = 0; k < 3; k++) {
      if (!pbc[k]) continue;
      const turns = Math.round(steps[i] * r[k] + steps[i + 1] * r[3 + k] + steps[i + 2] * r[6 + k]);
      if (turns !== 0) for (let m = 0; m < 3; m++) steps[i + m] -= turns * cell[3 * k + m];
    }
  }
}

function atRest(numbers: Int32Array, positions: Float64Array): Float64Array {
  const moment = [0, 0, 0];
  let mass = 0;
  for (let i = 0; i < numbers.length; i++) {
    const weight = massOf(numbers[i]) ?? 0;
    mass += weight;
    for (let k = 0; k < 3; k++) moment[k] += weight * positions[3 * i + k];
  }
  return positions.map((x, k) => x - moment[k % 3] / mass);
}
