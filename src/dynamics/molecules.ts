/** What bonds of fixed length hold together moves as one when the cell is strained. */
import { inverse, periodicCell } from '../engine/cell.ts';
import { MltsError } from '../errors.ts';
import { AMU_ANGSTROM2_PER_FS2 } from '../units.ts';
import { kineticTensor, type State } from './state.ts';

type Pair = readonly [first: number, second: number];

/**
 * Molecules of bonded atoms, and the atoms between them. A strain moves the centre of mass of a molecule and changes its
 * velocity, not what is inside: bonds keep their length, their forces do no work, and the map of positions and momenta keeps
 * its volume. The pressure that belongs to it is the molecular one. Source: doi:10.1080/00268978600100761.
 */
export class Molecules {
  readonly #molecules: readonly Int32Array[];
  readonly #singles: Int32Array;
  readonly #tensor = new Float64Array(9);

  /** Moves atoms by whole lattice vectors so that every bond is as short as any of its images. @throws MltsError E_USAGE */
  constructor(state: State, bonds: readonly Pair[]) {
    const order = gather(state, bonds);
    this.#molecules = order.filter((atoms) => atoms.length > 1).map((atoms) => Int32Array.from(atoms));
    this.#singles = Int32Array.from(order.filter((atoms) => atoms.length === 1).flat());
  }

  /** r ← r·m, v ← v·m⁻¹ of centres, and cell ← cell·m. */
  strain({ positions, velocities, cell, masses }: State, m: ArrayLike<number>, inverted: ArrayLike<number>): void {
    if (cell) transform(cell, m);
    if (this.#molecules.length === 0) {
      transform(positions, m);
      transform(velocities, inverted);
      return;
    }
    for (const atom of this.#singles) {
      transform(positions.subarray(3 * atom, 3 * atom + 3), m);
      transform(velocities.subarray(3 * atom, 3 * atom + 3), inverted);
    }
    for (const atoms of this.#molecules) {
      shift(positions, atoms, masses, m);
      shift(velocities, atoms, masses, inverted);
    }
  }

  /**
   * Volume times pressure tensor, eV, [3,3] symmetric: Σ m v⊗v + W, less what is inside molecules. Overwritten by the next call.
   * @param virial [3,3] eV @param forces [n,3] eV/Å
   */
  stress(state: State, virial: ArrayLike<number>, forces: Float64Array): Float64Array {
    const { positions, velocities, masses } = state;
    const out = kineticTensor(state, this.#tensor);
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) out[3 * a + b] += 0.5 * (virial[3 * a + b] + virial[3 * b + a]);
    }
    for (const atoms of this.#molecules) {
      const r = centre(positions, atoms, masses);
      const v = centre(velocities, atoms, masses);
      for (const atom of atoms) {
        const m = masses[atom] * AMU_ANGSTROM2_PER_FS2;
        for (let a = 0; a < 3; a++) {
          const [x, f, u] = [positions[3 * atom + a] - r[a], forces[3 * atom + a], velocities[3 * atom + a] - v[a]];
          for (let b = 0; b < 3; b++) {
            const [y, g, w] = [positions[3 * atom + b] - r[b], forces[3 * atom + b], velocities[3 * atom + b] - v[b]];
            out[3 * a + b] -= m * u * w + 0.5 * (x * g + y * f);
          }
        }
      }
    }
    return out;
  }
}

/** rows ← rows·m for [n,3] rows. */
export function transform(rows: Float64Array, m: ArrayLike<number>): void {
  for (let k = 0; k < rows.length; k += 3) {
    const [x, y, z] = [rows[k], rows[k + 1], rows[k + 2]];
    rows[k] = x * m[0] + y * m[3] + z * m[6];
    rows[k + 1] = x * m[1] + y * m[4] + z * m[7];
    rows[k + 2] = x * m[2] + y * m[5] + z * m[8];
  }
}

/** Mean of atoms' vectors, weighted by mass. */
function centre(vectors: Float64Array, atoms: Int32Array, masses: Float64Array): Float64Array {
  const sum = new Float64Array(3);
  let mass = 0;
  for (const atom of atoms) {
    mass += masses[atom];
    for (let k = 0; k < 3; k++) sum[k] += masses[atom] * vectors[3 * atom + k];
  }
  for (let k = 0; k < 3; k++) sum[k] /= mass;
  return sum;
}

/** Adds to all atoms what m changes of their mean. */
function shift(vectors: Float64Array, atoms: Int32Array, masses: Float64Array, m: ArrayLike<number>): void {
  const before = centre(vectors, atoms, masses);
  const after = before.slice();
  transform(after, m);
  for (const atom of atoms) {
    for (let k = 0; k < 3; k++) vectors[3 * atom + k] += after[k] - before[k];
  }
}

/** Atoms by molecule, from bond to bond, each next to the one before. */
function gather(state: State, bonds: readonly Pair[]): number[][] {
  const n = state.numbers.length;
  const neighbours: number[][] = Array.from({ length: n }, () => []);
  for (const [first, second] of bonds) {
    neighbours[first].push(second);
    neighbours[second].push(first);
  }
  const images = imagesOf(state);
  const isKnown = new Uint8Array(n);
  const molecules: number[][] = [];
  for (let start = 0; start < n; start++) {
    if (isKnown[start]) continue;
    isKnown[start] = 1;
    const atoms = [start];
    for (const atom of atoms) {
      for (const other of neighbours[atom]) {
        if (isKnown[other]) continue;
        isKnown[other] = 1;
        images.bring(other, atom);
        atoms.push(other);
      }
    }
    molecules.push(atoms);
  }
  for (const [first, second] of bonds) {
    if (images.areNear(first, second)) continue;
    throw new MltsError(
      'E_USAGE',
      `the bonds make a molecule without end: that of atoms ${first} and ${second} closes it through the cell`,
      'Leave one of its bonds out, or repeat the cell.',
    );
  }
  return molecules;
}

function imagesOf({ positions, cell, pbc }: State) {
  const box = periodicCell(cell, pbc);
  const g = inverse(box);
  const cells = (from: number, to: number) => {
    const d = [0, 1, 2].map((k) => positions[3 * to + k] - positions[3 * from + k]);
    return [0, 1, 2].map((k) => (pbc[k] ? Math.round(d[0] * g[k] + d[1] * g[3 + k] + d[2] * g[6 + k]) : 0));
  };
  return {
    bring(atom: number, to: number): void {
      const away = cells(to, atom);
      for (let k = 0; k < 3; k++) {
        positions[3 * atom + k] -= away[0] * box[k] + away[1] * box[3 + k] + away[2] * box[6 + k];
      }
    },
    areNear: (first: number, second: number): boolean => cells(first, second).every((one) => one === 0),
  };
}
