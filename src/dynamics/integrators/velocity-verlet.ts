import type { Constraints } from '../constraints.ts';
import { kick, type State } from '../state.ts';
import type { Forces, Integrator, Means, Saved, Targets } from './integrator.ts';

/** Constant energy: velocity Verlet, with RATTLE where there are constraints. Source: doi:10.1063/1.442716. */
export class VelocityVerlet implements Integrator {
  readonly movesCell = false;
  readonly keepsMomentum = true;
  readonly #constraints: Constraints;

  constructor({ constraints }: Means) {
    this.#constraints = constraints;
  }

  begin(state: State, { forces }: Forces, { dt }: Targets): void {
    kick(state, forces, 0.5 * dt);
    this.#constraints.drift(state, dt);
  }

  end(state: State, { forces }: Forces, { dt }: Targets): void {
    kick(state, forces, 0.5 * dt);
    this.#constraints.velocities(state);
  }

  reservoir(): number {
    return 0;
  }

  save(): Saved {
    return {};
  }

  restore(): void {
    // Nothing beside positions and velocities.
  }
}
