/** What cannot move freely: bonds of fixed length, atoms held in place, the centre of mass. */
import { inverse, type Pbc, periodicCell } from '../engine/cell.ts';
import { MltsError } from '../errors.ts';
import { drift, type State } from './state.ts';

/** Relative error of a squared bond length, and of its rate. */
const TOLERANCE = 1e-11;
/** Å/fs and Å/fs², against which rates along a bond are small. */
const THERMAL_SPEED = 0.01;
const THERMAL_ACCELERATION = 1e-3;
const MAX_ITERATIONS = 500;

export interface Bond {
  readonly first: number;
  readonly second: number;
  /** Å */
  readonly length: number;
  /** Lattice vectors to add to r_first − r_second: the bond of a molecule that the file wrapped leaves the cell. */
  readonly image: readonly [number, number, number];
}

/** The bond of two atoms at their present distance, nearest images. */
export function bondOf(
  { positions, cell, pbc }: { positions: Float64Array; cell?: Float64Array | undefined; pbc: Pbc },
  first: number,
  second: number,
): Bond {
  const d = [0, 1, 2].map((k) => positions[3 * first + k] - positions[3 * second + k]);
  const box = periodicCell(cell, pbc);
  const g = inverse(box);
  const image = [0, 1, 2].map((k) => (pbc[k] ? 0 - Math.round(d[0] * g[k] + d[1] * g[3 + k] + d[2] * g[6 + k]) : 0));
  const length = Math.hypot(
    ...[0, 1, 2].map((k) => d[k] + image[0] * box[k] + image[1] * box[3 + k] + image[2] * box[6 + k]),
  );
  return { first, second, length, image: image as [number, number, number] };
}

/**
 * RATTLE: positions are put back on the constraints along the bonds as they were before the drift, velocities lose their
 * components along the bonds. Source: doi:10.1016/0021-9991(83)90014-1.
 */
export class Constraints {
  readonly bonds: readonly Bond[];
  /** Total momentum is 0 and stays so: three degrees of freedom less. */
  readonly keepsMomentum: boolean;
  readonly #bond = new Float64Array(3);
  readonly #old = new Float64Array(3);
  #scratch = new Float64Array();

  constructor(bonds: readonly Bond[], keepsMomentum: boolean) {
    this.bonds = bonds;
    this.keepsMomentum = keepsMomentum;
  }

  /** Degrees of freedom of a state's velocities, at least 1. */
  freedom({ mobility }: State): number {
    const mobile = mobility.reduce((count, one) => count + (one > 0 ? 1 : 0), 0);
    const free = this.bonds.filter(({ first, second }) => mobility[first] > 0 || mobility[second] > 0).length;
    return Math.max(1, 3 * mobile - free - (this.keepsMomentum ? 3 : 0));
  }

  /** r += dt·v, then back onto the constraints; velocities become those of the path taken. @throws MltsError E_UNSTABLE */
  drift(state: State, dt: number): void {
    if (this.bonds.length === 0) {
      drift(state, dt);
      return;
    }
    const before = this.#copy(state.positions);
    drift(state, dt);
    this.#settle(state, before, 1 / dt);
  }

  /** Puts positions back onto the constraints after cell and positions were strained. @throws MltsError E_UNSTABLE */
  restore(state: State): void {
    if (this.bonds.length > 0) this.#settle(state, this.#copy(state.positions), 0);
  }

  /** @param before positions along whose bonds the atoms are moved @param rate velocity for a displacement, 1/fs */
  #settle(state: State, before: Float64Array, rate: number): void {
    const { positions, velocities, mobility, cell } = state;
    const [d, o] = [this.#bond, this.#old];
    for (let iteration = 0, done = false; !done; iteration++) {
      done = true;
      for (const bond of this.bonds) {
        const [ma, mb] = [mobility[bond.first], mobility[bond.second]];
        separate(positions, cell, bond, d);
        const error = dot(d, d) - bond.length ** 2;
        if (Math.abs(error) <= TOLERANCE * bond.length ** 2 || ma + mb === 0) continue;
        done = false;
        separate(before, cell, bond, o);
        const g = error / (2 * (ma + mb) * dot(d, o));
        if (!Number.isFinite(g) || iteration > MAX_ITERATIONS) throw lost(bond);
        for (let k = 0, a = 3 * bond.first, b = 3 * bond.second; k < 3; k++, a++, b++) {
          positions[a] -= ma * g * o[k];
          positions[b] += mb * g * o[k];
          velocities[a] -= ma * g * o[k] * rate;
          velocities[b] += mb * g * o[k] * rate;
        }
      }
    }
  }

