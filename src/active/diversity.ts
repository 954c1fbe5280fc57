/** Few structures that stand for many. */

/**
 * Farthest-point selection: each next one is the candidate whose nearest chosen one, by Euclidean distance, is farthest; the
 * first one is `first`, and of equals the earlier one is taken.
 * Source: Gonzalez, Theor. Comput. Sci. 38 (1985) 293, doi:10.1016/0304-3975(85)90224-5.
 * @param features one vector a candidate, all of one length
 * @param known vectors of what is there already: candidates like those come late
 * @returns `count` indices of candidates, or all of them, in the order of choice
 */
export function farthestPoints(
  features: readonly Float64Array[],
  count: number,
  { known = [], first = 0 }: { known?: readonly Float64Array[]; first?: number } = {},
): number[] {
  const nearest = features.map((one) => known.reduce((least, other) => Math.min(least, squared(one, other)), Infinity));
  const chosen: number[] = [];
  const isChosen = new Uint8Array(features.length);
  while (chosen.length < Math.min(count, features.length)) {
    let next = known.length === 0 && chosen.length === 0 ? first : -1;
    if (next < 0) {
      for (const [i, distance] of nearest.entries()) {
        if (isChosen[i] === 0 && (next < 0 || distance > nearest[next])) next = i;
      }
    }
    chosen.push(next);
    isChosen[next] = 1;
    for (const [i, one] of features.entries()) nearest[i] = Math.min(nearest[i], squared(one, features[next]));
  }
  return chosen;
}

function squared(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] - b[k]) ** 2;
  return sum;
}
