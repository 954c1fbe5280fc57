/** One way downhill. It knows no atoms: forces in, displacements out, so that any number of systems can share one evaluation. */
export interface Minimiser {
  /**
   * Moves `x` in place.
   * @param x [3m] generalised coordinates, Å
   * @param forces [3m] eV/Å at x
   */
  step(x: Float64Array, forces: Float64Array): void;
}

/** No row of three moves further than this in one step, Å. */
const MAX_MOVE = 0.2;

/** Shortens a step so that no row of three is longer than `MAX_MOVE`; returns the factor used. */
export function limitMove(step: Float64Array): number {
  let longest = 0;
  for (let i = 0; i < step.length; i += 3) {
    longest = Math.max(longest, step[i] ** 2 + step[i + 1] ** 2 + step[i + 2] ** 2);
  }
  longest = Math.sqrt(longest);
  if (longest <= MAX_MOVE) return 1;
  const factor = MAX_MOVE / longest;
  for (let i = 0; i < step.length; i++) step[i] *= factor;
  return factor;
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
