/** The comparators themselves: each must fail where it should. */
import { describe, expect, it } from 'vitest';
import { close, expectClose, largest } from '../../support/close.ts';

describe('close', () => {
  it('accepts what is within the tolerance and refuses what is not', () => {
    expect(close(1.0009, 1, 1e-3)).toBe(true);
    expect(close(1.0011, 1, 1e-3)).toBe(false);
    expect(close(-1, 5, 1, 0.5)).toBe(false);
    expect(close(101, 100, 0, 0.01)).toBe(true);
    expect(close(0, 0, 0)).toBe(true);
  });

  it.each([
    [Number.NaN, 1],
    [1, Number.NaN],
    [Number.NaN, Number.NaN],
    [Number.POSITIVE_INFINITY, 1],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [1, Number.NEGATIVE_INFINITY],
  ])('%f is never close to %f', (got, want) => expect(close(got, want, 1e300, 1)).toBe(false));
});

describe('expectClose', () => {
  it('passes equal arrays', () => expectClose([1, 2], [1, 2 + 1e-12], 1e-9, 'values'));

  it.each([
    ['another value', [1, 2.1], [1, 2]],
    ['a NaN', [1, Number.NaN], [1, 2]],
    ['a wanted NaN', [1, 2], [1, Number.NaN]],
    ['too few', [1], [1, 2]],
    ['too many', [1, 2, 3], [1, 2]],
    ['nothing at all', [], []],
  ])('fails on %s', (_, got, want) => expect(() => expectClose(got, want, 1e-3, 'values')).toThrow());

  it('fails where there is nothing to look at', () => {
    expect(() => expectClose(undefined as unknown as number[], [1], 1, 'values')).toThrow('values is missing');
  });
});

it('largest does not lose a NaN', () => {
  expect(largest([1, -3, 2])).toBe(3);
  expect(largest([1, Number.NaN, 2])).toBeNaN();
});
