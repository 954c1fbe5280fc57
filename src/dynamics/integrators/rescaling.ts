import { BOLTZMANN } from '../../units.ts';
import type { Random } from '../random.ts';
import { kineticEnergy, type State, scaleVelocities } from '../state.ts';
import type { Forces, Integrator, Means, Saved, Targets } from './integrator.ts';
import { VelocityVerlet } from './velocity-verlet.ts';

/**
 * Scales the velocities so that the kinetic energy follows its canonical distribution, correlated over `time`.
 * Source: doi:10.1063/1.2408420, eq. A7.
 * @returns the heat given to the system, eV
 */
export function rescaleStochastically(state: State, random: Random, targets: Targets, time: number): number {
  const kinetic = kineticEnergy(state);
  if (kinetic === 0) return 0;
  const { freedom } = state;
  const c = time > 0 ? Math.exp(-targets.dt / time) : 0;
  const ratio = (0.5 * BOLTZMANN * targets.temperature) / kinetic;
  const first = random.normal();
  const others = random.sumOfSquares(freedom - 1);
  const square = c + ratio * (1 - c) * (first * first + others) + 2 * first * Math.sqrt(c * (1 - c) * ratio);
  // The sign matters to a single degree of freedom only (eq. A8).
  const sign = first + Math.sqrt(c / ((1 - c) * ratio)) < 0 ? -1 : 1;
  scaleVelocities(state, sign * Math.sqrt(Math.max(0, square)));
  return (square - 1) * kinetic;
}

/** Constant temperature by stochastic velocity rescaling. Source: doi:10.1063/1.2408420. */
export class StochasticRescaling implements Integrator {
  readonly movesCell = false;
  readonly keepsMomentum = true;
  readonly #verlet: VelocityVerlet;
  readonly #random: Random;
  readonly #time: number;
  #heat = 0;

  /** @param time τ, fs */
  constructor(means: Means, time: number) {
    this.#verlet = new VelocityVerlet(means);
    this.#random = means.random;
    this.#time = time;
  }

  begin(state: State, at: Forces, targets: Targets): void {
    this.#verlet.begin(state, at, targets);
  }

  end(state: State, at: Forces, targets: Targets): void {
    this.#verlet.end(state, at, targets);
    this.#heat += rescaleStochastically(state, this.#random, targets, this.#time);
  }

  /** Heat that went into the bath. */
  reservoir(): number {
    return -this.#heat;
  }

  save(): Saved {
    return { heat: this.#heat };
  }

  restore({ heat }: Saved): void {
    this.#heat = heat as number;
  }
}
