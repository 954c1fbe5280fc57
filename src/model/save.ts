/**
 * Writing of files that are there whole or not at all, and of `.mlts` files.
 */
import { open, rename, rm } from 'node:fs/promises';
import { MltsError } from '../errors.ts';
import { type Card, checkCard } from './card.ts';
import { modelFromBytes } from './load.ts';
import { type Tensor, writeSafetensors } from './safetensors.ts';

/**
 * The bytes of a `.mlts` file: a pure function of card and tensors. The card's keys are sorted.
 * @throws MltsError E_MODEL where the file would not load again
 */
export function encodeModel(card: Card, tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  checkCard(card, card.name);
  const bytes = writeSafetensors({ mlts: JSON.stringify(sortKeys(card)) }, tensors);
  modelFromBytes(bytes, card.name);
  return bytes;
}

/** Writes a `.mlts` file. @throws MltsError E_MODEL, E_DISK, E_FILE */
export async function saveModel(path: string, card: Card, tensors: ReadonlyMap<string, Tensor>): Promise<void> {
  await writeWhole(path, encodeModel(card, tensors));
}

/** Writes `path` so that it has either its old content or all of the new: write beside it, sync, rename. @throws MltsError E_DISK, E_FILE */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.part`;
  try {
    const file = await open(part, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw writeError(error as NodeJS.ErrnoException, path);
  }
}

/** The typed error of a failed write to `path`. */
export function writeError(cause: NodeJS.ErrnoException, path: string): MltsError {
  if (cause instanceof MltsError) return cause;
  if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT' || cause.code === 'EIO' || cause.code === 'EFBIG') {
    return new MltsError(
      'E_DISK',
      `${path} cannot be written (${cause.message})`,
      'Free space there or choose another place.',
      { cause },
    );
  }
  return new MltsError(
    'E_FILE',
    `${path} cannot be written (${cause.message})`,
    'Choose a folder that exists and that you may write to.',
    { cause },
  );
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sortKeys(item)]),
  );
}
