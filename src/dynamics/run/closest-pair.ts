/** The shortest distance of a structure, where it is short. */
import { heights, inverse, type Pbc, periodicCell } from '../../engine/cell.ts';
import { product } from '../minimise/coordinates.ts';

export interface ClosestPair {
  readonly first: number;
  /** The same atom where it is closest to an image of itself. */
  readonly second: number;
  /** Å */
  readonly distance: number;
}

/**
 * The two closest atoms, images included; undefined where no two are closer than `below`. Linear in the number of atoms:
 * they are sorted into bins at least as wide as `below`, or as the cell where that is less.
 * @param positions [n,3] Å @param cell [3,3] Å, rows are lattice vectors @param below Å
 */
export function closestPair(
  positions: Float64Array,
  cell: Float64Array | undefined,
  pbc: Pbc,
  below: number,
): ClosestPair | undefined {
  const n = positions.length / 3;
  const box = periodicCell(cell, pbc);
  const height = heights(box);
  const fractions = product(positions, inverse(box));
  const bins = [1, 1, 1];
  const range = [0, 0, 0];
  /** Of each atom along each axis. */
  const binOf = new Int32Array(3 * n);
  for (let k = 0; k < 3; k++) {
    const [low, extent] = pbc[k] ? [0, 1] : span(fractions, k);
    bins[k] = Math.max(1, Math.min(Math.floor((extent * height[k]) / below), Math.ceil(2 * Math.cbrt(n))));
    range[k] = pbc[k] ? Math.ceil((below * bins[k]) / height[k] - 1e-9) : 1;
    for (let i = k; i < 3 * n; i += 3) {
      if (pbc[k]) fractions[i] -= Math.floor(fractions[i]);
      // −1e-20 wraps to 1.
      binOf[i] = Math.min(bins[k] - 1, Math.floor(((fractions[i] - low) / (extent || 1)) * bins[k]));
    }
  }
  const wrapped = product(fractions, box);
  const { starts, atoms } = sort(binOf, bins);
  let closest: ClosestPair | undefined;
  let shortest = below * below;
  for (let first = 0; first < n; first++) {
    for (let a = -range[0]; a <= range[0]; a++) {
      for (let b = -range[1]; b <= range[1]; b++) {
        for (let c = -range[2]; c <= range[2]; c++) {
          const [i, j, k] = [binOf[3 * first] + a, binOf[3 * first + 1] + b, binOf[3 * first + 2] + c];
          const [u, v, w] = [Math.floor(i / bins[0]), Math.floor(j / bins[1]), Math.floor(k / bins[2])];
          if ((u !== 0 && !pbc[0]) || (v !== 0 && !pbc[1]) || (w !== 0 && !pbc[2])) continue;
          const x = u * box[0] + v * box[3] + w * box[6] - wrapped[3 * first];
          const y = u * box[1] + v * box[4] + w * box[7] - wrapped[3 * first + 1];
          const z = u * box[2] + v * box[5] + w * box[8] - wrapped[3 * first + 2];
          const bin = ((i - u * bins[0]) * bins[1] + j - v * bins[1]) * bins[2] + k - w * bins[2];
          for (let at = starts[bin]; at < starts[bin + 1]; at++) {
            const second = atoms[at];
            if (second > first || (second === first && u === 0 && v === 0 && w === 0)) continue;
            const [dx, dy, dz] = [wrapped[3 * second] + x, wrapped[3 * second + 1] + y, wrapped[3 * second + 2] + z];
            const squared = dx * dx + dy * dy + dz * dz;
            if (squared >= shortest) continue;
            shortest = squared;
            closest = { first: second, second: first, distance: Math.sqrt(squared) };
          }
        }
      }
    }
  }
  return closest;
}

/** Least fraction along an axis, and how far it is from there to the greatest. */
function span(fractions: Float64Array, axis: number): [low: number, extent: number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = axis; i < fractions.length; i += 3) {
    low = Math.min(low, fractions[i]);
    high = Math.max(high, fractions[i]);
  }
  return [low, high - low];
}

/** Atoms by bin: those of bin b are atoms[starts[b]] … atoms[starts[b+1]−1]. */
function sort(binOf: Int32Array, bins: readonly number[]): { starts: Int32Array; atoms: Int32Array } {
  const n = binOf.length / 3;
  const indexOf = (atom: number) => (binOf[3 * atom] * bins[1] + binOf[3 * atom + 1]) * bins[2] + binOf[3 * atom + 2];
  const starts = new Int32Array(bins[0] * bins[1] * bins[2] + 1);
  for (let atom = 0; atom < n; atom++) starts[indexOf(atom) + 1]++;
  for (let bin = 1; bin < starts.length; bin++) starts[bin] += starts[bin - 1];
  const next = starts.slice();
  const atoms = new Int32Array(n);
  for (let atom = 0; atom < n; atom++) atoms[next[indexOf(atom)]++] = atom;
  return { starts, atoms };
}
