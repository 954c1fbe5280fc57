import type { EvaluateOptions, Outcome, Potential, System, Trajectory, Want } from '../../engine/potential.ts';

/** A potential and the time spent in it, so that a run can say how much of a step is its own. */
export class TimedPotential implements Potential {
  readonly backend: Potential['backend'];
  readonly model: Potential['model'];
  /** ms since the start or the last reset */
  spent = 0;
  readonly #potential: Potential;

  constructor(potential: Potential) {
    this.#potential = potential;
    this.backend = potential.backend;
    this.model = potential.model;
  }

  async evaluate(batch: readonly System[], want: ReadonlySet<Want>, options?: EvaluateOptions): Promise<Outcome[]> {
    const start = performance.now();
    try {
      return await this.#potential.evaluate(batch, want, options);
    } finally {
      this.spent += performance.now() - start;
    }
  }

  createTrajectory(): Trajectory {
    return this.#potential.createTrajectory();
  }

  memoryBytes(): number {
    return this.#potential.memoryBytes();
  }

  close(): void {
    this.#potential.close();
  }
}
