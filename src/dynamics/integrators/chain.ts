/** A chain of Nosé–Hoover thermostats on one kinetic energy. Sources: doi:10.1063/1.463940, doi:10.1080/00268979600100761. */
import { BOLTZMANN } from '../../units.ts';
import type { Saved } from './integrator.ts';

/** Weights of the fourth-order Suzuki–Yoshida scheme with three parts. */
const W = 1 / (2 - 2 ** (1 / 3));
const WEIGHTS = [W, 1 - 2 * W, W];
const PARTS = 2;

export class Chain {
  readonly #time: number;
  /** η, dimensionless, and their rates, 1/fs */
  readonly #position: Float64Array;
  readonly #velocity: Float64Array;

  /** @param time period of the thermostat, fs; masses are Q₁ = f k_B T τ², Qₖ = k_B T τ² */
  constructor(time: number, length = 3) {
    this.#time = time;
    this.#position = new Float64Array(length);
    this.#velocity = new Float64Array(length);
  }

  /**
   * Moves the chain by half a step, as at the beginning and the end of each.
   * @param kinetic K of what it thermostats, eV @param freedom its degrees of freedom
   * @returns the factor by which the velocities of what it thermostats are to be multiplied
   */
  advance(kinetic: number, freedom: number, temperature: number, dt: number): number {
    const [x, v] = [this.#position, this.#velocity];
    const n = x.length;
    const kT = BOLTZMANN * temperature;
    const q = (k: number) => (k === 0 ? freedom : 1) * kT * this.#time ** 2;
    const pull = (k: number) => (k === 0 ? 2 * energy - freedom * kT : q(k - 1) * v[k - 1] ** 2 - kT) / q(k);
    let energy = kinetic;
    let scale = 1;
    for (let part = 0; part < PARTS; part++) {
      for (const weight of WEIGHTS) {
        const h = (weight * dt) / PARTS;
        v[n - 1] += 0.25 * h * pull(n - 1);
        for (let k = n - 2; k >= 0; k--) {
          const damp = Math.exp(-0.125 * h * v[k + 1]);
          v[k] = damp * (damp * v[k] + 0.25 * h * pull(k));
        }
        const factor = Math.exp(-0.5 * h * v[0]);
        scale *= factor;
        energy *= factor * factor;
        for (let k = 0; k < n; k++) x[k] += 0.5 * h * v[k];
        for (let k = 0; k < n - 1; k++) {
          const damp = Math.exp(-0.125 * h * v[k + 1]);
          v[k] = damp * (damp * v[k] + 0.25 * h * pull(k));
        }
        v[n - 1] += 0.25 * h * pull(n - 1);
      }
    }
    return scale;
  }

  /** Σ ½ Q v² + f k_B T η₁ + k_B T Σ ηₖ, eV. */
  energy(freedom: number, temperature: number): number {
    const kT = BOLTZMANN * temperature;
    let sum = 0;
    for (let k = 0; k < this.#position.length; k++) {
      const factor = k === 0 ? freedom : 1;
      sum += factor * kT * (0.5 * (this.#time * this.#velocity[k]) ** 2 + this.#position[k]);
    }
    return sum;
  }

  save(): Saved {
    return { position: [...this.#position], velocity: [...this.#velocity] };
  }

  restore({ position, velocity }: Saved): void {
    this.#position.set(position as number[]);
    this.#velocity.set(velocity as number[]);
  }
}
