/**
 * The reference backend: scalar float64 in the order of the papers, to be read beside docs/maths.md. The truth that
 * other backends answer to, and what runs where no compiler is.
 */
import { MltsError } from '../../errors.ts';
import type { Model } from '../../model/model.ts';
import { weightBytes } from '../../model/weights.ts';
import type { EvaluateOptions, Outcome, Potential, System, Trajectory, Want } from '../potential.ts';
import { validateSystem } from '../validate.ts';
import { Ani } from './ani.ts';
import type { Family } from './family.ts';
import { Hipnn } from './hipnn.ts';

/** Time after which the event loop gets its turn, ms. */
const SLICE = 20;

/** An ensemble evaluated in TypeScript, always in double precision. */
export class ReferencePotential implements Potential {
  readonly backend = 'reference';
  readonly model: Model;
  readonly #family: Family;
  #closed = false;

  constructor(model: Model) {
    this.model = model;
    this.#family = model.architecture === 'ani' ? new Ani(model) : new Hipnn(model);
  }

  async evaluate(
    batch: readonly System[],
    want: ReadonlySet<Want>,
    { signal }: EvaluateOptions = {},
  ): Promise<Outcome[]> {
    if (this.#closed) throw new MltsError('E_UNAVAILABLE', 'this potential is closed', 'Open the model again.');
    if (batch.length === 0) throw new MltsError('E_EMPTY', 'a batch of no systems', 'Send at least one system.');
    const pause = pauses(signal);
    const outcomes: Outcome[] = [];
    for (const system of batch) {
      await pause();
      outcomes.push(validateSystem(system, this.model) ?? (await this.#family.evaluate(system, want, pause)));
    }
    return outcomes;
  }

  createTrajectory(): Trajectory {
    return { close: () => undefined };
  }

  memoryBytes(): number {
    return weightBytes(this.model);
  }

  close(): void {
    this.#closed = true;
  }
}

/** Gives the event loop its turn now and then. @throws E_CANCELLED once the signal has fired */
function pauses(signal: AbortSignal | undefined): () => Promise<void> {
  let last = performance.now();
  const check = () => {
    if (signal?.aborted)
      throw new MltsError('E_CANCELLED', 'the evaluation was cancelled', 'Ask again if it is still wanted.');
  };
  check();
  return async () => {
    if (performance.now() - last < SLICE) return;
    await new Promise((resolve) => setImmediate(resolve));
    last = performance.now();
    check();
  };
}
