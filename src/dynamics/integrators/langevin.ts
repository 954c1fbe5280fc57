import { AMU_ANGSTROM2_PER_FS2, BOLTZMANN } from '../../units.ts';
import { kick, kineticEnergy, type State } from '../state.ts';
import type { Forces, Integrator, Means, Saved, Targets } from './integrator.ts';

/**
 * Constant temperature by friction and noise: BAOAB (kick, half drift, Ornstein–Uhlenbeck, half drift, kick), whose
 * configurations are right to fourth order in dt for a harmonic system. Sources: doi:10.1093/amrx/abs010; with constraints
 * doi:10.1098/rspa.2016.0138.
 */
export class Langevin implements Integrator {
  readonly movesCell = false;
  readonly keepsMomentum = false;
  readonly #means: Means;
  readonly #time: number;
  #heat = 0;

  /** @param time 1/γ, fs */
  constructor(means: Means, time: number) {
    this.#means = means;
    this.#time = time;
  }

  begin(state: State, { forces }: Forces, { dt, temperature }: Targets): void {
    const { constraints, random } = this.#means;
    kick(state, forces, 0.5 * dt);
    constraints.velocities(state);
    constraints.drift(state, 0.5 * dt);
    constraints.velocities(state);
    const before = kineticEnergy(state);
    const { velocities, masses, mobility } = state;
    const keep = Math.exp(-dt / this.#time);
    const width = Math.sqrt((BOLTZMANN * temperature * (1 - keep * keep)) / AMU_ANGSTROM2_PER_FS2);
    for (let i = 0, k = 0; i < masses.length; i++, k += 3) {
      if (mobility[i] === 0) continue;
      const noise = width / Math.sqrt(masses[i]);
      velocities[k] = keep * velocities[k] + noise * random.normal();
      velocities[k + 1] = keep * velocities[k + 1] + noise * random.normal();
      velocities[k + 2] = keep * velocities[k + 2] + noise * random.normal();
    }
    constraints.velocities(state);
    this.#heat += kineticEnergy(state) - before;
    constraints.drift(state, 0.5 * dt);
  }

  end(state: State, { forces }: Forces, { dt }: Targets): void {
    kick(state, forces, 0.5 * dt);
    this.#means.constraints.velocities(state);
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
