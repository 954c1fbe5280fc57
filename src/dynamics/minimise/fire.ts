import { dot, limitMove, type Minimiser } from './minimiser.ts';

/**
 * Fast inertial relaxation engine: velocities are turned towards the forces while the system runs downhill, and stopped
 * where it would run up. Version 2.0 with semi-implicit Euler steps: after an uphill step half of it is taken back.
 * Source: doi:10.1103/PhysRevLett.97.170201; doi:10.1016/j.commatsci.2020.109584, algorithm 2. Masses are 1; time is in
 * Å/√eV.
 */
export class Fire implements Minimiser {
  static readonly #alphaStart = 0.1;
  static readonly #shrinkAlpha = 0.99;
  static readonly #grow = 1.1;
  static readonly #shrink = 0.5;
  static readonly #delay = 5;
  static readonly #largestStep = 1;
  static readonly #smallestStep = 0.002;

  readonly #velocity: Float64Array;
  #timestep = 0.1;
  #alpha = Fire.#alphaStart;
  #downhill = 0;

  constructor(size: number) {
    this.#velocity = new Float64Array(size);
  }

  step(x: Float64Array, forces: Float64Array): void {
    const v = this.#velocity;
    if (dot(forces, v) > 0) {
      if (++this.#downhill > Fire.#delay) {
        this.#timestep = Math.min(Fire.#grow * this.#timestep, Fire.#largestStep);
        this.#alpha *= Fire.#shrinkAlpha;
      }
    } else if (v.some((component) => component !== 0)) {
      const back = this.#timestep / 2;
      for (let i = 0; i < x.length; i++) x[i] -= back * v[i];
      v.fill(0);
      this.#downhill = 0;
      this.#timestep = Math.max(Fire.#shrink * this.#timestep, Fire.#smallestStep);
      this.#alpha = Fire.#alphaStart;
    }
    for (let i = 0; i < x.length; i++) v[i] += this.#timestep * forces[i];
    const push = dot(forces, forces);
    const mix = push > 0 ? this.#alpha * Math.sqrt(dot(v, v) / push) : 0;
    for (let i = 0; i < x.length; i++) v[i] = (1 - this.#alpha) * v[i] + mix * forces[i];
    const move = v.map((component) => this.#timestep * component);
    const factor = limitMove(move);
    for (let i = 0; i < x.length; i++) {
      x[i] += move[i];
      v[i] *= factor;
    }
  }
}
