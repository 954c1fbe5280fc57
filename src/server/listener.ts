/** One bound endpoint: frames in, frames out. */
import { lstat, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Context, Router } from 'zeromq';
import { MltsError } from '../errors.ts';
import type { Endpoint } from './endpoint.ts';

export interface ListenOptions {
  readonly context: Context;
  /** Z85 secret key; needed for every endpoint that is not local. */
  readonly secretKey?: string | undefined;
  readonly maxBytes: number;
}

/** Messages that libzmq may hold between the server and one client, in each direction. */
const PIPE = 16;

/** Whether something accepts connections there. */
const isAlive = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const tcp = /^tcp:\/\/\[?(.+?)\]?:(\d+)$/.exec(address);
    const path = address.replace(/^ipc:\/\//, '').replace(/^@/, '\0');
    const probe = tcp === null ? connect(path) : connect(Number(tcp[2]), tcp[1]);
    const done = (alive: boolean) => {
      probe.destroy();
      resolve(alive);
    };
    probe.once('connect', () => done(true));
    probe.once('error', () => done(false));
  });

const taken = (address: string, cause?: unknown): MltsError =>
  new MltsError('E_ADDRESS', `${address} is taken`, 'Stop the server that listens there, or choose another --bind.', {
    cause,
  });

/** libzmq unlinks whatever lies at an ipc path before it binds, be it another server's live socket or a user's file. */
async function guardPath(address: string, path: string): Promise<void> {
  const status = await lstat(path).catch(() => undefined);
  if (status === undefined) {
    const folder = dirname(path);
    if (await lstat(folder).catch(() => undefined)) return;
    throw new MltsError(
      'E_ADDRESS',
      `there is no folder ${folder} for ${address}`,
      'Make it, or choose another --bind.',
    );
  }
  if (!status.isSocket())
    throw new MltsError('E_ADDRESS', `${path} exists and is not a socket`, 'Choose another --bind.');
  if (await isAlive(address)) throw taken(address);
}

function bindError(address: string, cause: unknown): MltsError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return taken(address, cause);
  const remedy =
    code === 'EACCES'
      ? 'Choose a port above 1023 or a folder you may write.'
      : 'Choose an address of this machine, or a path in a folder that exists.';
  return new MltsError('E_ADDRESS', `cannot listen on ${address}: ${message}`, remedy, { cause });
}

export class Listener {
  /** With the port that was chosen for `*`. */
  readonly address: string;
  readonly #router: Router;
  readonly #path: string | undefined;

  private constructor(router: Router, endpoint: Endpoint) {
    this.#router = router;
    this.address = router.lastEndpoint ?? endpoint.address;
    this.#path = endpoint.path;
  }

  /** @throws MltsError E_ADDRESS | E_KEYS */
  static async bind(endpoint: Endpoint, options: ListenOptions): Promise<Listener> {
    if (!endpoint.local && options.secretKey === undefined) {
      throw new MltsError(
        'E_KEYS',
        `${endpoint.address} is open to other machines and the server has no keys`,
        'Run `mlts keys generate` and `mlts keys allow` first, or bind to loopback or ipc.',
      );
    }
    if (endpoint.path !== undefined) await guardPath(endpoint.address, endpoint.path);
    const router = new Router({
      context: options.context,
      ipv6: endpoint.ipv6,
      // A reply to a client that has gone is an error, not silence: its work can be dropped.
      mandatory: true,
      // Nor does a reply wait in here: one slow reader would hold up all.
      sendTimeout: 0,
      linger: 2000,
      // Few large replies per client in libzmq, where nobody counts their bytes; the outbox does.
      sendHighWaterMark: PIPE,
      receiveHighWaterMark: PIPE,
      // Above maxBytes a request gets E_LIMIT; above this libzmq ends the connection without reading it.
      maxMessageSize: 2 * options.maxBytes,
      // Finds clients whose machine vanished; answered by the client's libzmq, not by its program.
      heartbeatInterval: 15_000,
      heartbeatTimeout: 60_000,
      // Should nobody answer for the list, nobody gets in (RFC 27's other choice is everybody).
      ...(endpoint.local
        ? {}
        : {
            curveServer: true,
            curveSecretKey: options.secretKey as string,
            zapDomain: 'mlts',
            zapEnforceDomain: true,
          }),
    });
    try {
      await router.bind(endpoint.address);
    } catch (error) {
      router.close();
      throw bindError(endpoint.address, error);
    }
    return new Listener(router, endpoint);
  }

  /** Calls `accept` for each message until closed. */
  async receive(accept: (identity: Buffer, frames: readonly Buffer[]) => void): Promise<void> {
    const router = this.#router;
    while (!router.closed) {
      let message: Buffer[];
      try {
        message = await router.receive();
      } catch (error) {
        if (router.closed) return;
        throw error;
      }
      const [identity, ...frames] = message;
      if (identity !== undefined) accept(identity, frames);
    }
  }

  /** Goes or fails at once: EAGAIN where the client does not read, EHOSTUNREACH where it has left. */
  async send(identity: Buffer, frame: Uint8Array): Promise<void> {
    await this.#router.send([identity, frame as Buffer]);
  }

  /** What was sent still leaves. Resolves once the address is free, which libzmq sees to in a thread of its own. */
  async close(): Promise<void> {
    if (this.#router.closed) return;
    // While it still listens the socket file is its own; libzmq leaves it behind.
    if (this.#path !== undefined) await rm(this.#path, { force: true });
    // Not `unbind` before: it would cut the connections, and with them the replies under way.
    this.#router.close();
    for (let tries = 0; tries < 100 && (await isAlive(this.address)); tries++) await sleep(5);
  }
}
