/** Per-element energies: what of a structure's energy its composition alone explains. */
import { Matrix, pseudoInverse } from 'ml-matrix';
import { MltsError } from '../errors.ts';

/** Frames by their compositions. */
export interface Composed {
  readonly natoms: Uint32Array;
  /** Of each frame, its entry in `compositions`. */
  readonly composition: Uint32Array;
  /** Atoms by symbol. */
  readonly compositions: readonly ReadonlyMap<string, number>[];
}

export interface SelfEnergies {
  /** eV by symbol. */
  readonly energies: Readonly<Record<string, number>>;
  /** Root mean square of what is left, eV per atom. */
  readonly residual: number;
}

/**
 * Least squares without intercept of an energy on the counts of the elements; where compositions do not tell elements apart,
 * the solution of least norm.
 * @param energy eV of each frame, by number; those of NaN do not count
 * @param frames those that count
 * @throws MltsError E_EMPTY where none has an energy
 */
export function fitSelfEnergies(
  found: Composed,
  energy: Float64Array,
  frames: Int32Array,
  elements: readonly string[],
): SelfEnergies {
  const size = elements.length;
  const labelled = frames.filter((frame) => Number.isFinite(energy[frame]));
  if (labelled.length === 0) {
    throw new MltsError(
      'E_EMPTY',
      `none of ${frames.length} frames has an energy, from which per-element energies could be fitted`,
      'Give them, or frames with energies.',
    );
  }
  const rows = found.compositions.map((counts) => elements.map((symbol) => counts.get(symbol) ?? 0));
  const left = Matrix.zeros(size, size);
  const right = Matrix.zeros(size, 1);
  // Per composition first: there are few of them, and the sums of energies stay accurate.
  const totals = rows.map(() => ({ frames: 0, energy: 0 }));
  for (const frame of labelled) {
    const total = totals[found.composition[frame]];
    total.frames++;
    total.energy += energy[frame];
  }
  for (const [k, row] of rows.entries()) {
    for (let a = 0; a < size; a++) {
      right.set(a, 0, right.get(a, 0) + row[a] * totals[k].energy);
      for (let b = 0; b < size; b++) left.set(a, b, left.get(a, b) + totals[k].frames * row[a] * row[b]);
    }
  }
  const solution = pseudoInverse(left, 1e-10).mmul(right).to1DArray();
  let squared = 0;
  for (const frame of labelled) {
    const row = rows[found.composition[frame]];
    const explained = row.reduce((sum, count, a) => sum + count * solution[a], 0);
    squared += ((energy[frame] - explained) / found.natoms[frame]) ** 2;
  }
  return {
    energies: Object.fromEntries(elements.map((symbol, a) => [symbol, solution[a]])),
    residual: Math.sqrt(squared / labelled.length),
  };
}
