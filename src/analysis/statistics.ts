/** Means of correlated data and how far they can be trusted. */

export interface Estimate {
  readonly mean: number;
  /** Standard error of the mean. */
  readonly error: number;
}

export interface Series extends Estimate {
  /** Standard deviation of the values themselves. */
  readonly deviation: number;
  /** Values used. */
  readonly count: number;
  /** Integrated autocorrelation time τ, in values; ½ where they are independent. */
  readonly correlationTime: number;
  /** count/2τ */
  readonly independent: number;
}

/** Mean and standard error of independent values. */
export function meanOf(values: ArrayLike<number>): Estimate {
  const n = values.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += values[i] / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i] - mean) ** 2;
  return { mean, error: n > 1 ? Math.sqrt(squares / (n * (n - 1))) : Number.NaN };
}

/** Lags summed until the window is this many τ long: the bias is then below e^−5 of τ. */
const WINDOW = 5;

/**
 * Integrated autocorrelation time τ = ½ + Σ_t ρ(t), the sum cut at the first lag t ≥ 5τ(t).
 * Source: Sokal, doi:10.1007/978-1-4899-0319-8_6, eqs. 3.16–3.19; window after doi:10.1016/0920-5632(90)90251-Q.
 */
export function correlationTime(values: ArrayLike<number>): number {
  const n = values.length;
  const { mean } = meanOf(values);
  const covariance = (lag: number) => {
    let sum = 0;
    for (let i = 0; i + lag < n; i++) sum += (values[i] - mean) * (values[i + lag] - mean);
    return sum / n;
  };
  const variance = covariance(0);
  if (!(variance > 0)) return 0.5;
  let tau = 0.5;
  for (let lag = 1; lag < n; lag++) {
    tau += covariance(lag) / variance;
    if (lag >= WINDOW * tau) break;
  }
  return Math.max(tau, 0.5);
}

/** Longer series are averaged in pieces first: lags times values would be too many, and the error of the mean stays what it is. */
const LONG = 10_000;

/** Mean of a correlated series with the error √(2τ/n)·s. */
export function analyse(values: ArrayLike<number>): Series {
  const count = values.length;
  const { mean, error } = meanOf(values);
  const deviation = count > 1 ? error * Math.sqrt(count) : 0;
  const coarse = inPieces(values, Math.ceil(count / LONG));
  const { error: apart } = meanOf(coarse);
  // s²/n of the pieces times 2τ of the pieces is that of the values times theirs.
  const inflated = apart * Math.sqrt(2 * correlationTime(coarse));
  const tau = deviation > 0 ? Math.max(0.5, 0.5 * (inflated / error) ** 2) : 0.5;
  return {
    mean,
    error: count > 1 ? error * Math.sqrt(2 * tau) : Number.NaN,
    ...{ deviation, count, correlationTime: tau, independent: count / (2 * tau) },
  };
}

/** Means of pieces of equal length; what is left over at the end is left out. */
function inPieces(values: ArrayLike<number>, length: number): Float64Array {
  return Float64Array.from({ length: Math.floor(values.length / length) }, (_, piece) => {
    let sum = 0;
    for (let k = 0; k < length; k++) sum += values[piece * length + k];
    return sum / length;
  });
}

export interface BlockLevel {
  /** Values in each block. */
  readonly size: number;
  readonly blocks: number;
  /** Standard error of the mean were the blocks independent, and the error of that. */
  readonly error: number;
  readonly uncertainty: number;
}

/**
 * Errors from ever longer blocks: they grow until blocks are longer than the correlation, then stay.
 * Source: Flyvbjerg and Petersen, doi:10.1063/1.457480, eqs. 23–27.
 */
