/** Servers and bare clients on real sockets, gone when their test ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Dealer, type SocketOptions } from 'zeromq';
import type { Potential } from '../../src/engine/potential.ts';
import { decode, encode } from '../../src/protocol/codec.ts';
import type { Reply } from '../../src/protocol/messages.ts';
import { readReply } from '../../src/protocol/reply.ts';
import { Server, type ServerOptions } from '../../src/server/server.ts';
import { Springs } from './springs.ts';

/** A folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mlts-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Started {
  readonly server: Server;
  readonly endpoint: string;
}

/** A server on a free port of loopback. */
export async function startServer(
  options: Omit<ServerOptions, 'endpoints' | 'potentials'> & {
    endpoints?: readonly string[];
    potentials?: readonly Potential[];
  } = {},
): Promise<Started> {
  const server = await Server.start({ endpoints: ['tcp://127.0.0.1:*'], potentials: [new Springs()], ...options });
  onTestFinished(() => server.stop());
  return { server, endpoint: server.endpoints[0] };
}

/** As `startServer`, with a potential to look into. */
export async function startSprings(
  options: Omit<ServerOptions, 'endpoints' | 'potentials'> & { endpoints?: readonly string[] } = {},
): Promise<Started & { springs: Springs }> {
  const springs = new Springs();
  return { springs, ...(await startServer({ ...options, potentials: [springs] })) };
}

/** A bare DEALER: frames as they are, no manners. */
export class Bare {
  readonly socket: Dealer;

  constructor(endpoint: string, options: SocketOptions<Dealer> = {}) {
    this.socket = new Dealer({ linger: 0, receiveTimeout: 10_000, ...options });
    this.socket.connect(endpoint);
    onTestFinished(() => this.socket.close());
  }

  async send(message: object | Uint8Array): Promise<void> {
    await this.socket.send((message instanceof Uint8Array ? message : encode(message)) as Buffer);
  }

  /** The next reply, whatever it answers. */
  async receive(): Promise<Reply> {
    const [frame] = await this.socket.receive();
    return readReply(decode(frame, { maxBytes: 2 ** 30, maxDepth: 8, maxValues: 2 ** 20 }));
  }

  async ask<R = Reply>(message: object | Uint8Array): Promise<R> {
    await this.send(message);
    return (await this.receive()) as R;
  }
}

/** n atoms of hydrogen on a line, Å. */
export const chain = (n: number) => ({
  numbers: new Int32Array(n).fill(1),
  positions: Float64Array.from({ length: 3 * n }, (_, i) => (i % 3 === 0 ? 1 + i / 3 : 0)),
});

/** Resolves when a condition holds; throws after five seconds. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited 5 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A promise that resolves when told to. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let resolve: (() => void) | undefined;
  const opened = new Promise<void>((done) => {
    resolve = done;
  });
  return { opened, open: () => resolve?.() };
}
