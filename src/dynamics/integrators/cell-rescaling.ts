import { BOLTZMANN } from '../../units.ts';
import type { CellFreedom } from '../minimise/coordinates.ts';
import { kick, type State, volume } from '../state.ts';
import type { Forces, Integrator, Means, Saved, Targets } from './integrator.ts';
import { rescaleStochastically } from './rescaling.ts';
import { applied, restrict } from './strain.ts';

export interface CellRescalingOptions {
  readonly freedom: CellFreedom;
  /** τ_T, fs */
  readonly thermostatTime: number;
  /** τ_p, fs */
  readonly barostatTime: number;
  /** β_T, Å³/eV; only how fast the volume moves depends on it */
  readonly compressibility: number;
}

/**
 * Constant pressure and temperature by stochastic rescaling of cell and velocities.
 *
 * Isotropic, with ε = ln V:  dε = −(β/τ)(P₀ − P)dt + √(2k_BTβ/(Vτ)) dW   (doi:10.1063/5.0020514, eq. 7),
 * integrated for λ = √V, where the noise does not depend on λ (eq. 9).
 * Otherwise each independent component of a symmetric strain has a third of that mobility, and moves by
 * −(β/3τ)(P₀δ − P_ab)dt with noise of variance 2k_BTβ/(3Vτ)dt on the diagonal and half of that off it
 * (cf. doi:10.3390/app12031139). Positions follow the strain, velocities its inverse. The strain comes between kick and
 * drift, so that forces are always those of the positions they act at.
 */
export class CellRescaling implements Integrator {
  readonly movesCell = true;
  readonly keepsMomentum = true;
  readonly #means: Means;
  readonly #options: CellRescalingOptions;
  /** Strain of this step. */
  #change: Float64Array = new Float64Array(9);
  /** Energy given to the system by both baths, eV. */
  #given = 0;

  constructor(means: Means, options: CellRescalingOptions) {
    this.#means = means;
    this.#options = options;
  }

  begin(state: State, at: Forces, targets: Targets): void {
    const { constraints } = this.#means;
    const size = volume(state)!;
    const stress = constraints.molecules.stress(state, at.virial!, at.forces);
    this.#change = this.#strainOf(stress, size, targets);
    const work = contract(stress, this.#change);
    kick(state, at.forces, 0.5 * targets.dt);
    constraints.velocities(state);
    const [forward, back] = [applied(this.#change, Math.exp), applied(this.#change, (x) => Math.exp(-x))];
    constraints.molecules.strain(state, forward, back);
    this.#given += targets.pressure * (volume(state)! - size) - 0.5 * work;
    constraints.drift(state, targets.dt);
  }

  /** @param stress volume times pressure tensor, eV @param size volume, Å³ */
  #strainOf(stress: Float64Array, size: number, { dt, temperature, pressure: wanted }: Targets): Float64Array {
    const { freedom, barostatTime, compressibility } = this.#options;
    const { random } = this.#means;
    const kT = BOLTZMANN * temperature;
    const rate = compressibility / barostatTime;
    if (freedom === 'isotropic') {
      const mean = (stress[0] + stress[4] + stress[8]) / (3 * size);
      const root = Math.sqrt(size);
      const drift = -0.5 * rate * root * (wanted - mean - kT / (2 * size)) * dt;
      const noise = Math.sqrt(0.5 * kT * rate * dt) * random.normal();
      const e = (2 / 3) * Math.log(Math.max(0.01, (root + drift + noise) / root));
      return Float64Array.of(e, 0, 0, 0, e, 0, 0, 0, e);
    }
    const change = new Float64Array(9);
    const width = Math.sqrt((2 * kT * rate * dt) / (3 * size));
    for (let a = 0; a < 3; a++) {
      for (let b = a; b < 3; b++) {
        if (a !== b && freedom === 'anisotropic') continue;
        const excess = stress[3 * a + b] / size - (a === b ? wanted : 0);
        const e = (rate / 3) * excess * dt + width * (a === b ? 1 : Math.SQRT1_2) * random.normal();
        change[3 * a + b] = e;
        change[3 * b + a] = e;
      }
    }
    return restrict(change, freedom);
  }

  end(state: State, { forces, virial }: Forces, targets: Targets): void {
    const { constraints } = this.#means;
    kick(state, forces, 0.5 * targets.dt);
    constraints.velocities(state);
    // Half of the work of the strain by the stress before it, half by that after: strains are of the order √dt, so that
    // what is of second order in them adds up.
    this.#given -= 0.5 * contract(constraints.molecules.stress(state, virial!, forces), this.#change);
    this.#given += rescaleStochastically(state, this.#means.random, targets, this.#options.thermostatTime);
  }

  /** p₀V, and what went into both baths. */
  reservoir(state: State, { pressure }: Targets): number {
    return pressure * volume(state)! - this.#given;
  }

  save(): Saved {
    return { given: this.#given };
  }

  restore({ given }: Saved): void {
    this.#given = given as number;
  }
}

/** A:B of [3,3] matrices. */
function contract(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < 9; k++) sum += a[k] * b[k];
  return sum;
}
