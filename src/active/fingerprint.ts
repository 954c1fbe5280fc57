/** Structures as vectors: which distances their atoms have, by pair of elements. Structures alike have vectors alike. */
import { NeighbourSearch } from '../engine/reference/neighbours.ts';
import type { Structure } from '../io/structure.ts';

/** Å */
const CUTOFF = 6;
const SHELLS = 20;
const WIDTH = CUTOFF / SHELLS;

/**
 * For each pair of elements (a, b) the mean and the standard deviation over the atoms a of how many b are at each distance:
 * Σ_j exp(−½ (r_ij − r_s)²/w²) f_c(r_ij) with twenty r_s up to 6 Å and the cosine cutoff, the radial symmetry functions of
 * doi:10.1103/PhysRevLett.98.146401.
 * @returns vectors of one length for all
 */
export function fingerprints(
  frames: readonly Structure[],
  known: readonly Structure[],
): { readonly frames: Float64Array[]; readonly known: Float64Array[] } {
  const elements = [...new Set([...frames, ...known].flatMap(({ numbers }) => [...new Set(numbers)]))].sort(
    (a, b) => a - b,
  );
  const of = (structure: Structure) => fingerprint(structure, elements);
  return { frames: frames.map(of), known: known.map(of) };
}

function fingerprint(structure: Structure, elements: readonly number[]): Float64Array {
  const { numbers } = structure;
  const kinds = elements.length;
  const search = new NeighbourSearch(structure, CUTOFF);
  const sums = new Float64Array(kinds * kinds * SHELLS);
  const squares = new Float64Array(sums.length);
  const counts = new Float64Array(kinds);
  const atom = new Float64Array(kinds * SHELLS);
  for (let i = 0; i < numbers.length; i++) {
    const kind = elements.indexOf(numbers[i]);
    counts[kind]++;
    atom.fill(0);
    const { atoms, distances } = search.of(i);
    for (const [k, j] of atoms.entries()) {
      const r = distances[k];
      const cut = 0.5 * (1 + Math.cos((Math.PI * r) / CUTOFF));
      const at = elements.indexOf(numbers[j]) * SHELLS;
      for (let s = 0; s < SHELLS; s++) atom[at + s] += cut * Math.exp(-0.5 * ((r - (s + 1) * WIDTH) / WIDTH) ** 2);
    }
    for (const [k, value] of atom.entries()) {
      sums[kind * kinds * SHELLS + k] += value;
      squares[kind * kinds * SHELLS + k] += value * value;
    }
  }
  const vector = new Float64Array(2 * sums.length);
  for (const [k, sum] of sums.entries()) {
    const count = counts[Math.floor(k / (kinds * SHELLS))];
    if (count === 0) continue;
    vector[2 * k] = sum / count;
    vector[2 * k + 1] = Math.sqrt(Math.max(0, squares[k] / count - vector[2 * k] ** 2));
  }
  return vector;
}
