/** One DEALER socket to one server: requests out, each reply to whoever asked, time-outs, loss of the server. */
import { Dealer } from 'zeromq';
import { asMltsError, MltsError } from '../errors.ts';
import { decode, encode } from '../protocol/codec.ts';
import type { KeyFile } from '../protocol/keys.ts';
import type { Reply, Request } from '../protocol/messages.ts';
import { errorOf, readReply } from '../protocol/reply.ts';
import type { ScanLimits } from '../protocol/scan.ts';
import { curve, disagreement, refusedKey } from './curve.ts';

/** A reply is as large as the server makes it; only its nesting is bounded. */
const REPLY_LIMITS: ScanLimits = { maxBytes: Number.POSITIVE_INFINITY, maxDepth: 8, maxValues: 2 ** 26 };

/** A request before the connection gives it an id. */
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;
export type Question = WithoutId<Request>;

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: MltsError) => void;
  readonly timer: NodeJS.Timeout;
}

export class Connection {
  readonly endpoint: string;
  readonly #connectTimeout: number;
  readonly #socket: Dealer;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #isUp = false;
  /** A handshake ended without a reason since the connection was last up. */
  #isRefused = false;
  /** Called at each change of the connection. */
  #watchers: ((error?: MltsError) => void)[] = [];

  private constructor(endpoint: string, connectTimeout: number, socket: Dealer) {
    this.endpoint = endpoint;
    this.#connectTimeout = connectTimeout;
    this.#socket = socket;
  }

  /** @throws MltsError E_ADDRESS | E_CONNECT | E_KEYS */
  static async open(endpoint: string, connectTimeout: number, keys: KeyFile | undefined): Promise<Connection> {
    const socket = new Dealer({
      linger: 500,
      sendTimeout: 0,
      ipv6: endpoint.includes('['),
      reconnectInterval: 20,
      reconnectMaxInterval: 200,
      ...curve(keys),
    });
    const connection = new Connection(endpoint, connectTimeout, socket);
    void connection.#watch();
    try {
      socket.connect(endpoint);
    } catch (cause) {
      socket.close();
      throw new MltsError('E_ADDRESS', `'${endpoint}' is not an endpoint`, 'Write tcp://HOST:PORT or ipc:///PATH.', {
        cause,
      });
    }
    try {
      await connection.#up();
    } catch (error) {
      connection.close();
      throw error;
    }
    void connection.#receive();
    return connection;
  }

  /**
   * Sends one request and waits for its reply. After a loss the connection comes back by itself; until then this waits.
   * @param timeout ms
   * @throws MltsError that the server replied; E_TIMEOUT, E_CONNECT
   */
  async request<R extends Reply>(question: Question, timeout: number): Promise<R> {
    if (this.#socket.closed) throw closed();
    if (!this.#isUp) await this.#up();
    const id = ++this.#lastId;
    const frame = encode({ ...question, id });
    return new Promise<Reply>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(
          new MltsError(
            'E_TIMEOUT',
            `no answer from ${this.endpoint} within ${timeout / 1000} s`,
            'See whether the server is alive or overloaded, or give a larger timeout.',
          ),
        );
      }, timeout);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#socket.send(frame as Buffer).catch((cause: unknown) => {
        this.#settle(id)?.reject(
          new MltsError('E_BUSY', `${this.endpoint} does not take requests as fast as they come`, 'Await replies.', {
            cause,
          }),
        );
      });
    }) as Promise<R>;
  }

  /** Sends a request whose reply nobody waits for. */
  tell(question: Question): void {
    if (this.#isUp && !this.#socket.closed) {
      this.#socket.send(encode({ ...question, id: ++this.#lastId }) as Buffer).catch(() => undefined);
    }
  }

  close(): void {
    if (this.#socket.closed) return;
    this.#socket.close();
    this.#fail(closed());
    this.#changed(closed());
  }

  /** Resolves once the handshake is done. */
  async #up(): Promise<void> {
    if (this.#isUp) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers = this.#watchers.filter((watcher) => watcher !== changed);
        reject(this.#isRefused ? disagreement(this.endpoint) : this.#silence());
      }, this.#connectTimeout);
      const changed = (error?: MltsError) => {
        clearTimeout(timer);
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#watchers.push(changed);
    });
  }

  #silence(): MltsError {
    const what = `no mlts server answers at ${this.endpoint} (waited ${this.#connectTimeout / 1000} s)`;
    return new MltsError(
      'E_CONNECT',
      what,
      'Start one with `mlts serve MODEL --bind ENDPOINT`, or correct the endpoint.',
    );
  }

  #changed(error?: MltsError): void {
    for (const watcher of this.#watchers.splice(0)) watcher(error);
  }

  /** Follows libzmq's events, so that a server that dies is noticed at once. */
  async #watch(): Promise<void> {
    for await (const event of this.#socket.events) {
      if (event.type === 'handshake') {
        this.#isUp = true;
        this.#isRefused = false;
        this.#changed();
      } else if (event.type === 'handshake:error:auth') {
        this.#changed(refusedKey(this.endpoint));
      } else if (event.type === 'handshake:error:protocol') {
        this.#changed(disagreement(this.endpoint));
      } else if (event.type === 'handshake:error:other') {
        // A server that died in the handshake, or one whose key is not the expected one: libzmq tries again.
        this.#isRefused = true;
      } else if (event.type === 'disconnect') {
        this.#isUp = false;
        this.#fail(
          new MltsError(
            'E_CONNECT',
            `${this.endpoint} closed the connection while it owed an answer`,
            "See the server's log for why it stopped, start it again, and repeat the request.",
          ),
        );
      } else if (event.type === 'end') {
        return;
      }
    }
  }

  async #receive(): Promise<void> {
    while (!this.#socket.closed) {
      let frames: Buffer[];
      try {
        frames = await this.#socket.receive();
      } catch {
        return; // closed while waiting
      }
      try {
        const reply = readReply(decode(frames[0], REPLY_LIMITS));
        const waiting = reply.id === undefined ? undefined : this.#settle(reply.id);
        if (reply.type === 'error') {
          // Without an id it is about whatever this connection sent last: everyone here should know.
          if (reply.id === undefined) this.#fail(errorOf(reply));
          else waiting?.reject(errorOf(reply));
        } else {
          waiting?.resolve(reply);
        }
      } catch (error) {
        this.#fail(asMltsError(error));
      }
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return undefined; // answered after its time-out
    clearTimeout(waiting.timer);
    this.#waiting.delete(id);
    return waiting;
  }

  #fail(error: MltsError): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(error);
  }
}

const closed = (): MltsError => new MltsError('E_CONNECT', 'the client is closed', 'Connect again.');
