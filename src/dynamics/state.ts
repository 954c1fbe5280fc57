/** Where the atoms of one walker are and how they move. Å, fs, amu, eV. */
import { determinant, type Pbc } from '../engine/cell.ts';
import type { System } from '../engine/potential.ts';
import { AMU_ANGSTROM2_PER_FS2, BOLTZMANN } from '../units.ts';

/** Changed in place by integrators. */
export interface State {
  /** [n] */
  readonly numbers: Int32Array;
  /** [n] amu */
  readonly masses: Float64Array;
  /** [n,3] Å; not wrapped into the cell */
  readonly positions: Float64Array;
  /** [n,3] Å/fs */
  readonly velocities: Float64Array;
  /** [3,3] Å, rows are lattice vectors */
  readonly cell: Float64Array | undefined;
  readonly pbc: Pbc;
  /** [n] eV to Å²/fs²: acceleration over force; 0 for atoms that are held. */
  readonly mobility: Float64Array;
  /** Degrees of freedom of the velocities, at least 1. */
  freedom: number;
}

/** A state of its own arrays; velocities 0 where none are given. @param fixed atoms that never move */
export function stateOf(
  system: Pick<System, 'numbers' | 'positions' | 'cell' | 'pbc'>,
  masses: Float64Array,
  velocities?: Float64Array,
  fixed: readonly number[] = [],
): State {
  const mobility = masses.map((mass) => 1 / (mass * AMU_ANGSTROM2_PER_FS2));
  for (const atom of fixed) mobility[atom] = 0;
  const state: State = {
    numbers: system.numbers,
    masses,
    positions: system.positions.slice(),
    velocities: velocities?.slice() ?? new Float64Array(system.positions.length),
    cell: system.cell?.slice(),
    pbc: system.pbc ?? [false, false, false],
    mobility,
    freedom: 1,
  };
  for (const atom of fixed) state.velocities.fill(0, 3 * atom, 3 * atom + 3);
  return state;
}

/** ½ Σ m v², eV. */
export function kineticEnergy({ masses, velocities }: State): number {
  let twice = 0;
  for (let i = 0, k = 0; i < masses.length; i++, k += 3) {
    twice += masses[i] * (velocities[k] ** 2 + velocities[k + 1] ** 2 + velocities[k + 2] ** 2);
  }
  return 0.5 * AMU_ANGSTROM2_PER_FS2 * twice;
}

/** Σ m v⊗v, eV, [3,3]. */
export function kineticTensor({ masses, velocities }: State, out = new Float64Array(9)): Float64Array {
  let [xx, yy, zz, xy, xz, yz] = [0, 0, 0, 0, 0, 0];
  for (let i = 0, k = 0; i < masses.length; i++, k += 3) {
    const m = masses[i];
    const x = velocities[k];
    const y = velocities[k + 1];
    const z = velocities[k + 2];
    xx += m * x * x;
    yy += m * y * y;
    zz += m * z * z;
    xy += m * x * y;
    xz += m * x * z;
    yz += m * y * z;
  }
  const c = AMU_ANGSTROM2_PER_FS2;
  out.set([xx * c, xy * c, xz * c, xy * c, yy * c, yz * c, xz * c, yz * c, zz * c]);
  return out;
}

/** 2K/(f k_B), K. */
export const temperature = (kinetic: number, freedom: number): number => (2 * kinetic) / (freedom * BOLTZMANN);

/** Å³; undefined unless periodic in all directions. */
export function volume({ cell, pbc }: Pick<State, 'cell' | 'pbc'>): number | undefined {
  return cell !== undefined && pbc[0] && pbc[1] && pbc[2] ? determinant(cell) : undefined;
}

/** Takes the motion of the centre of mass out of the velocities of mobile atoms. */
export function removeMomentum({ masses, velocities, mobility }: State): void {
  const momentum = [0, 0, 0];
  let mass = 0;
  for (let i = 0; i < masses.length; i++) {
    if (mobility[i] === 0) continue;
    mass += masses[i];
    for (let k = 0; k < 3; k++) momentum[k] += masses[i] * velocities[3 * i + k];
  }
  for (let i = 0; i < masses.length && mass > 0; i++) {
    if (mobility[i] === 0) continue;
    for (let k = 0; k < 3; k++) velocities[3 * i + k] -= momentum[k] / mass;
  }
}

/** Multiplies all velocities. */
export function scaleVelocities({ velocities }: State, factor: number): void {
  for (let k = 0; k < velocities.length; k++) velocities[k] *= factor;
}

/** v += dt·F/m. @param forces [n,3] eV/Å */
export function kick({ velocities, mobility }: State, forces: Float64Array, dt: number): void {
  for (let i = 0, k = 0; i < mobility.length; i++, k += 3) {
    const factor = dt * mobility[i];
    velocities[k] += factor * forces[k];
    velocities[k + 1] += factor * forces[k + 1];
    velocities[k + 2] += factor * forces[k + 2];
  }
}

/** r += dt·v. */
export function drift({ positions, velocities }: State, dt: number): void {
  for (let k = 0; k < positions.length; k++) positions[k] += dt * velocities[k];
}
