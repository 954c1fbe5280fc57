/**
 * Random numbers whose state can be saved, so that a resumed trajectory is the one that was interrupted. xoshiro128** of
 * Blackman and Vigna, seeded by splitmix32 (doi:10.1145/3460772).
 */

/** Plain JSON. */
export interface RandomState {
  readonly words: readonly number[];
  /** A normal deviate made but not used. */
  readonly spare: number | null;
}

const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

export class Random {
  readonly #words = new Uint32Array(4);
  #spare: number | null = null;

  constructor(seed: number) {
    let x = seed >>> 0;
    // Seeds beyond 32 bits differ in their upper part.
    let high = Math.floor(Math.abs(seed) / 2 ** 32) >>> 0;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) >>> 0;
      let z = x ^ high;
      high = Math.imul(high, 0x85ebca6b) >>> 0;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      this.#words[i] = z ^ (z >>> 15);
    }
    if (this.#words.every((word) => word === 0)) this.#words[0] = 1;
  }

  #next(): number {
    const s = this.#words;
    const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 11);
    return result;
  }

  /** Uniform on [0,1), 53 bits. */
  uniform(): number {
    return ((this.#next() >>> 5) * 67108864 + (this.#next() >>> 6)) / 9007199254740992;
  }

  /** Normal with mean 0 and variance 1: Marsaglia's polar method. */
  normal(): number {
    if (this.#spare !== null) {
      const value = this.#spare;
      this.#spare = null;
      return value;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const s = x * x + y * y;
      if (s >= 1 || s === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(s)) / s);
      this.#spare = y * factor;
      return x * factor;
    }
  }

  /** Sum of the squares of `count` normal deviates: gamma distributed, by Marsaglia and Tsang (doi:10.1145/358407.358414). */
  sumOfSquares(count: number): number {
    if (count <= 0) return 0;
    if (count === 1) return this.normal() ** 2;
    const d = count / 2 - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v <= 0) continue;
      const u = this.uniform();
      if (Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) return 2 * d * v;
    }
  }

  save(): RandomState {
    return { words: [...this.#words], spare: this.#spare };
  }

  restore({ words, spare }: RandomState): void {
    this.#words.set(words);
    this.#spare = spare;
  }
}
