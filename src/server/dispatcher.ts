/** Feeds the backend: one batch at a time, made of all that waited while the last one was computed. */
import type { Outcome } from '../engine/potential.ts';
import { asMltsError, MltsError } from '../errors.ts';
import type { Client } from './clients.ts';
import type { Job, Task } from './job.ts';
import type { Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import { FairQueue } from './queue.ts';
import type { Session } from './session.ts';

/** Batches of fewer atoms end before a cancellation could save anything. */
const CANCELLABLE_ATOMS = 1000;

interface Running {
  readonly tasks: readonly Task[];
  readonly abort: AbortController | undefined;
}

export class Dispatcher {
  readonly #limits: Limits;
  readonly #metrics: Metrics;
  /** Called once for each job, when all of its systems have an outcome. */
  readonly #settle: (job: Job) => void;
  readonly #queue = new FairQueue();
  #running: Running | undefined;
  #isScheduled = false;
  #idle: (() => void)[] = [];
  /** Jobs and atoms that wait or run. */
  jobs = 0;
  atoms = 0;

  constructor(limits: Limits, metrics: Metrics, settle: (job: Job) => void) {
    this.#limits = limits;
    this.#metrics = metrics;
    this.#settle = settle;
  }

  /** @throws MltsError E_BUSY where too much waits already for this many atoms more */
  check(client: Client, atoms: number): void {
    const { maxClientQueue, maxQueue, maxQueueAtoms } = this.#limits;
    if (client.jobs >= maxClientQueue)
      throw busy(`this client has ${client.jobs} requests waiting, the limit is ${maxClientQueue}`);
    if (this.jobs >= maxQueue) throw busy(`${this.jobs} requests are waiting, the limit is ${maxQueue}`);
    if (this.jobs > 0 && this.atoms + atoms > maxQueueAtoms) {
      throw busy(`${this.atoms + atoms} atoms would be waiting, the limit is ${maxQueueAtoms}`);
    }
  }

  /** Takes a job that passed `check`. */
  add(job: Job): void {
    this.jobs++;
    this.atoms += job.atoms;
    job.client.jobs++;
    job.kind.served.take();
    this.#queue.add(job);
    if (this.#running !== undefined || this.#isScheduled) return;
    // After the messages that have arrived with this one, which then share its batch.
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#running === undefined) this.#start();
    });
  }

  /** Gives up the work of a client, or of one of its sessions. What waits is settled with E_CANCELLED now. */
  cancel(client: Client, session?: Session): void {
    const concerns = (job: Job) => job.client === client && (session === undefined || job.session === session);
    for (const job of this.#queue.remove(client, session)) this.#fail(job, cancelled());
    for (const { job } of this.#running?.tasks ?? []) if (concerns(job)) job.cancelled = true;
    if (this.#running?.tasks.every(({ job }) => job.cancelled)) this.#running.abort?.abort();
  }

  /** Settles all that waits with an error and stops what runs. */
  abandon(error: MltsError): void {
    for (const job of this.#queue.clear()) this.#fail(job, error);
    this.#running?.abort?.abort();
  }

  /** Resolves once nothing waits or runs. */
  async drained(): Promise<void> {
    if (this.jobs > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #start(): void {
    const tasks = this.#queue.take(this.#limits.maxBatchAtoms);
    const first = tasks[0];
    if (first === undefined) return;
    const systems = tasks.map(({ job, index }) => job.systems[index]);
    const atoms = systems.reduce((sum, system) => sum + system.numbers.length, 0);
    const abort = atoms >= CANCELLABLE_ATOMS ? new AbortController() : undefined;
    const { served, precision, want } = first.job.kind;
    this.#metrics.batch(tasks.length, atoms);
    this.#running = { tasks, abort };
    served.potential.evaluate(systems, want, abort ? { precision, signal: abort.signal } : { precision }).then(
      (outcomes) => this.#finish(tasks, (position) => outcomes[position]),
      (error: unknown) => {
        const failure = asMltsError(error);
        this.#finish(tasks, () => failure);
      },
    );
  }

  #finish(tasks: readonly Task[], outcome: (position: number) => Outcome | undefined): void {
    this.#running = undefined;
    // The backend works on while this thread writes replies.
    this.#start();
    for (let position = 0; position < tasks.length; position++) {
      const { job, index } = tasks[position];
      job.outcomes[index] = outcome(position) ?? missing();
      if (++job.done === job.systems.length) this.#leave(job);
    }
  }

  #fail(job: Job, error: MltsError): void {
    job.cancelled = true;
    job.outcomes.fill(error, job.done);
    this.#leave(job);
  }

  #leave(job: Job): void {
    this.jobs--;
    this.atoms -= job.atoms;
    job.client.jobs--;
    job.kind.served.leave();
    this.#settle(job);
    if (this.jobs === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

const busy = (what: string): MltsError => new MltsError('E_BUSY', what, 'Send it again later.');
const cancelled = (): MltsError =>
  new MltsError('E_CANCELLED', 'the session was closed before its turn', 'Wait for replies before closing.');
const missing = (): MltsError =>
  new MltsError('E_INTERNAL', 'the backend returned no outcome for a system', 'Report this with the input.');
