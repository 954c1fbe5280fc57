import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { MltsError, systemReason } from '../errors.ts';

/**
 * A file that appears under its name only when it is complete: written beside it, flushed, renamed. What is no regular file
 * (a pipe, /dev/stdout) is written as it stands.
 */
export class OutputFile {
  readonly file: string;
  readonly #temporary: string;
  readonly #fd: number;
  #open = true;

  /** @throws MltsError E_DISK where it cannot be created */
  constructor(file: string) {
    this.file = file;
    const replaceable = statSync(file, { throwIfNoEntry: false })?.isFile() ?? true;
    this.#temporary = replaceable ? `${file}.${process.pid}.part` : file;
    this.#fd = this.#attempt(() => openSync(this.#temporary, 'w'));
  }

  /** @throws MltsError E_DISK; nothing is left under the name then, nor beside it */
  write(content: string | Buffer): void {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    for (let at = 0; at < bytes.length; ) at += this.#attempt(() => writeSync(this.#fd, bytes, at));
  }

  /** Makes the file appear. @throws MltsError E_DISK */
  commit(): void {
    if (this.#temporary !== this.file) this.#attempt(() => fsyncSync(this.#fd));
    this.#close();
    if (this.#temporary !== this.file) this.#attempt(() => renameSync(this.#temporary, this.file));
  }

  /** Gives up and leaves nothing; after `commit` it does nothing. */
  discard(): void {
    if (!this.#open) return;
    this.#close();
    if (this.#temporary !== this.file) rmSync(this.#temporary, { force: true });
  }

  #close(): void {
    this.#open = false;
    closeSync(this.#fd);
  }

  #attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (cause) {
      if (this.#fd !== undefined) this.discard();
      const { code } = cause as NodeJS.ErrnoException;
      const remedy =
        code === 'ENOSPC' || code === 'EFBIG' || code === 'EDQUOT'
          ? 'Free some space, or write to another disk.'
          : 'Check that the folder exists and that you may write there.';
      throw new MltsError('E_DISK', `${this.file} cannot be written (${systemReason(cause)})`, remedy, { cause });
    }
  }
}

/** A file that is there whole or not at all. @throws MltsError E_DISK */
export function writeWhole(path: string, content: string | Buffer): void {
  const file = new OutputFile(path);
  try {
    file.write(content);
    file.commit();
  } finally {
    file.discard();
  }
}
