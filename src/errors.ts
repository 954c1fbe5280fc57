/**
 * The one error type of the project. The same codes travel on the wire and are used by the
 * C++ and Python clients (docs/protocol.md, "Errors").
 */
import { getSystemErrorMap } from 'node:util';

export const CODES = {
  E_USAGE: 'wrong command line, option or argument',
  E_FILE: 'a file cannot be read, written or parsed',
  E_DISK: 'no space left, or the disk refused a write',
  E_MODEL: 'a model file is not valid, or its card contradicts its tensors',
  E_MODEL_NOT_FOUND: 'no model of that name',
  E_SPECIES: 'an element the model does not know',
  E_NONFINITE: 'a NaN or infinite coordinate, cell or result',
  E_OVERLAP: "two atoms closer than the model's shortest distance",
  E_CELL: 'a singular, left-handed or missing cell',
  E_EMPTY: 'a system without atoms, a batch without systems, a model without members',
  E_SHAPE: 'an array of the wrong type or length',
  E_LIMIT: 'a request over the limits of this server',
  E_BUSY: 'the queue is full: try again',
  E_VERSION: 'protocol versions that do not meet',
  E_PROTOCOL: 'bytes that are not a message of this protocol',
  E_SESSION: 'no such session: never opened, closed, or reclaimed after idling',
  E_HASH: 'the model behind a name changed during a run',
  E_TIMEOUT: 'no answer in time',
  E_CONNECT: 'the server cannot be reached',
  E_ADDRESS: 'an endpoint that is taken or not valid',
  E_KEYS: 'CURVE keys that are missing, malformed or refused',
  E_CHECKSUM: 'downloaded or stored bytes that do not have the pinned SHA-256',
  E_CANCELLED: 'cancelled by the caller',
  E_SHUTDOWN: 'the server is stopping and takes no new work',
  E_UNSTABLE: 'a simulation that ran away: too fast, too close, too small, or off its constraints',
  E_UNAVAILABLE: 'a backend, tool or feature that is not available on this machine',
  E_INTERNAL: 'a defect of mlts itself',
} as const;

export type Code = keyof typeof CODES;

/** What went wrong, where (the value and the bound), and what to do about it. */
export class MltsError extends Error {
  readonly code: Code;
  /** The thing, its value and the bound. One sentence, no full stop at its end. */
  readonly what: string;
  /** What the user can do. One sentence. */
  readonly remedy: string;
  /** Index of the offending atom in the caller's own order, where one atom is to blame. */
  readonly atom: number | undefined;

  constructor(code: Code, what: string, remedy: string, options: { atom?: number; cause?: unknown } = {}) {
    super(`${code}: ${what}. ${remedy}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MltsError';
    this.code = code;
    this.what = what;
    this.remedy = remedy;
    this.atom = options.atom;
  }
}

/** Why the operating system refused, in words: `no such file or directory`. */
export function systemReason(cause: unknown): string {
  const { code, errno } = cause as NodeJS.ErrnoException;
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? code ?? String(cause);
}

/** Any thrown value as an MltsError; what is not one already becomes E_INTERNAL with its cause kept. */
export function asMltsError(error: unknown): MltsError {
  if (error instanceof MltsError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new MltsError('E_INTERNAL', text, 'Report this with the command and the input that led here.', {
    cause: error,
  });
}
