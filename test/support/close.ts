/** Comparisons that nothing slips through: a NaN or an infinity on either side is never close. */
import { expect } from 'vitest';

/** |got − want| ≤ atol + rtol·|want|, false where any of them is not finite. */
export const close = (got: number, want: number, atol: number, rtol = 0): boolean =>
  Number.isFinite(want) && Math.abs(got - want) <= atol + rtol * Math.abs(want);

/** Fails unless both have the same length, at least one value, and every pair is close. */
export function expectClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  atol: number,
  what: string,
  rtol = 0,
): void {
  expect(got, `${what} is missing`).toBeDefined();
  expect(got.length, `length of ${what}`).toBe(want.length);
  expect(want.length, `${what} has nothing to compare`).toBeGreaterThan(0);
  for (let i = 0; i < want.length; i++) {
    if (close(got[i], want[i], atol, rtol)) continue;
    expect.fail(`${what}[${i}] is ${got[i]}, must be ${want[i]} within ${atol + rtol * Math.abs(want[i])}`);
  }
}

/** Largest absolute value, NaN where one is not finite. */
export function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) return Number.NaN;
    most = Math.max(most, Math.abs(values[i]));
  }
  return most;
}