  /** Takes out of the velocities what would change a bond. @throws MltsError E_UNSTABLE */
  velocities(state: State): void {
    this.#project(state, state.velocities, undefined, THERMAL_SPEED);
  }

  /**
   * Virial of the forces that keep the bonds, eV, [3,3]: Σ −λ d⊗d, with λ such that d·d̈ = −|ḋ|² under the given forces.
   * @param forces [n,3] eV/Å of the potential @throws MltsError E_UNSTABLE
   */
  virial(state: State, forces: Float64Array): Float64Array {
    const virial = new Float64Array(9);
    if (this.bonds.length === 0) return virial;
    const accelerations = this.#copy(forces);
    for (let k = 0; k < accelerations.length; k++) accelerations[k] *= state.mobility[Math.floor(k / 3)];
    this.#project(state, accelerations, virial, THERMAL_ACCELERATION);
    return virial;
  }

  /** Takes out of rates of positions what is along the bonds; of accelerations, where their virial is wanted, what bends the path. */
  #project(state: State, rates: Float64Array, virial: Float64Array | undefined, typical: number): void {
    const { positions, velocities, mobility, cell } = state;
    const [d, u] = [this.#bond, this.#old];
    for (let iteration = 0, done = this.bonds.length === 0; !done; iteration++) {
      done = true;
      for (const bond of this.bonds) {
        const [ma, mb] = [mobility[bond.first], mobility[bond.second]];
        separate(positions, cell, bond, d);
        subtract(rates, bond, u);
        let rate = dot(d, u);
        if (virial !== undefined) {
          subtract(velocities, bond, u);
          rate += dot(u, u);
        }
        if (Math.abs(rate) <= TOLERANCE * typical * bond.length || ma + mb === 0) continue;
        done = false;
        const g = rate / ((ma + mb) * dot(d, d));
        if (!Number.isFinite(g) || iteration > MAX_ITERATIONS) throw lost(bond);
        for (let k = 0, a = 3 * bond.first, b = 3 * bond.second; k < 3; k++, a++, b++) {
          rates[a] -= ma * g * d[k];
          rates[b] += mb * g * d[k];
          for (let m = 0; virial !== undefined && m < 3; m++) virial[3 * k + m] -= g * d[k] * d[m];
        }
      }
    }
  }

  #copy(vectors: Float64Array): Float64Array {
    if (this.#scratch.length !== vectors.length) this.#scratch = new Float64Array(vectors.length);
    this.#scratch.set(vectors);
    return this.#scratch;
  }
}

const dot = (a: Float64Array, b: Float64Array): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** out = x_first − x_second. */
function subtract(x: Float64Array, { first, second }: Bond, out: Float64Array): void {
  for (let k = 0; k < 3; k++) out[k] = x[3 * first + k] - x[3 * second + k];
}

/** out = the bond's vector, Å, in its image. */
function separate(positions: Float64Array, cell: Float64Array | undefined, bond: Bond, out: Float64Array): void {
  subtract(positions, bond, out);
  for (let row = 0; row < 3; row++) {
    const times = bond.image[row];
    if (times === 0 || cell === undefined) continue;
    for (let k = 0; k < 3; k++) out[k] += times * cell[3 * row + k];
  }
}

const lost = ({ first, second, length }: Bond): MltsError =>
  new MltsError(
    'E_UNSTABLE',
    `the bond of atoms ${first} and ${second} cannot be kept at ${length.toFixed(4)} Å`,
    'Use a shorter timestep, or relax the structure first.',
    { atom: first },
  );
