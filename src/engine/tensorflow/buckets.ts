/**
 * Sizes of arrays on the device. They are rounded up to few different ones, so that in molecular dynamics, where counts
 * change a little every step, the device's allocator finds the buffers of the step before.
 */

/** Entries of one slot: neighbours, or triples, of one centre that go to the same columns. */
export const SLOT = 8;

/** Smallest of 1, 1¼, 1½, 1¾ times a power of two that is at least `count` and 4. */
export function bucket(count: number): number {
  const quarter = 2 ** Math.max(0, Math.ceil(Math.log2(Math.max(count, 4))) - 3);
  return Math.ceil(Math.max(count, 4) / quarter) * quarter;
}

export const slots = (count: number): number => Math.ceil(count / SLOT);
