/** What executors count alike: workers that died with a structure, and how long labels take. */

/** Workers that may die with one structure before it is given up. */
export const DEATHS = 3;

/** A worker, a task or a pilot that died; of what kind it was, and with what. */
export interface Death {
  readonly who: string;
  readonly noun: string;
  readonly why: string;
  readonly say: (text: string) => void;
}

/** Counts one more worker that died with a structure, and says so. @returns whether it was the last one that it gets */
export function countDeath(deaths: Record<string, number>, id: string, { who, noun, why, say }: Death): boolean {
  const count = (deaths[id] ?? 0) + 1;
  deaths[id] = count;
  say(`a ${who} died with ${noun} ${id.slice(0, 12)} (${why}), ${count} of ${DEATHS} times`);
  return count >= DEATHS;
}

/** The 90th percentile of what labels took; undefined before the first one. */
export const longOf = (seconds: readonly number[]): number | undefined =>
  seconds.toSorted((a, b) => a - b)[Math.floor(0.9 * seconds.length)];
