/** Who computes what: which structures have no record, which of them a pilot holds, with which of them workers died. */

import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeWhole } from '../../../io/write.ts';
import type { LabelRecord, Manifest } from '../../executor.ts';
import { chunkText, readChunk, readManifest, readRecord, writeDeath, writeRecord } from '../../work.ts';
import { countDeath, DEATHS, longOf } from '../counts.ts';
import type { Chunk, Held, RecordMessage } from './messages.ts';
import { readLabelRecord, readRaw } from './record.ts';

/** Labels of which the durations are looked at. */
const RECENT = 200;

interface Open {
  readonly chunk: number;
  readonly atoms: number;
  /** Whose it is now. */
  lease: string | undefined;
}

interface Lease {
  readonly pilot: string;
  readonly ids: readonly string[];
}

export interface LedgerOptions {
  readonly onResult: (record: LabelRecord) => void;
  readonly say: (text: string) => void;
}

export class Ledger {
  /** A predecessor was killed: pilots may hold chunks that this one does not know of. */
  readonly isSuccessor: boolean;
  /** Of the engine and its settings. */
  readonly work: string;
  readonly #path: string;
  readonly #manifest: Manifest;
  readonly #options: LedgerOptions;
  readonly #open = new Map<string, Open>();
  /** Parts of chunks that nobody held when they were put here. */
  readonly #queue: { readonly chunk: number; readonly ids: readonly string[] }[] = [];
  readonly #leases = new Map<string, Lease>();
  readonly #deaths: Record<string, number>;
  #spent: number[] = [];
  #long: number | undefined;

