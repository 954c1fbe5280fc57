/**
 * One file over HTTP: resumed where it was cut, never larger than promised, whole or not there at all.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MltsError } from '../errors.ts';
import { writeError } from './save.ts';

export interface Download {
  readonly url: string;
  /** Where it goes; while it grows it is `<path>.part`. */
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

const ATTEMPTS = 5;
/** Wait before the second attempt, ms; doubled before each further one. */
const PATIENCE = 250;
/** Answers that mean «later»: too many requests, or trouble within the server. */
const TRANSIENT: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
/** The longest wait that a server can ask for, ms. */
const MAX_WAIT = 60_000;

/**
 * Downloads a file unless it is there already with these bytes.
 * @param onBytes called with the bytes that this file has so far; never less than before
 * @throws MltsError E_CONNECT, E_FILE (the server refuses), E_CHECKSUM, E_DISK, E_CANCELLED
 */
export async function download(file: Download, onBytes: (have: number) => void, signal?: AbortSignal): Promise<void> {
  if ((await sizeOf(file.path)) === file.bytes && (await digest(file.path)) === file.sha256) return onBytes(file.bytes);
  await mkdir(dirname(file.path), { recursive: true }).catch((cause) => {
    throw writeError(cause, file.path);
  });
  const part = `${file.path}.part`;
  let most = 0;
  const report = (have: number) => {
    most = Math.max(most, have);
    onBytes(most);
  };
  await complete(part, file, report, signal);
  const got = await digest(part);
  if (got !== file.sha256) await mismatch(part, `${file.url} has SHA-256 ${got}, must have ${file.sha256}`);
  await rename(part, file.path);
  report(file.bytes);
}

/** Asks until `part` has all its bytes: what a cut connection left is not fetched again. */
async function complete(
  part: string,
  file: Download,
  report: (have: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  let cause = new Error('no answer');
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, PATIENCE * 2 ** (attempt - 1)));
    try {
      const have = await sizeOf(part);
      if (have !== file.bytes) await fetchInto(part, have, file, report, signal);
      return;
    } catch (error) {
      if (signal?.aborted) {
        const what = `the download of ${file.url} was cancelled`;
        throw new MltsError('E_CANCELLED', what, 'Run it again to go on from there.');
      }
      if (error instanceof MltsError) throw error;
      cause = error as Error;
    }
  }
  const reason = cause.cause instanceof Error ? cause.cause.message : cause.message;
  const remedy = 'Look at the network and run it again: it goes on where it stopped.';
  throw new MltsError('E_CONNECT', `${file.url} cannot be fetched (${reason})`, remedy, { cause });
}

/** One request for what is missing. A cut connection throws what `fetch` throws. */
async function fetchInto(
  part: string,
  from: number,
  file: Download,
  report: (have: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
  const response = await fetch(file.url, { headers, signal: signal ?? null });
  if (!response.ok) {
    await response.body?.cancel();
    if (TRANSIENT.has(response.status)) {
      const seconds = Number(response.headers.get('retry-after') ?? 0) || 0;
      await new Promise((resolve) => setTimeout(resolve, Math.min(seconds * 1000, MAX_WAIT)));
      throw new Error(`the server answered ${response.status}`);
    }
    if (response.status === 416)
      return mismatch(part, `${file.url} has no more than ${from} of its ${file.bytes} bytes`);
    const remedy = response.status === 404 ? 'The publisher moved it: look for a newer mlts.' : 'Try again later.';
    throw new MltsError(
      'E_FILE',
      `${file.url} was answered with ${response.status} ${response.statusText}`.trim(),
      remedy,
    );
  }
  // A server that knows no ranges sends all of it.
  let have = response.status === 206 ? from : 0;
  const target = await open(part, have > 0 ? 'a' : 'w').catch((cause) => {
    throw writeError(cause, part);
  });
  try {
    for await (const chunk of response.body ?? []) {
      have += chunk.byteLength;
      if (have > file.bytes) await mismatch(part, `${file.url} is longer than its ${file.bytes} bytes`);
      await target.writeFile(chunk).catch((cause) => {
        throw writeError(cause, part);
      });
      report(have);
    }
  } finally {
    await target.close();
  }
  if (have < file.bytes) await mismatch(part, `${file.url} has ${have} bytes, must have ${file.bytes}`);
}

/** These are not the pinned bytes: nothing of them is kept. */
async function mismatch(part: string, what: string): Promise<never> {
  await rm(part, { force: true });
  throw new MltsError('E_CHECKSUM', what, 'Try again; if it stays so, the publisher or someone between changed it.');
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

const digest = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
