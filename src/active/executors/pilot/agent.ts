/** A pilot: asks for chunks, has its workers compute them, sends what came of them, until the campaign has ended. */
import { randomUUID } from 'node:crypto';
import { asMltsError, MltsError } from '../../../errors.ts';
import type { KeyFile } from '../../../protocol/keys.ts';
import { version } from '../../../version.ts';
import { runWorker } from '../worker-process.ts';
import { Bench } from './bench.ts';
import { Link } from './link.ts';
import type { Chunk, RecordMessage, ToPilot } from './messages.ts';

export interface AgentOptions {
  readonly endpoint: string;
  readonly keys: KeyFile | undefined;
  /** Processes side by side. */
  readonly workers: number;
  /** When the allocation ends, ms since 1970; undefined where it does not. */
  readonly until: number | undefined;
  /** For people at the other end. */
  readonly name: string;
  readonly say: (text: string) => void;
  /** Gives back what is under way and leaves. */
  readonly signal: AbortSignal;
}

/** Why a pilot left. */
export type Reason = 'ended' | 'late' | 'stopped';

interface Job {
  readonly chunk: Chunk;
  /** Without a record. */
  readonly left: Set<string>;
  /** Ends its worker, once it has one. */
  stop: () => void;
}

/** Between two greetings, where the first gets no answer, ms. */
const GREETING = 1000;

/**
 * Resolves when it left, with the labels that it has sent.
 * @throws MltsError E_ADDRESS; E_KEYS where its keys are refused; E_VERSION where the campaign runs another mlts; E_UNAVAILABLE where
 *   the engine is not set up here
 */
export const runPilot = (options: AgentOptions): Promise<{ reason: Reason; labels: number }> =>
  new Agent(options).toEnd();

class Agent {
  readonly #options: AgentOptions;
  readonly #id = randomUUID();
  readonly #bench = new Bench();
  readonly #link: Link;
  readonly #jobs = new Map<string, Job>();
  /** Records that nobody has confirmed yet. */
  #sent: RecordMessage[] = [];
  #labels = 0;
  /** Workers that wait for a chunk. */
  readonly #idle: ((job: Job | undefined) => void)[] = [];
  /** A chunk was asked for on this connection and has not come. */
  #isAsking = false;
  #isWelcome = false;
  /** Was welcome once. */
  #isKnown = false;
  #isAway = false;
  #timer: NodeJS.Timeout | undefined;
  #reason: Reason | undefined;
  #fault: MltsError | undefined;

