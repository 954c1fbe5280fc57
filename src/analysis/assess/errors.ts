/** Sums of errors: of all, and by what a structure or an atom is. */

/** Of differences model − label. */
export interface Errors {
  readonly count: number;
  readonly rmse: number;
  readonly mae: number;
  /** Mean difference. */
  readonly bias: number;
  readonly largest: number;
}

export class ErrorSum {
  #count = 0;
  #sum = 0;
  #squared = 0;
  #absolute = 0;
  #largest = 0;

  add(error: number): void {
    this.#count++;
    this.#sum += error;
    this.#squared += error * error;
    this.#absolute += Math.abs(error);
    this.#largest = Math.max(this.#largest, Math.abs(error));
  }

  /** Undefined where nothing was added. */
  get(): Errors | undefined {
    const count = this.#count;
    if (count === 0) return undefined;
    const [bias, mae] = [this.#sum / count, this.#absolute / count];
    return { count, rmse: Math.sqrt(this.#squared / count), mae, bias, largest: this.#largest };
  }
}

/** A sum for each key. */
export class ErrorSums<K> {
  readonly #sums = new Map<K, ErrorSum>();

  add(key: K, error: number): void {
    let sum = this.#sums.get(key);
    if (sum === undefined) {
      sum = new ErrorSum();
      this.#sums.set(key, sum);
    }
    sum.add(error);
  }

  sorted(compare: (a: K, b: K) => number): Map<K, Errors> {
    return new Map([...this.#sums].sort(([a], [b]) => compare(a, b)).map(([key, sum]) => [key, sum.get()!]));
  }
}

/**
 * Errors of energy differences between all pairs of structures of one set, ΔE_ij = (E_i − E_j), from the errors e_i of the
 * energies in O(n log n): Σ_{i<j} (e_i − e_j)² = n Σe² − (Σe)², and with e ascending Σ_{i<j} |e_i − e_j| = Σ_k (2k − n + 1) e_k.
 */
export class PairDifferences {
  #pairs = 0;
  #squared = 0;
  #absolute = 0;
  #largest = 0;

  add(errors: readonly number[]): void {
    const n = errors.length;
    const mean = errors.reduce((sum, error) => sum + error, 0) / n;
    const sorted = errors.map((error) => error - mean).sort((a, b) => a - b);
    this.#pairs += (n * (n - 1)) / 2;
    for (const [k, error] of sorted.entries()) {
      this.#squared += n * error * error;
      this.#absolute += (2 * k - n + 1) * error;
    }
    if (n > 1) this.#largest = Math.max(this.#largest, sorted[n - 1] - sorted[0]);
  }

  /** `bias` is 0: each pair counts both ways. Undefined where no set has two structures. */
  get(): Errors | undefined {
    const count = this.#pairs;
    if (count === 0) return undefined;
    return {
      count,
      rmse: Math.sqrt(this.#squared / count),
      mae: this.#absolute / count,
      bias: 0,
      largest: this.#largest,
    };
  }
}