  /** Tells of the records that are there. @throws MltsError E_FILE, E_VERSION */
  constructor(manifest: string, options: LedgerOptions) {
    this.#path = manifest;
    this.#manifest = readManifest(manifest);
    this.#options = options;
    const { engine, seconds, chunks, labels } = this.#manifest;
    this.work = createHash('sha256')
      .update(JSON.stringify([engine, seconds]))
      .digest('hex')
      .slice(0, 16);
    for (let chunk = 0; chunk < chunks; chunk++) {
      const ids: string[] = [];
      for (const { id, structure } of readChunk(manifest, chunk)) {
        const record = readRecord(labels, id);
        if (record !== undefined) this.#tell(record);
        else {
          ids.push(id);
          this.#open.set(id, { chunk, atoms: structure.numbers.length, lease: undefined });
        }
      }
      if (ids.length > 0) this.#queue.push({ chunk, ids });
    }
    this.isSuccessor = existsSync(this.#state);
    this.#deaths = this.isSuccessor ? JSON.parse(readFileSync(this.#state, 'utf8')) : {};
  }

  /** How many have no record. */
  get left(): number {
    return this.#open.size;
  }

  /** Leaves a mark for a successor. @throws MltsError E_DISK */
  begin(): void {
    writeWhole(this.#state, `${JSON.stringify(this.#deaths)}\n`);
  }

  end(): void {
    rmSync(this.#state, { force: true });
  }

  /**
   * A chunk for a pilot, or as much of one as fits into the time that it has.
   * @param seconds left
   * @returns 'late' where not even one label fits; undefined where nothing waits
   */
  take(pilot: string, seconds: number): Chunk | 'late' | undefined {
    for (;;) {
      const next = this.#queue.shift();
      if (next === undefined) return undefined;
      const ids = next.ids.filter((id) => this.#open.get(id)?.lease === undefined && this.#open.has(id));
      if (ids.length === 0) continue;
      const fits = this.#long === undefined ? ids.length : Math.floor(seconds / Math.max(this.#long, 1e-3));
      const [now, later] = [ids.slice(0, Math.max(0, fits)), ids.slice(Math.max(0, fits))];
      if (later.length > 0) this.#queue.unshift({ chunk: next.chunk, ids: later });
      return now.length === 0 ? 'late' : this.#lend(pilot, next.chunk, now);
    }
  }

  #lend(pilot: string, chunk: number, ids: readonly string[]): Chunk {
    const lease = randomUUID();
    this.#leases.set(lease, { pilot, ids });
    for (const id of ids) this.#open.get(id)!.lease = lease;
    const wanted = new Set(ids);
    const structures = readChunk(this.#path, chunk).flatMap(({ id, structure }) => (wanted.has(id) ? [structure] : []));
    const { engine, seconds } = this.#manifest;
    return {
      ...{ type: 'chunk', lease, work: this.work, engine: JSON.stringify(engine), seconds, ids },
      structures: chunkText(structures),
    };
  }

  /** What a pilot says that it holds; what it no longer holds waits again. @returns what is not for it to compute */
  settle(pilot: string, held: readonly Held[]): readonly string[] {
    const said = new Set(held.map(({ lease }) => lease));
    for (const lease of this.of(pilot)) if (!said.has(lease)) this.giveBack(lease);
    const strange = held.filter(({ lease }) => this.#leases.get(lease)?.pilot !== pilot);
    return strange.filter((one) => !this.#adopt(pilot, one)).map(({ lease }) => lease);
  }

  #adopt(pilot: string, { lease, work, ids }: Held): boolean {
    const free = ids.filter((id) => this.#open.has(id) && this.#open.get(id)!.lease === undefined);
    if (work !== this.work || free.length === 0 || this.#leases.has(lease)) return false;
    this.#leases.set(lease, { pilot, ids: free });
    for (const id of free) this.#open.get(id)!.lease = lease;
    return true;
  }

  /** Leases of a pilot. */
  of(pilot: string): readonly string[] {
    return [...this.#leases].flatMap(([lease, one]) => (one.pilot === pilot ? [lease] : []));
  }

  /** @returns whether that pilot has that lease */
  isOf(pilot: string, lease: string): boolean {
    return this.#leases.get(lease)?.pilot === pilot;
  }

  /** What has no record yet waits again, before all others. @param why a worker died with the first of it */
  giveBack(lease: string, death?: { readonly who: string; readonly why: string }): void {
    const left = this.#leases.get(lease)?.ids.filter((id) => this.#open.get(id)?.lease === lease) ?? [];
    this.#leases.delete(lease);
    const parts = new Map<number, string[]>();
    for (const id of left) {
      const open = this.#open.get(id)!;
      open.lease = undefined;
      parts.set(open.chunk, [...(parts.get(open.chunk) ?? []), id]);
    }
    for (const [chunk, ids] of parts) this.#queue.unshift({ chunk, ids });
    if (death !== undefined && left.length > 0) this.#onDeath(left[0], death);
  }

  /** @throws MltsError E_DISK */
  #onDeath(id: string, { who, why }: { readonly who: string; readonly why: string }): void {
    const isLast = countDeath(this.#deaths, id, { who, why, noun: 'structure', say: this.#options.say });
    writeWhole(this.#state, `${JSON.stringify(this.#deaths)}\n`);
    if (isLast) this.#close(id, writeDeath(this.#path, id, DEATHS));
  }

  /** Keeps a record, whoever it comes from, where there is none yet. @throws MltsError E_DISK */
  record({ work, id, record, raw }: RecordMessage): void {
    const open = this.#open.get(id);
    if (open === undefined || work !== this.work) return;
    const { labels, engine } = this.#manifest;
    let checked: LabelRecord;
    let files: Readonly<Record<string, string>>;
    try {
      checked = readLabelRecord(record, { id, atoms: open.atoms, level: engine.level });
      files = readRaw(raw);
    } catch (error) {
      // Whoever answers so would do so again.
      this.#onDeath(id, { who: 'worker', why: (error as Error).message });
      return;
    }
    writeRecord(labels, checked, files);
    this.#close(id, checked);
  }

  #close(id: string, record: LabelRecord): void {
    this.#open.delete(id);
    this.#tell(record);
  }

  #tell(record: LabelRecord): void {
    this.#spent = [...this.#spent.slice(1 - RECENT), record.seconds];
    this.#long = longOf(this.#spent);
    this.#options.onResult(record);
  }

  get #state(): string {
    return join(dirname(this.#path), 'pilot.json');
  }
}
