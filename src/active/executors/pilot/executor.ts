/**
 * Pilots: processes in allocations held open, which come and ask for chunks. Chunks and records travel over the socket, so that
 * nodes need not share a folder; records become files here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { asMltsError, MltsError } from '../../../errors.ts';
import { version } from '../../../version.ts';
import type { Executor, ExecutorOptions } from '../../executor.ts';
import type { PilotSettings } from '../settings.ts';
import { Door } from './door.ts';
import { Ledger } from './ledger.ts';
import { type FromPilot, readFromPilot, type ToPilot } from './messages.ts';

export interface PilotOptions {
  /** After which a pilot counts as lost, ms. */
  readonly silence?: number;
  /** For pilots to come back, after a predecessor was killed and at the end of a campaign, ms. */
  readonly patience?: number;
}

/** A pilot is to be heard so many times in the time after which it counts as lost. */
const BEATS = 6;

export class PilotExecutor implements Executor {
  readonly #settings: PilotSettings;
  readonly #options: Required<PilotOptions>;

  constructor(settings: PilotSettings, { silence = 30_000, patience = 3000 }: PilotOptions = {}) {
    this.#settings = settings;
    this.#options = { silence, patience };
  }

  /** @throws MltsError also E_ADDRESS, E_KEYS */
  async run(manifest: string, options: ExecutorOptions): Promise<void> {
    const ledger = new Ledger(manifest, options);
    if (ledger.left === 0) return;
    const door = await Door.open(this.#settings);
    try {
      await new Round(ledger, door, this.#options, options).toEnd();
    } finally {
      await door.close();
    }
  }

  /** The campaign has ended: pilots that wait for more may leave. @throws MltsError E_ADDRESS, E_KEYS */
  async dismiss(): Promise<void> {
    const { patience } = this.#options;
    const door = await Door.open(this.#settings);
    let until = performance.now() + patience;
    const accept = (identity: Buffer) => {
      until = Math.max(until, performance.now() + patience / 2);
      door.send(identity, { type: 'end' }).catch(() => undefined);
    };
    const received = door.receive(accept).catch(() => undefined);
    while (performance.now() < until) await sleep(100);
    await door.close();
    await received;
  }
}

interface Pilot {
  readonly id: string;
  readonly name: string;
  readonly workers: number;
  /** Of its connection; undefined where what was sent there did not go. */
  identity: Buffer | undefined;
  /** Beats that it missed. */
  missed: number;
  /** When the time of one that waits for a chunk is over, ms of the clock of performance; undefined where none is owed. */
  waitsUntil: number | undefined;
}

class Round {
  readonly #ledger: Ledger;
  readonly #door: Door;
  readonly #beat: number;
  readonly #options: ExecutorOptions;
  readonly #pilots = new Map<string, Pilot>();
  /** Pilots by the identity of their connection. */
  readonly #connections = new Map<string, Pilot>();
  readonly #over: { readonly promise: Promise<void>; resolve(): void; reject(error: MltsError): void };
  readonly #patience: number;
  #isGiving: boolean;
  #team = '';
  #isGarbageTold = false;

  constructor(ledger: Ledger, door: Door, { silence, patience }: Required<PilotOptions>, options: ExecutorOptions) {
    this.#ledger = ledger;
    this.#door = door;
    this.#beat = silence / BEATS;
    this.#patience = patience;
    this.#options = options;
    let [resolve, reject]: [() => void, (error: MltsError) => void] = [() => undefined, () => undefined];
    const promise = new Promise<void>((done, fail) => {
      [resolve, reject] = [done, fail];
    });
    promise.catch(() => undefined);
    this.#over = { promise, resolve, reject };
    // Who holds what is known again once all pilots have come back.
    this.#isGiving = !ledger.isSuccessor;
  }

  async toEnd(): Promise<void> {
    const { signal, say } = this.#options;
    const interrupt = () =>
      this.#over.reject(new MltsError('E_CANCELLED', 'labelling was interrupted', 'Go on with --resume.'));
    signal.addEventListener('abort', interrupt, { once: true });
    if (signal.aborted) interrupt();
    this.#ledger.begin();
    say(`pilots are taken at ${this.#door.address}: mlts learn pilot ENDPOINT`);
    const grace = setTimeout(() => {
      this.#isGiving = true;
      this.#guarded(() => this.#give());
    }, this.#patience);
    const ticks = setInterval(() => this.#guarded(() => this.#tick()), this.#beat);
    const accept = (identity: Buffer, frames: readonly Buffer[]) => this.#guarded(() => this.#accept(identity, frames));
    this.#door.receive(accept).catch((error: unknown) => this.#over.reject(asMltsError(error)));
    try {
      await this.#over.promise;
      this.#ledger.end();
    } catch (error) {
      for (const { id, identity } of this.#pilots.values()) {
        const leases = this.#ledger.of(id);
        if (identity !== undefined && leases.length > 0) this.#send(identity, { type: 'drop', leases });
      }
      throw error;
    } finally {
      signal.removeEventListener('abort', interrupt);
      clearTimeout(grace);
      clearInterval(ticks);
    }
  }

  #guarded(action: () => void): void {
    try {
      action();
      if (this.#ledger.left === 0) this.#over.resolve();
    } catch (error) {
      this.#over.reject(asMltsError(error));
    }
  }

  #accept(identity: Buffer, frames: readonly Buffer[]): void {
    let message: FromPilot;
    try {
      message = readFromPilot(frames);
    } catch (error) {
      const { code, what, remedy } = asMltsError(error);
      this.#send(identity, { type: 'error', error: { code, what, remedy } });
      if (!this.#isGarbageTold) this.#options.say(`something at ${this.#door.address} that is no pilot: ${what}`);
      this.#isGarbageTold = true;
      return;
    }
    const pilot = this.#connections.get(identity.toString('hex'));
    if (pilot !== undefined) pilot.missed = 0;
    if (message.type === 'hello') this.#welcome(identity, message);
    else if (message.type === 'record') {
      // Also before hello, of pilots that counted as lost, and of chunks that are others' by now.
      this.#ledger.record(message);
      this.#send(identity, { type: 'got', seq: message.seq });
    } else if (pilot === undefined) this.#send(identity, { type: 'who' });
    else if (message.type === 'pull') {
      pilot.waitsUntil = performance.now() + 1000 * (message.left ?? Number.POSITIVE_INFINITY);
      this.#give();
    } else if (message.type === 'end' && this.#ledger.isOf(pilot.id, message.lease)) {
      this.#ledger.giveBack(message.lease, message.why === undefined ? undefined : { who: 'worker', why: message.why });
      this.#give();
    } else if (message.type === 'bye') this.#onBye(pilot, message.error);
  }

  #welcome(identity: Buffer, { pilot: id, name, workers, held, version: theirs }: FromPilot & { type: 'hello' }): void {
    if (theirs !== version) {
      const what = `pilot ${name} is mlts ${theirs.slice(0, 40)}, the campaign runs mlts ${version}`;
      const remedy = 'Install the same version at both ends.';
      this.#options.say(`${what}: it is sent away`);
      this.#send(identity, { type: 'error', error: { code: 'E_VERSION', what, remedy } });
      return;
    }
    const before = this.#pilots.get(id);
    if (before !== undefined) this.#forget(before);
    const pilot: Pilot = { id, name, workers, identity, missed: 0, waitsUntil: undefined };
    this.#pilots.set(id, pilot);
    this.#connections.set(identity.toString('hex'), pilot);
    this.#send(identity, { type: 'welcome', beat: this.#beat });
    const leases = this.#ledger.settle(id, held);
    if (leases.length > 0) this.#send(identity, { type: 'drop', leases });
    this.#give();
  }

  /** Chunks for who waits for one, in the order in which pilots came. */
  #give(): void {
    if (!this.#isGiving) return;
    for (const pilot of this.#pilots.values()) {
      const { identity, waitsUntil } = pilot;
      if (identity === undefined || waitsUntil === undefined) continue;
      const order = this.#ledger.take(pilot.id, (waitsUntil - performance.now()) / 1000);
      if (order === undefined) return;
      pilot.waitsUntil = undefined;
      this.#send(identity, order === 'late' ? { type: 'late' } : order);
    }
  }

  #onBye(pilot: Pilot, error: (FromPilot & { type: 'bye' })['error']): void {
    this.#forget(pilot);
    this.#pilots.delete(pilot.id);
    for (const lease of this.#ledger.of(pilot.id)) this.#ledger.giveBack(lease);
    if (error !== undefined) {
      const { code, what, remedy } = error;
      this.#options.say(`pilot ${pilot.name} leaves: ${what}`);
      // Whatever comes next would fare no better.
      if (this.#pilots.size === 0) throw new MltsError(code, what, remedy);
    }
    this.#give();
  }

  /** Pilots that were not heard for too long, and what is new of the team. */
  #tick(): void {
    for (const pilot of [...this.#pilots.values()]) {
      if (++pilot.missed <= BEATS) continue;
      this.#forget(pilot);
      this.#pilots.delete(pilot.id);
      const leases = this.#ledger.of(pilot.id);
      this.#options.say(`pilot ${pilot.name} is lost, with ${leases.length} chunks`);
      const why = `${pilot.name} was not heard any more`;
      for (const lease of leases) this.#ledger.giveBack(lease, { who: 'pilot', why });
    }
    this.#give();
    const workers = [...this.#pilots.values()].reduce((sum, one) => sum + one.workers, 0);
    const team = `${this.#pilots.size} pilots with ${workers} workers`;
    if (team !== this.#team && !(this.#team === '' && this.#pilots.size === 0)) this.#options.say(team);
    this.#team = team;
  }

  /** Of what it says no more on that connection anything is heeded but records. */
  #forget(pilot: Pilot): void {
    if (pilot.identity !== undefined) this.#connections.delete(pilot.identity.toString('hex'));
    pilot.identity = undefined;
  }

  /** What does not go makes its pilot a stranger, who is asked to say hello when it is heard again. */
  #send(identity: Buffer, message: ToPilot): void {
    this.#door.send(identity, message).catch((error: unknown) => {
      if (error instanceof MltsError) return this.#over.reject(error);
      const pilot = this.#connections.get(identity.toString('hex'));
      if (pilot !== undefined) this.#forget(pilot);
    });
  }
}
