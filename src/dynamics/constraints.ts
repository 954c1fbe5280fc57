/** What cannot move freely: bonds of fixed length, atoms held in place, the centre of mass. */
import { MltsError } from '../errors.ts';
import { drift, type State } from './state.ts';

/** Relative error of a squared bond length, and of its rate. */
const TOLERANCE = 1e-11;
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
  #before = new Float64Array();

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
    const { positions, velocities, mobility } = state;
    if (this.#before.length !== positions.length) this.#before = new Float64Array(positions.length);
    this.#before.set(positions);
    drift(state, dt);
    for (let iteration = 0, done = false; !done; iteration++) {
      done = true;
      for (const bond of this.bonds) {
        const a = 3 * bond.first;
        const b = 3 * bond.second;
        const [x, y, z] = difference(positions, a, b);
        const error = x * x + y * y + z * z - bond.length ** 2;
        if (Math.abs(error) <= TOLERANCE * bond.length ** 2) continue;
        done = false;
        const [ox, oy, oz] = difference(this.#before, a, b);
        const [ma, mb] = [mobility[bond.first], mobility[bond.second]];
        const along = x * ox + y * oy + z * oz;
        const g = error / (2 * (ma + mb) * along);
        if (!Number.isFinite(g) || iteration > MAX_ITERATIONS) throw lost(bond);
        for (let k = 0; k < 3; k++) {
          const push = g * (k === 0 ? ox : k === 1 ? oy : oz);
          positions[a + k] -= ma * push;
          positions[b + k] += mb * push;
          velocities[a + k] -= (ma * push) / dt;
          velocities[b + k] += (mb * push) / dt;
        }
      }
    }
  }

  /** Takes out of the velocities what would change a bond. @throws MltsError E_UNSTABLE */
  velocities({ positions, velocities, mobility }: State): void {
    for (let iteration = 0, done = this.bonds.length === 0; !done; iteration++) {
      done = true;
      for (const bond of this.bonds) {
        const a = 3 * bond.first;
        const b = 3 * bond.second;
        const [x, y, z] = difference(positions, a, b);
        const [u, v, w] = difference(velocities, a, b);
        const rate = x * u + y * v + z * w;
        // Å²/fs against a typical thermal speed of 0.01 Å/fs
        if (Math.abs(rate) <= TOLERANCE * 0.01 * bond.length) continue;
        done = false;
        const [ma, mb] = [mobility[bond.first], mobility[bond.second]];
        const g = rate / ((ma + mb) * bond.length ** 2);
        if (!Number.isFinite(g) || iteration > MAX_ITERATIONS) throw lost(bond);
        for (let k = 0; k < 3; k++) {
          const push = g * (k === 0 ? x : k === 1 ? y : z);
          velocities[a + k] -= ma * push;
          velocities[b + k] += mb * push;
        }
      }
    }
  }
}

const difference = (r: Float64Array, a: number, b: number): [number, number, number] => [
  r[a] - r[b],
  r[a + 1] - r[b + 1],
  r[a + 2] - r[b + 2],
];

const lost = ({ first, second, length }: Bond): MltsError =>
  new MltsError(
    'E_UNSTABLE',
    `the bond of atoms ${first} and ${second} cannot be kept at ${length.toFixed(4)} Å`,
    'Use a shorter timestep, or relax the structure first.',
    { atom: first },
  );