  constructor(options: AgentOptions) {
    this.#options = options;
    try {
      this.#link = new Link(options.endpoint, options.keys, {
        onUp: () => this.#hello(),
        onDown: () => this.#onDown(),
        onMessage: (message) => this.#onMessage(message),
        onFault: (error) => this.#fail(error),
      });
    } catch (error) {
      this.#bench.close();
      throw error;
    }
  }

  async toEnd(): Promise<{ reason: Reason; labels: number }> {
    const { signal, workers } = this.#options;
    const stop = () => this.#leave('stopped');
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      await Promise.all(Array.from({ length: workers }, () => this.#serve().catch((error) => this.#fail(error))));
    } finally {
      signal.removeEventListener('abort', stop);
      clearInterval(this.#timer);
      if (this.#fault === undefined && this.#reason === 'late') this.#link.send({ type: 'bye' });
      this.#link.close();
      this.#bench.close();
    }
    if (this.#fault !== undefined) throw this.#fault;
    return { reason: this.#reason ?? 'ended', labels: this.#labels };
  }

  /** One worker after the other: a new one for another engine, and after each death. */
  async #serve(): Promise<void> {
    let next = await this.#ask();
    while (next !== undefined) {
      const { work } = next.chunk;
      const manifest = this.#bench.manifest(next.chunk);
      const controller = new AbortController();
      let job: Job | undefined;
      const take = async (): Promise<number | undefined> => {
        if (job !== undefined) this.#end(job);
        job = undefined;
        while (next === undefined || !this.#isHeld(next)) {
          next = await this.#ask();
          if (next === undefined) return undefined;
        }
        if (controller.signal.aborted || next.chunk.work !== work) return undefined;
        job = next;
        next = undefined;
        job.stop = () => controller.abort();
        return this.#bench.put(job.chunk);
      };
      const done = (id: string) => job !== undefined && this.#record(job, id);
      const death = await runWorker(manifest, { next: take, done, signal: controller.signal });
      if (job !== undefined && death !== undefined) this.#end(job, death.why);
      next ??= await this.#ask();
    }
  }

  #isHeld(job: Job): boolean {
    return this.#jobs.get(job.chunk.lease) === job;
  }

  /** The next chunk for a worker; undefined where there will be none. */
  #ask(): Promise<Job | undefined> {
    if (this.#reason !== undefined || this.#fault !== undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#pull();
    });
  }

  #pull(): void {
    if (!this.#isWelcome || this.#isAsking || this.#idle.length === 0) return;
    const { until } = this.#options;
    this.#isAsking = true;
    this.#link.send({ type: 'pull', left: until === undefined ? undefined : (until - Date.now()) / 1000 });
  }

  #record(job: Job, id: string): void {
    if (!this.#isHeld(job) || !job.left.delete(id)) return;
    const message: RecordMessage = {
      ...{ type: 'record', seq: ++this.#labels, work: job.chunk.work, id },
      ...this.#bench.take(job.chunk, id),
    };
    this.#sent.push(message);
    if (this.#isWelcome) this.#link.send(message);
  }

  #end({ chunk: { lease } }: Job, why?: string): void {
    if (this.#jobs.delete(lease)) this.#link.send({ type: 'end', lease, why });
  }

  #hello(): void {
    // Before the chunks that it holds are told: what is done is not given to others.
    for (const message of this.#sent) this.#link.send(message);
    const held = [...this.#jobs.values()].map(({ chunk: { lease, work }, left }) => ({ lease, work, ids: [...left] }));
    const { name, workers } = this.#options;
    this.#isWelcome = this.#isAsking = false;
    this.#link.send({ type: 'hello', version, pilot: this.#id, name, workers, held });
    this.#every(GREETING, () => this.#hello());
  }

  #onMessage(message: ToPilot): void {
    if (message.type === 'welcome') this.#onWelcome(message.beat);
    else if (message.type === 'chunk') this.#onChunk(message);
    else if (message.type === 'late') this.#leave('late');
    else if (message.type === 'got') this.#sent = this.#sent.filter(({ seq }) => seq > message.seq);
    else if (message.type === 'who') this.#hello();
    else if (message.type === 'drop') {
      for (const lease of message.leases) this.#drop(lease);
    } else if (message.type === 'end') this.#leave('ended');
    else this.#fail(new MltsError(message.error.code, message.error.what, message.error.remedy));
  }

  #onWelcome(beat: number): void {
    const { say, endpoint } = this.#options;
    if (!this.#isKnown) say(`chunks come from ${endpoint}`);
    else if (this.#isAway) say(`${endpoint} is there again`);
    this.#isAway = false;
    this.#every(beat, () => this.#link.send({ type: 'beat' }));
    this.#isWelcome = this.#isKnown = true;
    this.#pull();
  }

  #every(ms: number, action: () => void): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(action, ms);
  }

  #onDown(): void {
    const { say, endpoint } = this.#options;
    this.#isWelcome = false;
    clearInterval(this.#timer);
    if (this.#isAway || this.#reason !== undefined) return;
    this.#isAway = true;
    say(`waiting for mlts learn at ${endpoint}`);
  }

  #onChunk(chunk: Chunk): void {
    this.#isAsking = false;
    const worker = this.#idle.shift();
    if (worker === undefined) this.#link.send({ type: 'end', lease: chunk.lease });
    else {
      const job: Job = { chunk, left: new Set(chunk.ids), stop: () => undefined };
      this.#jobs.set(chunk.lease, job);
      worker(job);
    }
    this.#pull();
  }

  /** Others compute it. */
  #drop(lease: string): void {
    const job = this.#jobs.get(lease);
    this.#jobs.delete(lease);
    job?.stop();
  }

  /** No further chunks; what is under way is finished only where time is all that is short. */
  #leave(reason: Reason): void {
    this.#reason ??= reason;
    for (const worker of this.#idle.splice(0)) worker(undefined);
    if (reason === 'late') return;
    for (const job of [...this.#jobs.values()]) {
      this.#end(job);
      job.stop();
    }
    if (reason === 'stopped') this.#link.send({ type: 'bye' });
  }

  #fail(thrown: unknown): void {
    if (this.#fault !== undefined || this.#reason === 'ended' || this.#reason === 'stopped') return;
    this.#fault = asMltsError(thrown);
    const { code, what, remedy } = this.#fault;
    this.#leave('ended');
    this.#link.send({ type: 'bye', error: { code, what, remedy } });
  }
}
