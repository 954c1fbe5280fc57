/**
 * Neighbours of an atom among all atoms and periodic images within a cutoff, found through bins: O(N).
 * Any triclinic cell, cells smaller than the cutoff, any subset of periodic directions, positions anywhere.
 */
import { heights, inverse, NOT_PERIODIC, periodicCell } from '../cell.ts';
import type { System } from '../potential.ts';

/** Neighbours of one centre; an atom appears once for each of its images within the cutoff. */
export interface Neighbourhood {
  /** Index of the atom at the end of each vector. */
  readonly atoms: number[];
  /** D = R_j + shift − R_i, three numbers a neighbour, Å. */
  readonly vectors: number[];
  /** |D|, Å. */
  readonly distances: number[];
}

/** Neighbours of one atom after which the search ends: three times as many as atoms 0.5 Å apart can have within 7 Å. */
export const MAX_NEIGHBOURS = 50_000;

export class NeighbourSearch {
  readonly #cutoff: number;
  readonly #cell: Float64Array;
  readonly #pbc: readonly boolean[];
  /** [n,3] Å, wrapped into the cell along periodic directions. */
  readonly #wrapped: Float64Array;
  /** Bins along each axis, and how many bins the cutoff spans to either side. */
  readonly #bins: number[] = [];
  readonly #span: number[] = [];
  /** [n,3] bin of each atom. */
  readonly #binOf: Int32Array;
  /** Atoms sorted by bin; bin b holds #sorted[#start[b]] … #sorted[#start[b+1]−1]. */
  readonly #sorted: Int32Array;
  readonly #start: Int32Array;

  constructor({ numbers, positions, cell, pbc = NOT_PERIODIC }: System, cutoff: number) {
    const n = numbers.length;
    this.#cutoff = cutoff;
    this.#pbc = pbc;
    this.#cell = periodicCell(cell, pbc);
    const fractions = fractional(positions, this.#cell);
    this.#wrapped = Float64Array.from(positions);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < 3; k++) {
        if (!pbc[k]) continue;
        const turns = Math.floor(fractions[3 * i + k]);
        fractions[3 * i + k] -= turns;
        for (let x = 0; x < 3; x++) this.#wrapped[3 * i + x] -= turns * this.#cell[3 * k + x];
      }
    }
    const lowest = this.#layOut(fractions, n);
    this.#binOf = Int32Array.from(fractions, (s, i) => {
      const [low, size] = lowest[i % 3];
      return Math.min(this.#bins[i % 3] - 1, Math.floor(((s - low) / size) * this.#bins[i % 3]));
    });
    [this.#sorted, this.#start] = this.#sort(n);
  }

  /**
   * All D with 0 < |D| ≤ cutoff; D = 0 only for two atoms at one place, never for an atom and itself. Where there are
   * more than MAX_NEIGHBOURS, the first MAX_NEIGHBOURS + 1.
   */
  of(centre: number): Neighbourhood {
    const found: Neighbourhood = { atoms: [], vectors: [], distances: [] };
    const [spanA, spanB, spanC] = this.#span;
    for (let a = -spanA; a <= spanA; a++) {
      const [binA, shiftA] = this.#step(0, this.#binOf[3 * centre] + a);
      if (binA < 0) continue;
      for (let b = -spanB; b <= spanB; b++) {
        const [binB, shiftB] = this.#step(1, this.#binOf[3 * centre + 1] + b);
        if (binB < 0) continue;
        for (let c = -spanC; c <= spanC; c++) {
          const [binC, shiftC] = this.#step(2, this.#binOf[3 * centre + 2] + c);
          if (binC >= 0)
            this.#collect(centre, (binA * this.#bins[1] + binB) * this.#bins[2] + binC, shiftA, shiftB, shiftC, found);
        }
      }
    }
    return found;
  }

  /** Chooses bins no thinner than the cutoff and not many more than atoms; returns origin and extent along each axis. */
  #layOut(fractions: Float64Array, n: number): [number, number][] {
    const tall = heights(this.#cell);
    const ranges = [0, 1, 2].map((k): [number, number] => {
      if (this.#pbc[k]) return [0, 1];
      let low = Number.POSITIVE_INFINITY;
      let high = Number.NEGATIVE_INFINITY;
      for (let i = k; i < 3 * n; i += 3) {
        low = Math.min(low, fractions[i]);
        high = Math.max(high, fractions[i]);
      }
      return n === 0 ? [0, 1] : [low, Math.max(high - low, Number.MIN_VALUE)];
    });
    const extent = ranges.map(([, size], k) => size * tall[k]);
    const most = Math.ceil(Math.cbrt(8 * n + 64));
    for (let k = 0; k < 3; k++) {
      this.#bins[k] = Math.min(most, Math.max(1, Math.floor(extent[k] / this.#cutoff)));
      this.#span[k] = this.#pbc[k] || this.#bins[k] > 1 ? Math.ceil((this.#cutoff * this.#bins[k]) / extent[k]) : 0;
    }
    return ranges;
  }

  /** Counting sort of the atoms by bin. */
  #sort(n: number): [Int32Array, Int32Array] {
    const [, countB, countC] = this.#bins;
    const bin = (i: number) => (this.#binOf[3 * i] * countB + this.#binOf[3 * i + 1]) * countC + this.#binOf[3 * i + 2];
    const start = new Int32Array(this.#bins[0] * countB * countC + 1);
    for (let i = 0; i < n; i++) start[bin(i) + 1]++;
    for (let b = 1; b < start.length; b++) start[b] += start[b - 1];
    const next = start.slice();
    const sorted = new Int32Array(n);
    for (let i = 0; i < n; i++) sorted[next[bin(i)]++] = i;
    return [sorted, start];
  }

  /** The bin and the number of cells shifted for a bin index that may lie outside; bin −1 where there is none. */
  #step(axis: number, bin: number): [number, number] {
    const count = this.#bins[axis];
    if (!this.#pbc[axis]) return [bin < count ? bin : -1, 0];
    const shift = Math.floor(bin / count);
    return [bin - shift * count, shift];
  }

  #collect(centre: number, bin: number, a: number, b: number, c: number, found: Neighbourhood): void {
    const R = this.#wrapped;
    const cell = this.#cell;
    const x = a * cell[0] + b * cell[3] + c * cell[6] - R[3 * centre];
    const y = a * cell[1] + b * cell[4] + c * cell[7] - R[3 * centre + 1];
    const z = a * cell[2] + b * cell[5] + c * cell[8] - R[3 * centre + 2];
    for (let slot = this.#start[bin]; slot < this.#start[bin + 1] && found.atoms.length <= MAX_NEIGHBOURS; slot++) {
      const j = this.#sorted[slot];
      if (j === centre && a === 0 && b === 0 && c === 0) continue;
      const dx = R[3 * j] + x;
      const dy = R[3 * j + 1] + y;
      const dz = R[3 * j + 2] + z;
      const squared = dx * dx + dy * dy + dz * dz;
      if (squared > this.#cutoff * this.#cutoff) continue;
      found.atoms.push(j);
      found.vectors.push(dx, dy, dz);
      found.distances.push(Math.sqrt(squared));
    }
  }
}

/** Fractional coordinates of [n,3] positions. */
function fractional(positions: Float64Array, cell: Float64Array): Float64Array {
  const r = inverse(cell);
  return Float64Array.from(positions, (_, index) => {
    const k = index % 3;
    const i = index - k;
    return positions[i] * r[k] + positions[i + 1] * r[3 + k] + positions[i + 2] * r[6 + k];
  });
}
