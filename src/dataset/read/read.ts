/** Labelled frames of a file or folder in any format that is known, one at a time. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { MltsError, systemReason } from '../../errors.ts';
import { readStructures } from '../../io/read.ts';
import { parseFrameIndex } from '../../io/slice.ts';
import type { Frame } from '../dataset.ts';
import { StoredDataset } from '../store.ts';
import { frameOf } from '../structures.ts';
import { readAse } from './ase.ts';
import { readHdf5 } from './hdf5.ts';
import { readNpyFolder, readNpz } from './numpy.ts';
import { type Account, inOurUnits, type ReadOptions } from './source.ts';

type Reader = (file: string, options: ReadOptions, account: Account) => AsyncGenerator<Frame>;

/** First bytes of a file, and who reads it. */
const READERS: readonly (readonly [magic: string, read: Reader])[] = [
  ['\x89HDF\r\n\x1a\n', readHdf5],
  ['PK\x03\x04', readNpz],
  ['SQLite format 3\0', readAse],
  ['MLTSDATA', readStore],
];
const LONGEST = 16;

/** @throws MltsError E_FILE where it cannot be read */
export function readFrames(file: string, options: ReadOptions, account: Account): AsyncGenerator<Frame> {
  return readerOf(file)(file, options, account);
}

/** A data set of mlts, text, or binary of others. @throws MltsError E_FILE where it cannot be read */
export function kindOf(file: string): 'store' | 'text' | 'binary' {
  const reader = readerOf(file);
  return reader === readStore ? 'store' : reader === readText ? 'text' : 'binary';
}

function readerOf(file: string): Reader {
  try {
    if (statSync(file).isDirectory()) return readNpyFolder;
    const fd = openSync(file, 'r');
    try {
      const head = Buffer.alloc(LONGEST);
      readSync(fd, head, 0, LONGEST, 0);
      return READERS.find(([magic]) => head.toString('latin1').startsWith(magic))?.[1] ?? readText;
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    const what = `${file} cannot be read (${systemReason(cause)})`;
    throw new MltsError('E_FILE', what, 'Check the path and the permissions.', { cause });
  }
}

async function* readText(file: string, options: ReadOptions): AsyncGenerator<Frame> {
  const { energy = 'eV', length = 'angstrom', gradient = false } = options;
  for (const { frame } of readStructures(file, parseFrameIndex(':'))) {
    const level = frame.info.level === undefined && options.level !== undefined && { level: options.level };
    yield { ...inOurUnits(frameOf(frame), { energy, length, gradient }), ...level };
  }
}

const CHUNK = 512;

async function* readStore(file: string): AsyncGenerator<Frame> {
  const store = new StoredDataset(file);
  try {
    for (let at = 0; at < store.length; at += CHUNK) {
      yield* store.read(Array.from({ length: Math.min(CHUNK, store.length - at) }, (_, i) => at + i));
    }
  } finally {
    store.close();
  }
}
