/** What cannot move freely: bonds of fixed length, atoms held in place, the centre of mass. */
import { MltsError } from '../errors.ts';
import { Molecules } from './molecules.ts';
import { drift, removeMomentum, type State } from './state.ts';

/** Relative error of a squared bond length, and of its rate. */
const TOLERANCE = 1e-10;
/** Å/fs, against which the rate of a bond is small. */
const THERMAL_SPEED = 0.01;
const MAX_ITERATIONS = 500;

export interface Bond {
  readonly first: number;
  readonly second: number;
  /** Å */
  readonly length: number;
}

/**
 * RATTLE: positions are put back on the constraints along the bonds as they were before the drift, velocities lose their
 * components along the bonds. Source: doi:10.1016/0021-9991(83)90014-1.
 */
export class Constraints {
  readonly bonds: readonly Bond[];
  /** Total momentum is 0 and stays so: three degrees of freedom less. */
  readonly keepsMomentum: boolean;
  readonly molecules: Molecules;
  readonly #bond = new Float64Array(3);
  readonly #other = new Float64Array(3);
  #before = new Float64Array();

  /**
   * @param pairs atoms whose present distance is kept, nearest images; makes their molecules whole
   * @throws MltsError E_USAGE
   */
  constructor(state: State, pairs: readonly (readonly [number, number])[], keepsMomentum: boolean) {
    const n = state.numbers.length;
    for (const [first, second] of pairs) {
      if (first !== second && first >= 0 && second >= 0 && first < n && second < n) continue;
      throw new MltsError('E_USAGE', `a bond of atoms ${first} and ${second} of ${n}`, 'Name two atoms, from 0.');
    }
    this.molecules = new Molecules(state, pairs);
    this.bonds = pairs.map(([first, second]) => {
      subtract(state.positions, first, second, this.#bond);
      return { first, second, length: Math.hypot(...this.#bond) };
    });
    this.keepsMomentum = keepsMomentum;
  }

  /** Degrees of freedom of a state's velocities, at least 1. */
  freedom({ mobility }: State): number {
    const mobile = mobility.reduce((count, one) => count + (one > 0 ? 1 : 0), 0);
    const free = this.bonds.filter(({ first, second }) => mobility[first] > 0 || mobility[second] > 0).length;
    return Math.max(1, 3 * mobile - free - (this.keepsMomentum ? 3 : 0));
  }

  /** Makes given velocities such as these constraints leave them. @param stop takes the motion of the centre of mass out too */
  admit(state: State, stop: boolean): void {
    if (stop && this.keepsMomentum) removeMomentum(state);
    this.velocities(state);
  }

  /** r += dt·v, then back onto the constraints; velocities become those of the path taken. @throws MltsError E_UNSTABLE */
  drift(state: State, dt: number): void {
    if (this.bonds.length === 0) {
      drift(state, dt);
      return;
    }
    const { positions, velocities, mobility } = state;
    if (this.#before.length !== positions.length) this.#before = new Float64Array(positions.length);
    this.#before.set(positions);
    drift(state, dt);
    const [d, o] = [this.#bond, this.#other];
    for (let iteration = 0, done = false; !done; iteration++) {
      done = true;
      for (const bond of this.bonds) {
        const { first, second, length } = bond;
        subtract(positions, first, second, d);
        const error = dot(d, d) - length ** 2;
        if (Math.abs(error) <= TOLERANCE * length ** 2) continue;
        done = false;
        subtract(this.#before, first, second, o);
        const [ma, mb] = [mobility[first], mobility[second]];
        const g = error / (2 * (ma + mb) * dot(d, o));
        if (!Number.isFinite(g) || iteration > MAX_ITERATIONS) throw lost(bond);
        for (let k = 0; k < 3; k++) {
          const push = g * o[k];
          positions[3 * first + k] -= ma * push;
          positions[3 * second + k] += mb * push;
          velocities[3 * first + k] -= (ma * push) / dt;
          velocities[3 * second + k] += (mb * push) / dt;
        }
      }
    }
  }

  /** Takes out of the velocities what would change a bond. @throws MltsError E_UNSTABLE */
  velocities({ positions, velocities, mobility }: State): void {
    const [d, u] = [this.#bond, this.#other];
    for (let iteration = 0, done = this.bonds.length === 0; !done; iteration++) {
      done = true;
      for (const bond of this.bonds) {
        const { first, second, length } = bond;
        subtract(positions, first, second, d);
        subtract(velocities, first, second, u);
        const rate = dot(d, u);
        if (Math.abs(rate) <= TOLERANCE * THERMAL_SPEED * length) continue;
        done = false;
        const [ma, mb] = [mobility[first], mobility[second]];
        const g = rate / ((ma + mb) * length ** 2);
        if (!Number.isFinite(g) || iteration > MAX_ITERATIONS) throw lost(bond);
        for (let k = 0; k < 3; k++) {
          velocities[3 * first + k] -= ma * g * d[k];
          velocities[3 * second + k] += mb * g * d[k];
        }
      }
    }
  }
}

const dot = (a: Float64Array, b: Float64Array): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** out = x_first − x_second of [n,3] vectors. */
function subtract(x: Float64Array, first: number, second: number, out: Float64Array): void {
  for (let k = 0; k < 3; k++) out[k] = x[3 * first + k] - x[3 * second + k];
}

const lost = ({ first, second, length }: Bond): MltsError =>
  new MltsError(
    'E_UNSTABLE',
    `the bond of atoms ${first} and ${second} cannot be kept at ${length.toFixed(4)} Å`,
    'Use a shorter timestep, or relax the structure first.',
    { atom: first },
  );
