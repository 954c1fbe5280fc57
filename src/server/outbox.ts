/** Replies on their way to one client: sent at once, or kept in order for a client that reads too slowly. */
import type { Listener } from './listener.ts';

/** How often a reply that did not go is tried again, ms. */
const RETRY = 10;
/** Replies that may wait here. */
const MAX_WAITING = 8192;

export class Outbox {
  readonly #listener: Listener;
  readonly #identity: Buffer;
  readonly #maxBytes: number;
  readonly #gone: () => void;
  readonly #waiting: Uint8Array[] = [];
  #bytes = 0;
  #isSending = false;
  #isGone = false;
  readonly #watchers: (() => void)[] = [];

  /**
   * @param maxBytes that may wait here; a client which leaves more unread is given up
   * @param gone called once, where the client has left or was given up
   */
  constructor(listener: Listener, identity: Buffer, maxBytes: number, gone: () => void) {
    this.#listener = listener;
    this.#identity = identity;
    this.#maxBytes = maxBytes;
    this.#gone = gone;
  }

  send(frame: Uint8Array): void {
    if (this.#isGone) return;
    if (!this.#isSending) {
      this.#transmit(frame);
      return;
    }
    this.#waiting.push(frame);
    this.#bytes += frame.byteLength;
    if (this.#bytes > this.#maxBytes || this.#waiting.length > MAX_WAITING) this.#giveUp();
  }

  /** Resolves once nothing waits. */
  async drained(): Promise<void> {
    if (this.#isSending && !this.#isGone) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  #transmit(frame: Uint8Array): void {
    this.#isSending = true;
    this.#listener.send(this.#identity, frame).then(
      () => this.#next(),
      (error: NodeJS.ErrnoException) => {
        if (this.#isGone) return;
        // EAGAIN: the pipe to this client is full. Anything else: there is no such client any more.
        if (error.code === 'EAGAIN') setTimeout(() => this.#transmit(frame), RETRY);
        else this.#giveUp();
      },
    );
  }

  #next(): void {
    const frame = this.#waiting.shift();
    if (frame !== undefined) {
      this.#bytes -= frame.byteLength;
      this.#transmit(frame);
      return;
    }
    this.#isSending = false;
    this.#wake();
  }

  #giveUp(): void {
    this.#isGone = true;
    this.#waiting.length = 0;
    this.#wake();
    this.#gone();
  }

  #wake(): void {
    for (const resolve of this.#watchers.splice(0)) resolve();
  }
}
