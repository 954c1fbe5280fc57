/** What a worker does: the structures of a chunk, one after the other, a record for each; and the files it reads and writes. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MltsError, systemReason } from '../errors.ts';
import { formatExtxyz } from '../io/extxyz.ts';
import { readStructures } from '../io/read.ts';
import { parseFrameIndex } from '../io/slice.ts';
import type { Structure } from '../io/structure.ts';
import { writeWhole } from '../io/write.ts';
import type { EngineSettings } from './engines/settings.ts';
import type { Failed, LabelRecord, Manifest } from './executor.ts';
import { type Label, type LabelEngine, LabelFailure } from './label.ts';

export interface WorkOrder {
  /** Each with its `id`. */
  readonly structures: readonly Structure[];
  readonly engine: EngineSettings;
  /** Wall-time limit of one label. */
  readonly seconds: number;
  /** Structures of a chunk, at most. */
  readonly chunkSize: number;
  /** Where it is known how many workers there are, the last chunks shrink, so that none waits long for the others. */
  readonly workers?: number | undefined;
  /** Folder of the records. */
  readonly labels: string;
}

/** Writes manifest and chunks. @returns the manifest's path @throws MltsError E_DISK */
export function writeManifest(
  folder: string,
  { structures, engine, seconds, chunkSize, workers, labels }: WorkOrder,
): string {
  makeFolder(folder);
  makeFolder(labels);
  const manifest = join(folder, 'manifest.json');
  let chunks = 0;
  for (let done = 0, size = 0; done < structures.length; done += size) {
    const left = structures.length - done;
    size = Math.min(chunkSize, workers === undefined ? left : Math.ceil(left / (2 * workers)));
    writeChunk(manifest, chunks++, chunkText(structures.slice(done, done + size)));
  }
  writeWhole(
    manifest,
    `${JSON.stringify({ version: 1, labels, engine, seconds, chunks } satisfies Manifest, undefined, 1)}\n`,
  );
  return manifest;
}

export const chunkText = (structures: readonly Structure[]): string => structures.map(formatExtxyz).join('');

/** @param content of `chunkText` @throws MltsError E_DISK */
export const writeChunk = (manifest: string, chunk: number, content: string): void =>
  writeWhole(chunkPath(dirname(manifest), chunk), content);

const chunkPath = (folder: string, chunk: number): string =>
  join(folder, `chunk-${String(chunk).padStart(5, '0')}.extxyz`);

/** @throws MltsError E_FILE, E_VERSION */
export function readManifest(file: string): Manifest {
  const manifest = JSON.parse(read(file)) as Manifest;
  if (manifest.version === 1) return manifest;
  throw new MltsError('E_VERSION', `${file} has version ${String(manifest.version)}`, 'Use the mlts that wrote it.');
}

/** The structures of a chunk, each with its id. @throws MltsError E_FILE */
export function readChunk(manifest: string, chunk: number): { id: string; structure: Structure }[] {
  const file = chunkPath(dirname(manifest), chunk);
  return Array.from(readStructures(file, parseFrameIndex(':')), ({ frame }) => ({
    id: String(frame.info.id),
    structure: frame,
  }));
}

export const recordPath = (labels: string, id: string): string => join(labels, `${id}.json`);

/** What came of a structure; undefined while nothing has. @throws MltsError E_FILE */
export function readRecord(labels: string, id: string): LabelRecord | undefined {
  const file = recordPath(labels, id);
  return existsSync(file) ? (JSON.parse(read(file)) as LabelRecord) : undefined;
}

/** Raw files first: where the record is, all is there. @throws MltsError E_DISK */
export function writeRecord(labels: string, record: LabelRecord, raw: Readonly<Record<string, string>> = {}): void {
  const folder = join(labels, record.id);
  if (Object.keys(raw).length > 0) makeFolder(folder);
  for (const [name, content] of Object.entries(raw)) writeWhole(join(folder, name), content);
  writeWhole(recordPath(labels, record.id), `${JSON.stringify(record)}\n`);
}

/**
 * Labels what has no record in a chunk; told of each record as it is written.
 * @throws MltsError E_CANCELLED when `signal` fires; E_UNAVAILABLE where the engine is gone
 */
export async function work(
  manifest: string,
  chunk: number,
  engine: LabelEngine,
  { signal, done }: { signal: AbortSignal; done: (id: string) => void },
): Promise<void> {
  const { labels, seconds } = readManifest(manifest);
  for (const { id, structure } of readChunk(manifest, chunk)) {
    if (!existsSync(recordPath(labels, id))) {
      const { record, raw } = await attempt(id, structure, engine, seconds, signal);
      writeRecord(labels, record, raw);
    }
    done(id);
  }
}

async function attempt(
  id: string,
  structure: Structure,
  engine: LabelEngine,
  seconds: number,
  signal: AbortSignal,
): Promise<{ record: LabelRecord; raw: Readonly<Record<string, string>> }> {
  const scratch = mkdtempSync(join(tmpdir(), 'mlts-label-'));
  const start = performance.now();
  try {
    const label = await engine.label(structure, { scratch, seconds, signal });
    return { record: recordOf(id, label, engine), raw: label.raw };
  } catch (error) {
    if (!(error instanceof LabelFailure)) throw error;
    const spent = Number(((performance.now() - start) / 1000).toFixed(3));
    return { record: failed(id, error, engine, spent), raw: error.raw };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function recordOf(
  id: string,
  { energy, forces, virial, seconds }: Label,
  { level, program }: LabelEngine,
): LabelRecord {
  return {
    ...{ id, level, program, seconds: Number(seconds.toFixed(3)), status: 'labelled', energy },
    forces: Array.from({ length: forces.length / 3 }, (_, i) => [forces[3 * i], forces[3 * i + 1], forces[3 * i + 2]]),
    ...(virial !== undefined && { virial: [...virial] }),
  };
}

const failed = (
  id: string,
  { kind, what }: Pick<LabelFailure, 'kind' | 'what'>,
  { level, program }: Pick<LabelEngine, 'level' | 'program'>,
  seconds: number,
): Failed => ({ id, level, program, seconds, status: 'failed', kind, what });

/** A structure on which so many workers died that it gets no other. @throws MltsError E_DISK */
export function writeDeath(manifest: string, id: string, deaths: number): LabelRecord {
  const { labels, engine } = readManifest(manifest);
  const what = `${deaths} workers in a row died with it`;
  const record = failed(id, { kind: 'crashed', what }, { level: engine.level, program: 'unknown' }, 0);
  writeRecord(labels, record);
  return record;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MltsError('E_FILE', `${file} cannot be read (${systemReason(cause)})`, 'Check the path.', { cause });
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    const what = `${folder} cannot be made (${systemReason(cause)})`;
    throw new MltsError('E_DISK', what, 'Check that you may write there.', { cause });
  }
}
