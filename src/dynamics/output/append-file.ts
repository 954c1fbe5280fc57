import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { MltsError } from '../../errors.ts';

/** A file that grows, and that a run taken up again cuts back to where its checkpoint left it. */
export class AppendFile {
  readonly file: string;
  readonly #fd: number;
  #size: number;

  /**
   * @param keep bytes of an existing file that stay; what follows them is cut off. Without it the file is emptied.
   * @throws MltsError E_DISK; E_FILE where the file is shorter than that
   */
  constructor(file: string, keep?: number) {
    this.file = file;
    if (keep !== undefined && !existsSync(file)) throw tooShort(file, 0, keep);
    this.#fd = this.#attempt(() => openSync(file, keep === undefined ? 'w' : 'r+'));
    this.#size = keep ?? 0;
    if (keep === undefined) return;
    const { size } = fstatSync(this.#fd);
    if (size < keep) {
      closeSync(this.#fd);
      throw tooShort(file, size, keep);
    }
    this.#attempt(() => ftruncateSync(this.#fd, keep));
  }

  /** Bytes written. */
  get size(): number {
    return this.#size;
  }

  append(content: string | Buffer): void {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    this.#writeAt(bytes, this.#size);
    this.#size += bytes.length;
  }

  /** Replaces bytes that stand there already. */
  patch(bytes: Buffer, offset: number): void {
    this.#writeAt(bytes, offset);
  }

  /** Returns once all that was written is on the disk. */
  sync(): void {
    this.#attempt(() => fsyncSync(this.#fd));
  }

  close(): void {
    closeSync(this.#fd);
  }

  #writeAt(bytes: Buffer, offset: number): void {
    for (let at = 0; at < bytes.length; ) {
      at += this.#attempt(() => writeSync(this.#fd, bytes, at, bytes.length - at, offset + at));
    }
  }

  #attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new MltsError(
        'E_DISK',
        `${this.file} cannot be written (${code ?? String(cause)})`,
        'Free some space or correct the permissions, then go on with --resume.',
        { cause },
      );
    }
  }
}

const tooShort = (file: string, size: number, keep: number) =>
  new MltsError(
    'E_FILE',
    `${file} holds ${size} bytes, the checkpoint knows ${keep}`,
    'Put the file back as the run left it, or begin anew with --force.',
  );
