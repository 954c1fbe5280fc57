/** The state of a run on disk: whole or not at all, and only for those who can go on from it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { MltsError } from '../../errors.ts';
import { OutputFile } from '../../io/write.ts';

/** Eight bytes that begin every checkpoint; the last one is the version. */
const MAGIC = Buffer.from('MLTSCHK1', 'latin1');
const HASH_BYTES = 32;

/** Writes any structured value, typed arrays as they are: beside the file, flushed, renamed. @throws MltsError E_DISK */
export function writeCheckpoint(file: string, state: unknown): void {
  const bytes = serialize(state);
  const output = new OutputFile(file);
  output.write(Buffer.concat([MAGIC, createHash('sha256').update(bytes).digest(), bytes]));
  output.commit();
}

/** @throws MltsError E_FILE where there is none, E_CHECKSUM where it is not what was written */
export function readCheckpoint(file: string): unknown {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new MltsError(
      'E_FILE',
      `there is no checkpoint to resume from: ${file} cannot be read (${code})`,
      'Start the run without --resume, or name its --output.',
      { cause },
    );
  }
  const start = MAGIC.length + HASH_BYTES;
  const bytes = content.subarray(start);
  const isWhole =
    content.length > start &&
    content.subarray(0, MAGIC.length).equals(MAGIC) &&
    createHash('sha256').update(bytes).digest().equals(content.subarray(MAGIC.length, start));
  if (!isWhole) {
    throw new MltsError(
      'E_CHECKSUM',
      `${file} is no checkpoint of this version, or is damaged`,
      'Start the run anew with --force.',
    );
  }
  return deserialize(bytes);
}
