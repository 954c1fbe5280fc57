/** A session on the server, opened again by itself where the server forgot it. */

import type { Want } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import type { EvaluateReply, OpenReply, Pbc, WireWant } from '../protocol/messages.ts';
import type { Connection } from './connection.ts';
import { type Choice, checkArray, type Evaluation, evaluation, wireChoice } from './evaluation.ts';

export interface SessionOptions extends Choice {
  /** [n] atomic numbers */
  readonly numbers: Int32Array;
  /** Periodic directions; default none. */
  readonly pbc?: Pbc;
  /** [3,3] Å; may also come with a step */
  readonly cell?: Float64Array;
  /** Steps are domains: owned atoms first, then ghosts. Each step says how many are owned. */
  readonly domain?: boolean;
}

export interface StepOptions {
  /** [3,3] Å; remembered until another comes */
  readonly cell?: Float64Array | undefined;
  /** [n] atomic numbers, where atoms came, went or changed places; remembered */
  readonly numbers?: Int32Array | undefined;
  /** How many atoms are owned, for domains */
  readonly owned?: number | undefined;
  /** What this step alone is asked for; default what the session was opened with */
  readonly want?: readonly Want[] | undefined;
}

interface Events {
  /** The bytes that the model must have. */
  readonly pin: () => { sha256?: string };
  readonly opened: (reply: OpenReply) => void;
  readonly closed: () => void;
}

export class Session implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #timeout: number;
  readonly #options: SessionOptions;
  readonly #events: Events;
  #id = 0;
  #numbers: Int32Array;
  #cell: Float64Array | undefined;
  /** What the server has not taken yet. */
  #news: { numbers?: Int32Array; cell?: Float64Array } = {};
  #opening: Promise<void> | undefined;
  #isClosed = false;

  /** Use `Client.open`. */
  constructor(connection: Connection, timeout: number, options: SessionOptions, events: Events) {
    this.#connection = connection;
    this.#timeout = timeout;
    this.#options = options;
    this.#events = events;
    this.#numbers = options.numbers;
    this.#cell = options.cell;
  }

  /**
   * One step.
   * @param positions [n,3] Å, borrowed until the promise settles
   * @throws MltsError
   */
  async evaluate(positions: Float64Array, { cell, numbers, owned, want }: StepOptions = {}): Promise<Evaluation> {
    if (this.#isClosed) throw new MltsError('E_SESSION', 'the session is closed', 'Open another one.');
    checkArray(positions, 'positions', Float64Array);
    if (cell !== undefined) {
      checkArray(cell, 'cell', Float64Array);
      this.#cell = this.#news.cell = cell;
    }
    if (numbers !== undefined) {
      checkArray(numbers, 'numbers', Int32Array);
      this.#numbers = this.#news.numbers = numbers;
    }
    const step = { positions, ...(owned === undefined ? {} : { owned }), ...wireChoice({ want }) };
    const id = this.#id;
    try {
      return await this.#step(step);
    } catch (error) {
      if (!(error instanceof MltsError) || error.code !== 'E_SESSION') throw error;
    }
    // The server was started anew or let the session go after idling: what it forgot is known here.
    if (this.#id === id) await this.open();
    return this.#step(step);
  }

  /** Opens the session on the server. */
  open(): Promise<void> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.tell({ type: 'close', session: this.#id });
    this.#events.closed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async #open(): Promise<void> {
    const { pbc, domain } = this.#options;
    const question = {
      type: 'open',
      ...wireChoice(this.#options),
      ...this.#events.pin(),
      numbers: this.#numbers,
      ...(pbc === undefined ? {} : { pbc }),
      ...(domain === undefined ? {} : { domain }),
    } as const;
    const reply = await this.#connection.request<OpenReply>(question, this.#timeout);
    this.#events.opened(reply);
    this.#id = reply.session;
    this.#news = this.#cell === undefined ? {} : { cell: this.#cell };
  }

  async #step(step: { positions: Float64Array; owned?: number; want?: WireWant[] }): Promise<Evaluation> {
    const news = this.#news;
    this.#news = {};
    try {
      const question = { type: 'evaluate', session: this.#id, ...step, ...news } as const;
      const reply = await this.#connection.request<EvaluateReply>(question, this.#timeout);
      return evaluation(reply, reply.sha256);
    } catch (error) {
      this.#news = { ...news, ...this.#news };
      throw error;
    }
  }
}
