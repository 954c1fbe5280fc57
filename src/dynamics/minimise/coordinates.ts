/** What a minimiser or a path moves: the atoms, or the atoms and their cell. */
import { determinant, inverse } from '../../engine/cell.ts';
import type { Result, System } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';

/** Which strains a cell may take: its size; its edges along x, y and z; its whole shape. */
export const CELL_FREEDOMS = ['isotropic', 'anisotropic', 'triclinic'] as const;
export type CellFreedom = (typeof CELL_FREEDOMS)[number];

/** Generalised coordinates x of one system, Å, rows of three. */
export interface Coordinates {
  /** x of a system with the same atoms. */
  of(system: System): Float64Array;
  /** The system at x, positions newly owned. */
  at(x: Float64Array): System;
  /** −∂E/∂x, or −∂(E + pV)/∂x, eV/Å, from forces and virial at x. */
  forces(x: Float64Array, result: Result): Float64Array;
}

/** Cartesian positions, some of which may be held. */
export class AtomCoordinates implements Coordinates {
  readonly #system: System;
  readonly #fixed: readonly number[];

  constructor(system: System, fixed: readonly number[] = []) {
    this.#system = system;
    this.#fixed = fixed;
  }

  of(system: System): Float64Array {
    return system.positions.slice();
  }

  at(x: Float64Array): System {
    return { ...this.#system, positions: x.slice() };
  }

  forces(_x: Float64Array, result: Result): Float64Array {
    return hold(result.forces!.slice(), this.#fixed);
  }
}

/**
 * Positions q of the undeformed system and s·D, where D deforms it: r = q·D, cell = cell₀·D. With W = −∂E/∂ε,
 *   −∂H/∂q = F·Dᵀ,   −∂H/∂D = D⁻ᵀ·(W − pV·1),   H = E + pV.
 * s = √n Å makes the cell about as stiff as a bond. Source: doi:10.1103/PhysRevB.59.235; for paths doi:10.1063/1.3684549.
 */
export class CellCoordinates implements Coordinates {
  readonly #system: System & { cell: Float64Array };
  readonly #freedom: CellFreedom;
  readonly #pressure: number;
  readonly #fixed: readonly number[];
  readonly #scale: number;

  /** @param pressure eV/Å³ @throws MltsError E_CELL where the system is not periodic in all directions */
  constructor(system: System, freedom: CellFreedom, pressure = 0, fixed: readonly number[] = []) {
    const { cell, pbc } = system;
    if (cell === undefined || pbc === undefined || pbc.includes(false)) {
      throw new MltsError(
        'E_CELL',
        'the cell cannot relax: the structure is not periodic in all three directions',
        'Leave the cell as it is, or give a structure with a cell and pbc="T T T".',
      );
    }
    this.#system = { ...system, cell };
    this.#freedom = freedom;
    this.#pressure = pressure;
    this.#fixed = fixed;
    this.#scale = Math.sqrt(system.numbers.length);
  }

  of({ positions, cell }: System): Float64Array {
    const d = product(inverse(this.#system.cell), cell ?? this.#system.cell);
    const x = new Float64Array(positions.length + 9);
    x.set(product(positions, inverse(d)));
    x.set(
      d.map((component) => this.#scale * component),
      positions.length,
    );
    return x;
  }

  at(x: Float64Array): System {
    const { q, d } = this.#split(x);
    return { ...this.#system, positions: product(q, d), cell: product(this.#system.cell, d) };
  }

  forces(x: Float64Array, { forces, virial }: Result): Float64Array {
    const { q, d } = this.#split(x);
    const out = new Float64Array(x.length);
    out.set(hold(product(forces!, transpose(d)), this.#fixed));
    const work = virial!.slice();
    const volume = determinant(this.#system.cell) * determinant(d);
    for (const k of [0, 4, 8]) work[k] -= this.#pressure * volume;
    const pull = product(transpose(inverse(d)), work);
    out.set(
      allowed(pull, this.#freedom).map((component) => component / this.#scale),
      q.length,
    );
    return out;
  }

  #split(x: Float64Array): { q: Float64Array; d: Float64Array } {
    return { q: x.slice(0, -9), d: x.slice(-9).map((component) => component / this.#scale) };
  }
}

function allowed(pull: Float64Array, freedom: CellFreedom): Float64Array {
  if (freedom === 'triclinic') return pull;
  const mean = (pull[0] + pull[4] + pull[8]) / 3;
  return pull.map((component, k) => (k % 4 !== 0 ? 0 : freedom === 'isotropic' ? mean : component));
}

function hold(forces: Float64Array, fixed: readonly number[]): Float64Array {
  for (const atom of fixed) forces.fill(0, 3 * atom, 3 * atom + 3);
  return forces;
}

/** [n,3] times [3,3]. */
export function product(rows: ArrayLike<number>, m: ArrayLike<number>): Float64Array {
  const out = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i += 3) {
    for (let k = 0; k < 3; k++) out[i + k] = rows[i] * m[k] + rows[i + 1] * m[3 + k] + rows[i + 2] * m[6 + k];
  }
  return out;
}

const transpose = (m: Float64Array) => Float64Array.from(m, (_, k) => m[3 * (k % 3) + Math.floor(k / 3)]);
