import { BOLTZMANN } from '../../units.ts';
import type { CellFreedom } from '../minimise/coordinates.ts';
import { transform } from '../molecules.ts';
import { kineticEnergy, kineticTensor, type State, scaleVelocities, volume } from '../state.ts';
import { Chain } from './chain.ts';
import type { Forces, Integrator, Means, Saved, Targets } from './integrator.ts';
import { applied, restrict, symmetric } from './strain.ts';

export interface MtkOptions {
  readonly freedom: CellFreedom;
  /** fs */
  readonly thermostatTime: number;
  /** fs */
  readonly barostatTime: number;
}

/** Entries of ω that are one degree of freedom. */
const COMPONENTS: Readonly<Record<CellFreedom, readonly (readonly number[])[]>> = {
  isotropic: [[0, 4, 8]],
  anisotropic: [[0], [4], [8]],
  triclinic: [[0], [4], [8], [1, 3], [2, 6], [5, 7]],
};

/** sinh(x)/x */
const sinhc = (x: number): number => (Math.abs(x) < 1e-4 ? 1 + (x * x) / 6 : Math.sinh(x) / x);

/**
 * Constant pressure and temperature by the equations of Martyna, Tobias and Klein, deterministic and reversible: the rate
 * of strain ω (symmetric, so that the cell does not turn) obeys
 *   W ω̇ = V(P − p₀) + (1/f) Σ m v² ,  ṙ = v + r·ω ,  v̇ = F/m − v·(ω + Tr ω/f) ,
 * with a Nosé–Hoover chain on the atoms and one on each degree of freedom of the cell. Sources: doi:10.1063/1.467468; the splitting follows
 * doi:10.1088/0305-4470/39/19/S18.
 */
export class Mtk implements Integrator {
  readonly movesCell = true;
  readonly keepsMomentum = true;
  readonly #options: MtkOptions;
  readonly #atoms: Chain;
  /** One for each of `#components`: one for all lets energy stay in one mode of a stiff cell for thousands of steps. */
  readonly #walls: readonly Chain[];
  /** ω, 1/fs */
  readonly #rate = new Float64Array(9);
  readonly #kinetic = new Float64Array(9);

  constructor(_means: Means, options: MtkOptions) {
    this.#options = options;
    this.#atoms = new Chain(options.thermostatTime);
    this.#walls = COMPONENTS[options.freedom].map(() => new Chain(options.barostatTime));
  }

  begin(state: State, at: Forces, targets: Targets): void {
    this.#baths(state, targets);
    this.#push(state, at, targets);
    this.#kick(state, at, targets.dt);
    this.#drift(state, targets.dt);
  }

  end(state: State, at: Forces, targets: Targets): void {
    this.#kick(state, at, targets.dt);
    this.#push(state, at, targets);
    this.#baths(state, targets);
  }

  /** W, eV fs²: (f + 3)k_BTτ² for the volume as a whole, a third of it for each direction. */
  #mass({ freedom }: State, { temperature }: Targets): number {
    return ((freedom + 3) * BOLTZMANN * temperature * this.#options.barostatTime ** 2) / 3;
  }

  /** ½ W Σ ω² over some entries of ω, eV. */
  #wallEnergy(entries: readonly number[], state: State, targets: Targets): number {
    const sum = entries.reduce((total, k) => total + this.#rate[k] ** 2, 0);
    return 0.5 * this.#mass(state, targets) * sum;
  }

  #baths(state: State, targets: Targets): void {
    const { dt, temperature } = targets;
    for (const [c, entries] of COMPONENTS[this.#options.freedom].entries()) {
      const factor = this.#walls[c].advance(this.#wallEnergy(entries, state, targets), 1, temperature, dt);
      for (const k of entries) this.#rate[k] *= factor;
    }
    scaleVelocities(state, this.#atoms.advance(kineticEnergy(state), state.freedom, temperature, dt));
  }

  /** Half a step of ω. */
  #push(state: State, { virial }: Forces, targets: Targets): void {
    const kinetic = kineticTensor(state, this.#kinetic);
    const trace = (kinetic[0] + kinetic[4] + kinetic[8]) / state.freedom;
    const size = volume(state)!;
    const force = Float64Array.from(symmetric(virial!), (w, k) => {
      const isDiagonal = k % 4 === 0;
      return w + kinetic[k] + (isDiagonal ? trace - targets.pressure * size : 0);
    });
    restrict(force, this.#options.freedom);
    const factor = (0.5 * targets.dt) / this.#mass(state, targets);
    for (let k = 0; k < 9; k++) this.#rate[k] += factor * force[k];
  }

  /** Half a step of the velocities under forces and ω: v ← v·e^(−a) + (dt/2)(F/m)·e^(−a/2)·sinhc(a/2). */
  #kick({ velocities, mobility, freedom }: State, { forces }: Forces, dt: number): void {
    const w = this.#rate;
    const trace = (w[0] + w[4] + w[8]) / freedom;
    const a = Float64Array.from(w, (x, k) => 0.5 * dt * (x + (k % 4 === 0 ? trace : 0)));
    const shrink = applied(a, (x) => Math.exp(-x));
    const push = applied(a, (x) => Math.exp(-0.5 * x) * sinhc(0.5 * x));
    transform(velocities, shrink);
    for (let i = 0, k = 0; i < mobility.length; i++, k += 3) {
      const factor = 0.5 * dt * mobility[i];
      const [x, y, z] = [factor * forces[k], factor * forces[k + 1], factor * forces[k + 2]];
      velocities[k] += x * push[0] + y * push[3] + z * push[6];
      velocities[k + 1] += x * push[1] + y * push[4] + z * push[7];
      velocities[k + 2] += x * push[2] + y * push[5] + z * push[8];
    }
  }

  /** A step of the positions and the cell: r ← r·e^(ωdt) + dt v·e^(ωdt/2)·sinhc(ωdt/2). */
  #drift({ positions, velocities, cell }: State, dt: number): void {
    const stretch = applied(this.#rate, (w) => Math.exp(w * dt));
    const carry = applied(this.#rate, (w) => dt * Math.exp(0.5 * w * dt) * sinhc(0.5 * w * dt));
    transform(positions, stretch);
    for (let k = 0; k < positions.length; k += 3) {
      const [x, y, z] = [velocities[k], velocities[k + 1], velocities[k + 2]];
      positions[k] += x * carry[0] + y * carry[3] + z * carry[6];
      positions[k + 1] += x * carry[1] + y * carry[4] + z * carry[7];
      positions[k + 2] += x * carry[2] + y * carry[5] + z * carry[8];
    }
    transform(cell!, stretch);
  }

  reservoir(state: State, targets: Targets): number {
    const { temperature, pressure } = targets;
    let energy = pressure * volume(state)! + this.#atoms.energy(state.freedom, temperature);
    for (const [c, entries] of COMPONENTS[this.#options.freedom].entries()) {
      energy += this.#wallEnergy(entries, state, targets) + this.#walls[c].energy(1, temperature);
    }
    return energy;
  }

  save(): Saved {
    return { atoms: this.#atoms.save(), walls: this.#walls.map((chain) => chain.save()), rate: [...this.#rate] };
  }

  restore({ atoms, walls, rate }: Saved): void {
    this.#atoms.restore(atoms as Saved);
    for (const [c, chain] of (walls as Saved[]).entries()) this.#walls[c].restore(chain);
    this.#rate.set(rate as number[]);
  }
}
