/** What a pilot computes with: a folder of its own on the node, and in it manifest, chunks and records for its workers. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MltsError } from '../../../errors.ts';
import type { EngineSettings } from '../../engines/settings.ts';
import { recordPath, writeChunk, writeManifest } from '../../work.ts';
import { type Chunk, MAX_BYTES } from './messages.ts';

export interface Answer {
  readonly record: string;
  readonly raw: string;
}

export class Bench {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mlts-pilot-'));
  readonly #manifests = new Map<string, string>();
  #chunks = 0;

  /** The manifest for an engine with its settings. @throws MltsError E_PROTOCOL, E_DISK */
  manifest({ work, engine, seconds }: Chunk): string {
    const known = this.#manifests.get(work);
    if (known !== undefined) return known;
    const folder = join(this.#folder, String(this.#manifests.size));
    const labels = join(folder, 'labels');
    const manifest = writeManifest(folder, {
      ...{ structures: [], engine: parseEngine(engine), seconds, chunkSize: 1, labels },
    });
    this.#manifests.set(work, manifest);
    return manifest;
  }

  /** @returns its number among all of this pilot @throws MltsError E_DISK */
  put(chunk: Chunk): number {
    const number = this.#chunks++;
    writeChunk(this.manifest(chunk), number, chunk.structures);
    return number;
  }

  /** Takes a record, and the raw files where they fit into a message, off the disk. */
  take(chunk: Chunk, id: string): Answer {
    const labels = join(this.manifest(chunk), '../labels');
    const [file, folder] = [recordPath(labels, id), join(labels, id)];
    const record = readFileSync(file, 'utf8');
    const raw = JSON.stringify(rawIn(folder));
    rmSync(folder, { recursive: true, force: true });
    rmSync(file);
    return { record, raw: record.length + raw.length < MAX_BYTES / 4 ? raw : '{}' };
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function rawIn(folder: string): Readonly<Record<string, string>> {
  try {
    return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

function parseEngine(content: string): EngineSettings {
  try {
    const settings = JSON.parse(content);
    if (typeof settings?.kind === 'string') return settings;
  } catch {
    // Said below.
  }
  throw new MltsError('E_PROTOCOL', 'the settings of the engine are no settings', 'Use the same mlts at both ends.');
}
