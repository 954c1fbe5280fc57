/** What the device says where its memory does not suffice, and work that is halved then. */
import { asMltsError, MltsError } from '../../errors.ts';

/** libtensorflow: `OOM when allocating tensor with shape[…]`, `ResourceExhausted`; CUDA: `out of memory`. */
const EXHAUSTED = /\bOOM\b|ResourceExhausted|RESOURCE_EXHAUSTED|out of memory|failed to allocate memory/i;

export const isOutOfMemory = (error: unknown): boolean => error instanceof Error && EXHAUSTED.test(error.message);

/** How much is put on the device at once. Lowered for good where it turned out to be too much. */
export class Budget {
  limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /**
   * Runs `compute` on all items in order, at once or, where memory does not suffice, in ever smaller parts.
   * @throws MltsError E_LIMIT where a single item is too much
   */
  run<T>(items: readonly T[], cost: number, compute: (part: readonly T[]) => void): void {
    try {
      compute(items);
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      if (items.length === 1) {
        const what = 'the device has not enough memory for this system';
        const remedy = 'Use more, smaller domains, or the native backend.';
        throw new MltsError('E_LIMIT', what, remedy, { cause: asMltsError(error) });
      }
      this.limit = Math.min(this.limit, Math.max(1, Math.floor(cost / 2)));
      const half = Math.ceil(items.length / 2);
      this.run(items.slice(0, half), cost / 2, compute);
      this.run(items.slice(half), cost / 2, compute);
    }
  }
}
