/** Structures of requests on which the members disagree, handed to a thread that keeps them. Costs the event loop a look at σ. */
import type { Worker } from 'node:worker_threads';
import type { Result, System } from '../engine/potential.ts';
import type { Log } from '../log.ts';
import type { ModelInfo } from '../model/model.ts';

export interface HarvestSettings {
  readonly folder: string;
  /** On the largest σ_F of a structure, eV/Å. */
  readonly threshold: number;
  /** Between two structures of one session, whose steps are alike, s. */
  readonly interval: number;
  /** Of one structure. */
  readonly maxAtoms: number;
  /** Of the folder: nothing is kept beyond them. */
  readonly maxStructures: number;
  readonly maxBytes: number;
}

export const DEFAULT_HARVEST: Omit<HarvestSettings, 'folder'> = {
  threshold: 0.3,
  interval: 10,
  maxAtoms: 1000,
  maxStructures: 10_000,
  maxBytes: 256 * 2 ** 20,
};

/** What the thread is given; null ends it. */
export interface Harvested {
  readonly numbers: Int32Array;
  readonly positions: Float64Array;
  readonly cell: Float64Array | undefined;
  readonly pbc: readonly [boolean, boolean, boolean];
  /** The largest σ_F, eV/Å. */
  readonly sigma: number;
  readonly model: string;
  readonly sha256: string;
}

/** What it answers to each: kept, there already, or why not. */
export type Answer = 'kept' | 'known' | { readonly full: string } | { readonly failed: string };

/** Structures that the thread has not answered for; more are dropped. */
const WAITING = 32;
/** How long nothing is taken after a full folder or a failure, ms. */
const PAUSE = 60_000;

export class Harvest {
  readonly #settings: HarvestSettings;
  readonly #writer: Worker;
  readonly #log: Log;
  /** When a session gave one last, `performance.now()`. */
  readonly #last = new WeakMap<object, number>();
  readonly #ended: Promise<void>;
  #waiting = 0;
  #pausedUntil = 0;
  #trouble: string | undefined;
  /** New structures in the folder, and uncertain ones for which there was no time or no room. */
  readonly counts = { kept: 0, dropped: 0 };

  /** @param writer a thread that takes `Harvested` and gives an `Answer` to each */
  constructor(settings: HarvestSettings, writer: Worker, log: Log) {
    this.#settings = settings;
    this.#writer = writer;
    this.#log = log;
    writer.on('message', (answer: Answer) => this.#answered(answer));
    this.#ended = new Promise((resolve) => {
      const end = (why: string) => {
        this.#pausedUntil = Infinity;
        if (why !== '') this.#log.error(`harvest: ${why}; nothing more is kept`);
        resolve();
      };
      writer.on('error', (error) => end(error.message));
      writer.on('exit', () => end(''));
    });
  }

  /** Looks at what was computed. Domains, and results without σ, are passed over. */
  take({ numbers, positions, cell, pbc, owned, trajectory }: System, { sigmaForces }: Result, model: ModelInfo): void {
    const { threshold, interval, maxAtoms } = this.#settings;
    if (sigmaForces === undefined || owned !== undefined || numbers.length > maxAtoms) return;
    let sigma = 0;
    for (let i = 0; i < sigmaForces.length; i++) if (sigmaForces[i] > sigma) sigma = sigmaForces[i];
    if (!(sigma > threshold)) return;
    const now = performance.now();
    if (trajectory !== undefined && now - (this.#last.get(trajectory) ?? -Infinity) < 1000 * interval) return;
    if (this.#waiting >= WAITING || now < this.#pausedUntil) {
      this.counts.dropped++;
      return;
    }
    if (trajectory !== undefined) this.#last.set(trajectory, now);
    // Copies: views go over with all of the buffer behind them, and these belong to the session.
    const copies = { numbers: numbers.slice(), positions: positions.slice(), cell: cell?.slice() };
    const harvested: Harvested = {
      ...{ ...copies, pbc: pbc ?? [false, false, false], sigma, model: model.name, sha256: model.sha256 },
    };
    this.#waiting++;
    this.#writer.postMessage(harvested, [copies.numbers.buffer, copies.positions.buffer]);
  }

  /** Once all that was taken is kept. */
  async close(): Promise<void> {
    this.#writer.postMessage(null);
    await this.#ended;
  }

  #answered(answer: Answer): void {
    this.#waiting--;
    const trouble = typeof answer === 'string' ? undefined : 'full' in answer ? answer.full : answer.failed;
    if (answer === 'kept') this.counts.kept++;
    if (trouble !== undefined) {
      this.counts.dropped++;
      this.#pausedUntil = performance.now() + PAUSE;
    }
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    if (trouble === undefined) this.#log.info('harvest: structures are kept again');
    else this.#log.warn(`harvest: ${trouble}; looking again once a minute`);
  }
}
