/** The shortest distance of a structure, where it is short. */
import { heights, inverse, type Pbc, periodicCell } from '../../engine/cell.ts';
import { product } from '../minimise/coordinates.ts';

/**
 * The distance of the two closest atoms, images included, Å; Infinity where no two are closer than `below`. Linear in the
 * number of atoms: they are sorted into bins as wide as `below`.
 * @param positions [n,3] Å @param cell [3,3] Å, rows are lattice vectors @param below Å
 */
export function closestPair(positions: Float64Array, cell: Float64Array | undefined, pbc: Pbc, below: number): number {
  const box = periodicCell(cell, pbc);
  const fractions = product(positions, inverse(box));
  const height = heights(box);
  // Periodic axes have a whole number of bins around; along the others bins have no end.
  const bins = height.map((h, k) => (pbc[k] ? Math.max(1, Math.floor(h / below)) : h / below));
  const range = height.map((h, k) => Math.ceil((below * bins[k]) / h - 1e-9));
  const binOf = (atom: number, k: number) => {
    const s = fractions[3 * atom + k];
    // −1e-20 rounds to 1 when it is wrapped.
    return pbc[k] ? Math.min(Math.floor((s - Math.floor(s)) * bins[k]), bins[k] - 1) : Math.floor(s * bins[k]);
  };
  const inBin = new Map<string, number[]>();
  const n = positions.length / 3;
  for (let atom = 0; atom < n; atom++) {
    const key = `${binOf(atom, 0)},${binOf(atom, 1)},${binOf(atom, 2)}`;
    const list = inBin.get(key);
    if (list === undefined) inBin.set(key, [atom]);
    else list.push(atom);
  }
  let shortest = below * below;
  for (let atom = 0; atom < n; atom++) {
    for (let a = -range[0]; a <= range[0]; a++) {
      for (let b = -range[1]; b <= range[1]; b++) {
        for (let c = -range[2]; c <= range[2]; c++) {
          const shift = [0, 0, 0];
          const key = [a, b, c].map((offset, k) => {
            const bin = binOf(atom, k) + offset;
            if (!pbc[k]) return bin;
            shift[k] = Math.floor(bin / bins[k]);
            return bin - shift[k] * bins[k];
          });
          for (const other of inBin.get(key.join(',')) ?? []) {
            if (other > atom || (other === atom && shift.every((one) => one === 0))) continue;
            shortest = Math.min(shortest, squared(fractions, box, pbc, atom, other, shift));
          }
        }
      }
    }
  }
  return shortest < below * below ? Math.sqrt(shortest) : Number.POSITIVE_INFINITY;
}

/** Of two atoms whose bins are so many cells apart; fractions are taken into the cell along periodic axes. */
function squared(
  fractions: Float64Array,
  box: Float64Array,
  pbc: Pbc,
  atom: number,
  other: number,
  shift: readonly number[],
): number {
  const d = [0, 1, 2].map((k) => {
    const [s, t] = [fractions[3 * atom + k], fractions[3 * other + k]];
    return pbc[k] ? t - Math.floor(t) + shift[k] - (s - Math.floor(s)) : t - s;
  });
  const [x, y, z] = product(d, box);
  return x * x + y * y + z * z;
}
