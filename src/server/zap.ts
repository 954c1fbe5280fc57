/** Who may connect over CURVE: a handler of the ZeroMQ Authentication Protocol (rfc.zeromq.org/spec/27). */
import { type Context, Reply } from 'zeromq';
import type { Log } from '../log.ts';
import { readAllowed } from './keyring.ts';

const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** Z85 text of bytes, a multiple of four (rfc.zeromq.org/spec/32). */
export function z85(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    let value = bytes.readUInt32BE(at);
    let five = '';
    for (let i = 0; i < 5; i++) {
      five = Z85[value % 85] + five;
      value = Math.floor(value / 85);
    }
    text += five;
  }
  return text;
}

/** Answers libzmq's questions about connecting clients, within one context. */
export class Gatekeeper {
  readonly #socket: Reply;
  readonly #allowed: string;
  readonly #log: Log;
  /** When each refused key was last logged. */
  readonly #warned = new Map<string, number>();

  private constructor(socket: Reply, allowed: string, log: Log) {
    this.#socket = socket;
    this.#allowed = allowed;
    this.#log = log;
  }

  /**
   * Must be there before the first CURVE endpoint is bound, which lets nobody in without it.
   * @param allowed file of the clients let in, read anew for each connection
   */
  static async start(context: Context, allowed: string, log: Log): Promise<Gatekeeper> {
    const socket = new Reply({ context, linger: 0 });
    await socket.bind('inproc://zeromq.zap.01');
    const keeper = new Gatekeeper(socket, allowed, log);
    keeper
      .#answer()
      .catch((error: unknown) => log.error('the gatekeeper ended: nobody is let in', { error: String(error) }));
    return keeper;
  }

  close(): void {
    this.#socket.close();
  }

  async #answer(): Promise<void> {
    for await (const [version, request, , address, , mechanism, key] of this.#socket) {
      const admitted =
        mechanism?.toString() === 'CURVE' && key?.length === 32 && (await this.#admits(z85(key), `${address}`));
      const [status, reason] = admitted ? ['200', 'OK'] : ['400', 'not on the list of allowed clients'];
      await this.#socket.send([version ?? '1.0', request ?? '', status, reason, '', '']);
    }
  }

  async #admits(key: string, address: string): Promise<boolean> {
    try {
      const client = (await readAllowed(this.#allowed)).find((entry) => entry.key === key);
      if (client) this.#log.info('client let in', { address, name: client.name });
      else this.#warn(address, key);
      return client !== undefined;
    } catch (error) {
      this.#log.error('client refused: the list of allowed clients cannot be read', {
        address,
        error: (error as Error).message,
      });
      return false;
    }
  }

  /** A refused client tries again several times a second: one line a minute is enough. */
  #warn(address: string, key: string): void {
    const now = performance.now();
    if (now - (this.#warned.get(key) ?? Number.NEGATIVE_INFINITY) < 60_000) return;
    if (this.#warned.size > 1000) this.#warned.clear();
    this.#warned.set(key, now);
    this.#log.warn('client refused: its key is not on the list', { address, key });
  }
}
