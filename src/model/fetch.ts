/**
 * Published ensembles from their own repositories, verified file by file and imported.
 */
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PublishedSet } from './catalogue.ts';
import { download } from './download.ts';
import { importNeuroChem } from './neurochem.ts';
import { userModelFolder } from './registry.ts';
import { saveModel, writeError } from './save.ts';

export interface FetchOptions {
  /** Where the model goes; default `<per-user folder>/NAME.mlts`. */
  readonly path?: string;
  /** Bytes so far and in all; the first never falls. */
  readonly onProgress?: (have: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Files under way at once. */
const PARALLEL = 8;

/** What to tell a user who fetches this set. */
export function licenceNotice({ name, licence }: PublishedSet): string {
  if (licence !== undefined) return `${name}: ${licence}`;
  return `${name}: its repository states no licence; ask the authors before you redistribute it`;
}

/**
 * Downloads a set, verifies every file and writes the model. What was downloaded before a failure stays beside the
 * target, so the next call goes on from there; it is removed once the model is written.
 * @returns path of the `.mlts` file
 * @throws MltsError E_CONNECT, E_FILE, E_CHECKSUM, E_DISK, E_MODEL, E_CANCELLED
 */
export async function fetchModel(set: PublishedSet, { path, onProgress, signal }: FetchOptions = {}): Promise<string> {
  const target = path ?? join(userModelFolder(), `${set.name}.mlts`);
  const folder = `${target}.download`;
  await mkdir(dirname(target), { recursive: true }).catch((cause) => {
    throw writeError(cause, target);
  });
  const total = set.files.reduce((bytes, file) => bytes + file.bytes, 0);
  const have = new Array<number>(set.files.length).fill(0);
  const queue = set.files.entries();
  const stop = new AbortController();
  const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const worker = async (): Promise<void> => {
    for (const [index, { path: file, sha256, bytes }] of queue) {
      const report = (count: number): void => {
        have[index] = count;
        onProgress?.(
          have.reduce((sum, part) => sum + part, 0),
          total,
        );
      };
      await download({ url: new URL(file, set.url).href, path: join(folder, file), sha256, bytes }, report, both);
    }
  };
  const workers = Array.from({ length: PARALLEL }, worker);
  try {
    await Promise.all(workers);
  } catch (error) {
    stop.abort();
    await Promise.allSettled(workers);
    throw error;
  }
  const { card, tensors } = await importNeuroChem(join(folder, set.info), set.name);
  await saveModel(target, card, tensors);
  await rm(folder, { recursive: true });
  return target;
}
