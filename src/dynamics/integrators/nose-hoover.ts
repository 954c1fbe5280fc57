import { kineticEnergy, type State, scaleVelocities } from '../state.ts';
import { Chain } from './chain.ts';
import type { Forces, Integrator, Means, Saved, Targets } from './integrator.ts';
import { VelocityVerlet } from './velocity-verlet.ts';

/** Constant temperature by a Nosé–Hoover chain, deterministic and reversible. Source: doi:10.1080/00268979600100761. */
export class NoseHoover implements Integrator {
  readonly movesCell = false;
  readonly keepsMomentum = true;
  readonly #verlet: VelocityVerlet;
  readonly #chain: Chain;

  /** @param time period of the thermostat over 2π, fs */
  constructor(means: Means, time: number) {
    this.#verlet = new VelocityVerlet(means);
    this.#chain = new Chain(time);
  }

  #bath(state: State, { dt, temperature }: Targets): void {
    scaleVelocities(state, this.#chain.advance(kineticEnergy(state), state.freedom, temperature, dt));
  }

  begin(state: State, at: Forces, targets: Targets): void {
    this.#bath(state, targets);
    this.#verlet.begin(state, at, targets);
  }

  end(state: State, at: Forces, targets: Targets): void {
    this.#verlet.end(state, at, targets);
    this.#bath(state, targets);
  }

  reservoir({ freedom }: State, { temperature }: Targets): number {
    return this.#chain.energy(freedom, temperature);
  }

  save(): Saved {
    return this.#chain.save();
  }

  restore(saved: Saved): void {
    this.#chain.restore(saved);
  }
}
