/** The reference backend on a thread of its own, so that the event loop stays free. */
import { Worker } from 'node:worker_threads';
import type { EvaluateOptions, Outcome, Potential, System, Trajectory, Want } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import { weightBytes } from '../model/weights.ts';
import type { WireError } from '../protocol/messages.ts';
import { errorOf } from '../protocol/reply.ts';

/** What the worker is asked: a batch, or to give one up. */
export type Question =
  | { readonly id: number; readonly batch: readonly System[]; readonly want: ReadonlySet<Want> }
  | { readonly cancel: number };

/** What it answers: outcomes in order, errors as plain objects; or why the whole batch failed. */
export type Answer =
  | { readonly id: number; readonly outcomes: readonly (Exclude<Outcome, MltsError> | { readonly fault: WireError })[] }
  | { readonly id: number; readonly failure: WireError };

interface Waiting {
  readonly resolve: (outcomes: Outcome[]) => void;
  readonly reject: (error: MltsError) => void;
}

// Compiled or not, the worker lies beside this file and has its suffix.
const SCRIPT = new URL(`./potential-worker${import.meta.url.slice(-3)}`, import.meta.url);

export class WorkerPotential implements Potential {
  readonly backend = 'reference';
  readonly model: Model;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #bytes: number;
  #lastId = 0;
  #end: MltsError | undefined;

  constructor(model: Model) {
    this.model = model;
    this.#bytes = weightBytes(model);
    this.#worker = new Worker(SCRIPT, { workerData: model });
    this.#worker.on('message', (answer: Answer) => this.#answer(answer));
    this.#worker.on('error', (cause) =>
      this.#fail(new MltsError('E_INTERNAL', `the backend ended: ${cause.message}`, RESTART, { cause })),
    );
    this.#worker.on('exit', () => this.#fail(new MltsError('E_INTERNAL', 'the backend ended', RESTART)));
  }

  evaluate(batch: readonly System[], want: ReadonlySet<Want>, { signal }: EvaluateOptions = {}): Promise<Outcome[]> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const id = ++this.#lastId;
    const cancel = () => this.#worker.postMessage({ cancel: id } satisfies Question);
    if (signal?.aborted)
      return Promise.reject(
        new MltsError('E_CANCELLED', 'the evaluation was cancelled', 'Ask again if it is still wanted.'),
      );
    signal?.addEventListener('abort', cancel, { once: true });
    return new Promise<Outcome[]>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const bare = batch.map(({ numbers, positions, cell, pbc, owned }) => ({ numbers, positions, cell, pbc, owned }));
      this.#worker.postMessage({ id, batch: bare, want } satisfies Question);
    }).finally(() => signal?.removeEventListener('abort', cancel));
  }

  /** The reference backend remembers nothing between steps. */
  createTrajectory(): Trajectory {
    return { close: () => undefined };
  }

  memoryBytes(): number {
    return this.#bytes;
  }

  close(): void {
    this.#fail(new MltsError('E_UNAVAILABLE', 'this potential is closed', 'Open the model again.'));
    void this.#worker.terminate();
  }

  #answer(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('failure' in answer) waiting?.reject(errorOf(answer.failure));
    else waiting?.resolve(answer.outcomes.map((outcome) => ('fault' in outcome ? errorOf(outcome.fault) : outcome)));
  }

  #fail(error: MltsError): void {
    this.#end ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#waiting.clear();
  }
}

const RESTART = 'Start the server again, and report this with its log.';
