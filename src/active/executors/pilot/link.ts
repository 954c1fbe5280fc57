/** A pilot's end of the wire: a DEALER that comes back by itself, however long the other end is away. */
import { Dealer } from 'zeromq';
import { curve, disagreement, refusedKey } from '../../../client/curve.ts';
import { asMltsError, MltsError } from '../../../errors.ts';
import type { KeyFile } from '../../../protocol/keys.ts';
import { type FromPilot, pack, readToPilot, type ToPilot } from './messages.ts';

export interface LinkOptions {
  /** A connection is there; nothing of the one before is heard or said any more. */
  readonly onUp: () => void;
  readonly onMessage: (message: ToPilot) => void;
  /** Nobody listens there, or does not any more. */
  readonly onDown: () => void;
  /** The link is of no use: refused keys, bytes that are no messages. */
  readonly onFault: (error: MltsError) => void;
}

/** Failed handshakes in a row after which it is not that somebody died in one. */
const HANDSHAKES = 5;

export class Link {
  readonly #endpoint: string;
  readonly #socket: Dealer;
  readonly #options: LinkOptions;

  /** @throws MltsError E_ADDRESS | E_KEYS */
  constructor(endpoint: string, keys: KeyFile | undefined, options: LinkOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#socket = new Dealer({
      linger: 2000,
      sendTimeout: 0,
      // What is said while nobody listens is said anew in the next greeting: it must not wait in here.
      immediate: true,
      ipv6: endpoint.includes('['),
      reconnectInterval: 100,
      reconnectMaxInterval: 1000,
      // Finds an executor whose machine vanished.
      heartbeatInterval: 15_000,
      heartbeatTimeout: 60_000,
      ...curve(keys),
    });
    void this.#watch();
    try {
      this.#socket.connect(endpoint);
    } catch (cause) {
      this.#socket.close();
      const remedy = 'Write tcp://HOST:PORT or ipc:///PATH.';
      throw new MltsError('E_ADDRESS', `'${endpoint}' is not an endpoint`, remedy, { cause });
    }
    void this.#receive();
  }

  /** What cannot go now is lost. @throws MltsError E_LIMIT where it is too long */
  send(message: FromPilot): void {
    const bytes = pack(message);
    if (!this.#socket.closed) this.#socket.send(bytes as Buffer).catch(() => undefined);
  }

  /** What was sent still leaves, for two seconds. */
  close(): void {
    this.#socket.close();
  }

  async #watch(): Promise<void> {
    const { onUp, onDown, onFault } = this.#options;
    let failed = 0;
    for await (const event of this.#socket.events) {
      if (event.type === 'handshake') {
        failed = 0;
        onUp();
      } else if (event.type === 'handshake:error:auth') onFault(refusedKey(this.#endpoint));
      else if (event.type === 'handshake:error:protocol') onFault(disagreement(this.#endpoint));
      else if (event.type === 'handshake:error:other') {
        // Somebody who died in it, or one whose key is not the expected one.
        if (++failed >= HANDSHAKES) onFault(disagreement(this.#endpoint));
      } else if (event.type === 'disconnect' || event.type === 'connect:retry') onDown();
      else if (event.type === 'end') return;
    }
  }

  async #receive(): Promise<void> {
    for await (const frames of this.#socket) {
      try {
        this.#options.onMessage(readToPilot(frames));
      } catch (error) {
        this.#options.onFault(asMltsError(error));
      }
    }
  }
}
