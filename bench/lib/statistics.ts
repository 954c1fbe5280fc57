/** Order statistics of a sample; every number in the table is one of these. */

/** Linear interpolation between the order statistics, 0 ≤ q ≤ 1. */
export function quantile(sample: readonly number[], q: number): number {
  if (sample.length === 0) throw new Error('no sample: a benchmark measured nothing');
  const sorted = [...sample].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

export const median = (sample: readonly number[]): number => quantile(sample, 0.5);

/** Interquartile range over the median: how much a repeat differs from the next. */
export const spread = (sample: readonly number[]): number =>
  (quantile(sample, 0.75) - quantile(sample, 0.25)) / quantile(sample, 0.5);
