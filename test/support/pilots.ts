/** Pilots for tests: of this process, processes of their own, and strangers that say what they are told to. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { Dealer } from 'zeromq';
import { type AgentOptions, runPilot } from '../../src/active/executors/pilot/agent.ts';
import { PilotExecutor, type PilotOptions } from '../../src/active/executors/pilot/executor.ts';
import {
  type Chunk,
  type FromPilot,
  pack,
  readToPilot,
  type ToPilot,
} from '../../src/active/executors/pilot/messages.ts';
import type { KeyFile } from '../../src/protocol/keys.ts';
import { version } from '../../src/version.ts';
import { MAIN, type Running, watch } from './mlts.ts';
import { temporaryFolder } from './servers.ts';

/** Of a test. */
export const newEndpoint = (): string => `ipc://${join(temporaryFolder(), 'pilots.ipc')}`;

export const executor = (bind: string, options: PilotOptions = {}): PilotExecutor =>
  new PilotExecutor({ kind: 'pilot', bind, keys: {} }, { silence: 2000, patience: 1000, ...options });

/** A pilot in this process, with workers of its own; left with its test. */
export function pilotAt(
  endpoint: string,
  options: Partial<AgentOptions> = {},
): { readonly said: string[]; readonly ended: ReturnType<typeof runPilot>; leave(): void } {
  const [said, controller]: [string[], AbortController] = [[], new AbortController()];
  const ended = runPilot({
    ...{ endpoint, keys: undefined, workers: 1, until: undefined, name: 'here', signal: controller.signal },
    say: (text) => void said.push(text),
    ...options,
  });
  ended.catch(() => undefined);
  onTestFinished(async () => {
    controller.abort();
    await ended.catch(() => undefined);
  });
  return { said, ended, leave: () => controller.abort() };
}

/** `mlts learn pilot`, in a process group of its own so that a kill takes its workers too. */
export function startPilot(endpoint: string, args: readonly string[] = []): Running & { kill(): void } {
  const child = spawn(process.execPath, [MAIN, 'learn', 'pilot', endpoint, '--workers', '1', ...args], {
    detached: true,
  });
  const kill = () => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
  onTestFinished(kill);
  return { ...watch(child), kill };
}

/** Talks as pilots do, without workers. */
export class Stranger {
  readonly heard: ToPilot[] = [];
  readonly #socket: Dealer;

  constructor(endpoint: string, keys?: KeyFile) {
    this.#socket = new Dealer({
      linger: 0,
      ...(keys && { curveServerKey: keys.server, curvePublicKey: keys.public, curveSecretKey: keys.secret }),
    });
    this.#socket.connect(endpoint);
    onTestFinished(() => this.close());
    void this.#listen();
  }

  async #listen(): Promise<void> {
    for await (const frames of this.#socket) this.heard.push(readToPilot(frames));
  }

  close(): void {
    if (!this.#socket.closed) this.#socket.close();
  }

  raw(frames: readonly Uint8Array[]): Promise<void> {
    return this.#socket.send(frames.map((one) => Buffer.from(one)));
  }

  say(message: FromPilot): Promise<void> {
    return this.raw([pack(message)]);
  }

  hello(pilot: string, more: { version?: string } = {}): Promise<void> {
    return this.say({ type: 'hello', version, pilot, name: pilot, workers: 1, held: [], ...more });
  }

  /** The next message of that type that was not waited for before. */
  async next<T extends ToPilot['type']>(type: T): Promise<Extract<ToPilot, { type: T }>> {
    for (;;) {
      const at = this.heard.findIndex((one) => one.type === type);
      if (at >= 0) return this.heard.splice(at, 1)[0] as Extract<ToPilot, { type: T }>;
      await sleep(10);
    }
  }

  /** A chunk after a greeting. */
  async chunk(pilot: string): Promise<Chunk> {
    await this.hello(pilot);
    await this.next('welcome');
    await this.say({ type: 'pull' });
    return this.next('chunk');
  }
}

/** What a worker would have written of a structure of two atoms. */
export const recordOf = (id: string, more: object = {}): string =>
  JSON.stringify({
    ...{ id, level: 'test', program: 'by hand', seconds: 1, status: 'labelled', energy: -1 },
    forces: [
      [0, 0, 0],
      [0, 0, 0],
    ],
    ...more,
  });
