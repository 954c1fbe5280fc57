import { heights, inverse } from '../engine/cell.ts';

/** Told of a pair of atoms, or of an atom and its own image: their squared distance, Å²; the vector from i to j, Å, only lent. */
export type PairVisitor = (i: number, j: number, squared: number, vector: Float64Array) => void;

/** Linked cells are about this part of the cutoff wide: smaller ones fit the sphere better, and there are more of them. */
const PART = 0.5;

/**
 * Every pair of a periodic system closer than `cutoff`, all images included, each once, by linked cells
 * (doi:10.1016/0021-9991(73)90105-0, with cells of any shape).
 * @param positions [n,3] Å, need not be wrapped @param cell [3,3] Å @param cutoff Å, may exceed the cell
 */
export function visitPairs(positions: Float64Array, cell: Float64Array, cutoff: number, visit: PairVisitor): void {
  const tall = heights(cell);
  const bins = tall.map((height) => Math.max(1, Math.floor(height / (PART * cutoff))));
  const reach = tall.map((height, k) => Math.ceil(cutoff / (height / bins[k])));
  const { order, starts, wrapped } = sortIntoBins(positions, cell, bins);
  const limit = cutoff * cutoff;
  const vector = new Float64Array(3);
  for (let bin = 0; bin < starts.length - 1; bin++) {
    if (starts[bin] === starts[bin + 1]) continue;
    const at = [Math.floor(bin / (bins[1] * bins[2])), Math.floor(bin / bins[2]) % bins[1], bin % bins[2]];
    // Half of the surrounding cells: the other half meets this one.
    for (let a = 0; a <= reach[0]; a++) {
      for (let b = a === 0 ? 0 : -reach[1]; b <= reach[1]; b++) {
        for (let c = a === 0 && b === 0 ? 0 : -reach[2]; c <= reach[2]; c++) {
          const [turnA, turnB, turnC] = [a, b, c].map((offset, k) => Math.floor((at[k] + offset) / bins[k]));
          const other =
            ((at[0] + a - turnA * bins[0]) * bins[1] + at[1] + b - turnB * bins[1]) * bins[2] +
            at[2] +
            c -
            turnC * bins[2];
          if (starts[other] === starts[other + 1]) continue;
          const [x0, y0, z0] = [0, 1, 2].map((k) => turnA * cell[k] + turnB * cell[3 + k] + turnC * cell[6 + k]);
          const isSelf = a === 0 && b === 0 && c === 0;
          for (let s = starts[bin]; s < starts[bin + 1]; s++) {
            const x = wrapped[3 * s] - x0;
            const y = wrapped[3 * s + 1] - y0;
            const z = wrapped[3 * s + 2] - z0;
            for (let t = isSelf ? s + 1 : starts[other]; t < starts[other + 1]; t++) {
              const dx = wrapped[3 * t] - x;
              const dy = wrapped[3 * t + 1] - y;
              const dz = wrapped[3 * t + 2] - z;
              const squared = dx * dx + dy * dy + dz * dz;
              if (squared >= limit) continue;
              vector[0] = dx;
              vector[1] = dy;
              vector[2] = dz;
              visit(order[s], order[t], squared, vector);
            }
          }
        }
      }
    }
  }
}

/** Atoms in the order of their bins, with positions in the cell. */
function sortIntoBins(positions: Float64Array, cell: Float64Array, bins: readonly number[]) {
  const n = positions.length / 3;
  const r = inverse(cell);
  const fractions = new Float64Array(3 * n);
  const binOf = new Int32Array(n);
  const starts = new Int32Array(bins[0] * bins[1] * bins[2] + 1);
  for (let i = 0; i < n; i++) {
    let bin = 0;
    for (let k = 0; k < 3; k++) {
      const s = positions[3 * i] * r[k] + positions[3 * i + 1] * r[3 + k] + positions[3 * i + 2] * r[6 + k];
      fractions[3 * i + k] = s - Math.floor(s);
      bin = bin * bins[k] + Math.min(bins[k] - 1, Math.floor(fractions[3 * i + k] * bins[k]));
    }
    binOf[i] = bin;
    starts[bin + 1]++;
  }
  for (let bin = 1; bin < starts.length; bin++) starts[bin] += starts[bin - 1];
  const next = starts.slice();
  const order = new Int32Array(n);
  const wrapped = new Float64Array(3 * n);
  for (let i = 0; i < n; i++) {
    const place = next[binOf[i]]++;
    order[place] = i;
    for (let k = 0; k < 3; k++) {
      wrapped[3 * place + k] =
        fractions[3 * i] * cell[k] + fractions[3 * i + 1] * cell[3 + k] + fractions[3 * i + 2] * cell[6 + k];
    }
  }
  return { order, starts, wrapped };
}