export function blockLevels(values: ArrayLike<number>): BlockLevel[] {
  const levels: BlockLevel[] = [];
  let blocks = Float64Array.from(values);
  for (let size = 1; blocks.length >= 2; size *= 2) {
    const { error } = meanOf(blocks);
    levels.push({ size, blocks: blocks.length, error, uncertainty: error / Math.sqrt(2 * (blocks.length - 1)) });
    const fine = blocks;
    blocks = Float64Array.from({ length: Math.floor(fine.length / 2) }, (_, i) => (fine[2 * i] + fine[2 * i + 1]) / 2);
  }
  return levels;
}

/**
 * The plateau of `blockLevels`: the first level that no later one exceeds by more than their joint uncertainty; NaN where the
 * series is too short for one with 4 blocks or more.
 */
export function plateau(levels: readonly BlockLevel[]): BlockLevel | undefined {
  const long = levels.filter(({ blocks }) => blocks >= 4);
  return long.find((level, i) =>
    long.slice(i + 1).every((later) => later.error - level.error <= Math.hypot(later.uncertainty, level.uncertainty)),
  );
}

/** Starts of the production part that are tried, and pieces that the series is averaged into for that. */
const STARTS = 50;
const PIECES = 2000;

/**
 * Where equilibration ends: the start that leaves the most independent values.
 * Source: Chodera, doi:10.1021/acs.jctc.5b00784
 */
export function equilibration(values: ArrayLike<number>): number {
  const length = Math.max(1, Math.ceil(values.length / PIECES));
  const all = inPieces(values, length);
  let [best, most] = [0, 0];
  for (let k = 0; k < STARTS; k++) {
    const start = Math.floor((k * all.length) / STARTS);
    const rest = all.subarray(start);
    if (rest.length < 2) break;
    const { independent } = analyse(rest);
    if (independent > most) [best, most] = [start, independent];
  }
  return best * length;
}

/** A constant plus a multiple of x by least squares. */
export function line(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
): { readonly intercept: number; readonly slope: number } {
  const [mx, my] = [meanOf(x).mean, meanOf(y).mean];
  let [xy, xx] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    xy += (x[i] - mx) * (y[i] - my);
    xx += (x[i] - mx) ** 2;
  }
  return { intercept: my - (xy / xx) * mx, slope: xy / xx };
}

const MOST_BLOCKS = 20;

/**
 * Running sums of arrays in blocks of equal length, without knowing how many will come: when there are twenty blocks, neighbours
 * are joined.
 */
export class Blocks {
  readonly #size: number;
  readonly #sums: Float64Array[] = [];
  #frames = 0;
  /** Frames in a full block. */
  #length = 1;

  /** @param size numbers of each frame */
  constructor(size: number) {
    this.#size = size;
  }

  add(values: ArrayLike<number>): void {
    if (this.#frames === this.#sums.length * this.#length) {
      if (this.#sums.length === MOST_BLOCKS) this.#join();
      this.#sums.push(new Float64Array(this.#size));
    }
    const sum = this.#sums[this.#sums.length - 1];
    for (let i = 0; i < this.#size; i++) sum[i] += values[i];
    this.#frames++;
  }

  get frames(): number {
    return this.#frames;
  }

  /** Mean over all frames. */
  mean(): Float64Array {
    const mean = new Float64Array(this.#size);
    for (const sum of this.#sums) for (let i = 0; i < mean.length; i++) mean[i] += sum[i] / this.#frames;
    return mean;
  }

  /** Mean of each full block. */
  means(): Float64Array[] {
    const full = this.#sums.slice(0, Math.floor(this.#frames / this.#length));
    return full.map((sum) => sum.map((value) => value / this.#length));
  }

  #join(): void {
    const pairs = this.#sums.splice(0);
    for (let i = 0; i < pairs.length; i += 2) this.#sums.push(pairs[i].map((value, k) => value + pairs[i + 1][k]));
    this.#length *= 2;
  }
}

/** Standard error of a quantity that is evaluated for each block; NaN for fewer than two blocks. */
export const blockError = (blocks: readonly Float64Array[], quantity: (block: Float64Array) => number): number =>
  meanOf(blocks.map(quantity)).error;
