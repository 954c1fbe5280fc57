/** How well σ ranks: structures with large errors found by it. */

export interface Flagging {
  /** Structures whose error is above `threshold`. */
  readonly bad: number;
  readonly threshold: number;
  /** Area under the curve: the probability that a bad structure has a larger σ than a good one; 0.5 says nothing. */
  readonly auroc: number;
  /** [share of good ones flagged, share of bad ones flagged] as the bound on σ falls, (0,0) to (1,1). */
  readonly curve: readonly (readonly [falsely: number, rightly: number])[];
}

/**
 * Receiver operating characteristic of σ as a flag for errors above a threshold; equal σ are flagged together, so that ties count
 * half (Mann–Whitney U, doi:10.1148/radiology.143.1.7063747).
 * @returns undefined where all or none are bad
 */
export function flagging(
  { sigma, error }: { readonly sigma: readonly number[]; readonly error: readonly number[] },
  threshold: number,
): Flagging | undefined {
  const order = sigma.map((_, i) => i).sort((a, b) => sigma[b] - sigma[a]);
  const bad = error.filter((value) => value > threshold).length;
  const good = error.length - bad;
  if (bad === 0 || good === 0) return undefined;
  const curve: [number, number][] = [[0, 0]];
  let [falsely, rightly, area] = [0, 0, 0];
  for (let k = 0; k < order.length; ) {
    const [before, found] = [falsely, rightly];
    const value = sigma[order[k]];
    for (; k < order.length && sigma[order[k]] === value; k++) {
      if (error[order[k]] > threshold) rightly++;
      else falsely++;
    }
    area += ((falsely - before) * (rightly + found)) / 2;
    curve.push([falsely / good, rightly / bad]);
  }
  return { bad, threshold, auroc: area / (good * bad), curve };
}

/** The value that a share of all is not above; 0 ≤ share ≤ 1. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
