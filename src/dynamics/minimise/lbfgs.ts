import { dot, limitMove, type Minimiser } from './minimiser.ts';

interface Pair {
  /** x_{k+1} − x_k */
  readonly move: Float64Array;
  /** gradient_{k+1} − gradient_k */
  readonly change: Float64Array;
  /** 1/(move·change) */
  readonly rho: number;
}

/**
 * Limited-memory BFGS, two-loop recursion, full steps of bounded length instead of a line search: one evaluation a step.
 * Source: Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.4, scaling eq. 7.20.
 */
export class Lbfgs implements Minimiser {
  static readonly #memory = 30;
  /** Inverse curvature before the first is measured, Å²/eV: a stiff bond has 70 eV/Å². */
  static readonly #softness = 1 / 70;

  readonly #pairs: Pair[] = [];
  #last: { readonly x: Float64Array; readonly forces: Float64Array } | undefined;

  step(x: Float64Array, forces: Float64Array): void {
    if (this.#last !== undefined) this.#learn(x, forces, this.#last);
    this.#last = { x: x.slice(), forces: forces.slice() };
    let move = this.#direction(forces);
    if (!(dot(move, forces) > 0)) {
      this.#pairs.length = 0;
      move = forces.map((force) => Lbfgs.#softness * force);
    }
    limitMove(move);
    for (let i = 0; i < x.length; i++) x[i] += move[i];
  }

  /** Remembers the curvature along the last move, where it is positive: only then is the inverse Hessian too. */
  #learn(
    x: Float64Array,
    forces: Float64Array,
    last: { readonly x: Float64Array; readonly forces: Float64Array },
  ): void {
    const move = x.map((value, i) => value - last.x[i]);
    const change = forces.map((force, i) => last.forces[i] - force);
    const product = dot(move, change);
    if (!(product > 1e-10 * Math.sqrt(dot(move, move) * dot(change, change)))) return;
    this.#pairs.push({ move, change, rho: 1 / product });
    if (this.#pairs.length > Lbfgs.#memory) this.#pairs.shift();
  }

  /** Inverse Hessian times forces. */
  #direction(forces: Float64Array): Float64Array {
    const q = forces.slice();
    const newest = this.#pairs.at(-1);
    const alphas: number[] = [];
    for (const { move, change, rho } of this.#pairs.toReversed()) {
      const alpha = rho * dot(move, q);
      for (let i = 0; i < q.length; i++) q[i] -= alpha * change[i];
      alphas.push(alpha);
    }
    const softness = newest === undefined ? Lbfgs.#softness : 1 / (newest.rho * dot(newest.change, newest.change));
    for (let i = 0; i < q.length; i++) q[i] *= softness;
    for (const { move, change, rho } of this.#pairs) {
      const factor = (alphas.pop() ?? 0) - rho * dot(change, q);
      for (let i = 0; i < q.length; i++) q[i] += factor * move[i];
    }
    return q;
  }
}
