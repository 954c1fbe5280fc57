/** What one server takes before it says E_LIMIT or E_BUSY: its memory is bounded by these. */
import type { ScanLimits } from '../protocol/scan.ts';

export interface Limits {
  /** Atoms of one request, all its systems together. */
  readonly maxAtoms: number;
  /** Bytes of one request. */
  readonly maxBytes: number;
  /** Nesting of one request. */
  readonly maxDepth: number;
  /** Requests of one client that wait or run. */
  readonly maxClientQueue: number;
  /** Requests of all clients that wait or run. */
  readonly maxQueue: number;
  /** Atoms of all requests that wait or run. */
  readonly maxQueueAtoms: number;
  /** Sessions of one client. */
  readonly maxClientSessions: number;
  /** Sessions of all clients, and the atoms they remember. */
  readonly maxSessions: number;
  readonly maxSessionAtoms: number;
  /** Atoms that go to the backend together; a larger system goes alone. */
  readonly maxBatchAtoms: number;
  /** A session that nobody used for so long gives its neighbour list back, s. */
  readonly idleRelease: number;
  /** A session that nobody used for so long is closed, s. */
  readonly idleClose: number;
  /** How long a stop waits for accepted work, s. */
  readonly stopTimeout: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxAtoms: 200_000,
  maxBytes: 64 * 2 ** 20,
  maxDepth: 8,
  maxClientQueue: 64,
  maxQueue: 4096,
  maxQueueAtoms: 1_000_000,
  maxClientSessions: 256,
  maxSessions: 4096,
  maxSessionAtoms: 4_000_000,
  maxBatchAtoms: 4096,
  idleRelease: 60,
  idleClose: 3600,
  stopTimeout: 30,
};

/** Values of one frame: a system has at most ten, a request a few of its own. */
export const scanLimits = (limits: Limits): ScanLimits => ({
  maxBytes: limits.maxBytes,
  maxDepth: limits.maxDepth,
  maxValues: 64 + 16 * limits.maxAtoms,
});
