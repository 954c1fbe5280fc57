import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { MltsError, systemReason } from '../errors.ts';

const CHUNK_BYTES = 1 << 20;
const MAX_LINE = 1 << 24;

/** Lines of a text file, one at a time in constant memory; remembers where it is for messages. */
export class Lines {
  readonly file: string;
  /** Number of the line returned last, from 1. */
  number = 0;
  readonly #source: Iterator<string>;
  #ahead: string | undefined;

  constructor(file: string, source: Iterator<string>) {
    this.file = file;
    this.#source = source;
  }

  /** The next line without its end, or undefined after the last. */
  next(): string | undefined {
    const line = this.peek();
    if (line !== undefined) this.number++;
    this.#ahead = undefined;
    return line;
  }

  /** The next line, left where it is. */
  peek(): string | undefined {
    this.#ahead ??= this.#source.next().value ?? undefined;
    return this.#ahead;
  }

  /** The next line; `what` should stand there. */
  need(what: string): string {
    const line = this.next();
    if (line === undefined) {
      throw new MltsError(
        'E_FILE',
        `${this.file}:${this.number}: the file ends where ${what} should follow`,
        'The file is truncated: copy or write it again.',
      );
    }
    return line;
  }

  /** An error at the line read last. */
  error(what: string, remedy: string): MltsError {
    return new MltsError('E_FILE', `${this.file}:${this.number}: ${what}`, remedy);
  }

  /** A finite number out of a field of the line read last; Fortran's D exponents are taken. */
  real(text: string | undefined, what: string): number {
    const value = text === undefined || text === '' ? Number.NaN : Number(text.replace(/[dD]/, 'e'));
    if (Number.isFinite(value)) return value;
    throw this.error(`${what} is ${quote(text)}, not a finite number`, 'Correct that field.');
  }

  /** A whole number ≥ least out of a field of the line read last. */
  integer(text: string | undefined, what: string, least = Number.MIN_SAFE_INTEGER): number {
    const value = text !== undefined && /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= least) return value;
    const bound = least > Number.MIN_SAFE_INTEGER ? ` of at least ${least}` : '';
    throw this.error(`${what} is ${quote(text)}, not a whole number${bound}`, 'Correct that field.');
  }
}

const quote = (text: string | undefined): string => (text === undefined ? 'missing' : `'${text}'`);

/** Fields of a line between white space. */
export const fields = (line: string): string[] => line.trim().split(/\s+/).filter(Boolean);

/** Opens a text file for reading line by line. @throws MltsError E_FILE where it cannot be read */
export const openLines = (file: string): Lines => new Lines(file, linesOf(file));

function* linesOf(file: string): Generator<string> {
  const fd = attempt(file, () => openSync(file, 'r'));
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for (;;) {
      const bytes = attempt(file, () => readSync(fd, buffer));
      rest += bytes > 0 ? decoder.write(buffer.subarray(0, bytes)) : decoder.end();
      const lines = rest.split(/\r?\n/);
      rest = lines.pop() ?? '';
      yield* lines;
      if (bytes === 0) break;
      if (rest.length > MAX_LINE) {
        throw new MltsError(
          'E_FILE',
          `${file}: a line longer than ${MAX_LINE} characters`,
          'This is not a text file of structures.',
        );
      }
    }
    if (rest !== '') yield rest;
  } finally {
    closeSync(fd);
  }
}

function attempt<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const what = `${file} cannot be read (${systemReason(cause)})`;
    throw new MltsError('E_FILE', what, 'Check the path and the permissions.', { cause });
  }
}
