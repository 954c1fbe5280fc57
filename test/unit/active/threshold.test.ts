import { describe, expect, it } from 'vitest';
import { percentile, sigmaOf } from '../../../src/active/threshold.ts';
import { expectError } from '../../support/expect-error.ts';

// Errors are three times σ.
const heldOut = { sigma: [0.1, 0.2, 0.3, 0.4, 0.5], error: [0.3, 0.6, 0.9, 1.2, 1.5] };

describe('a threshold', () => {
  it('is σ itself, needing nothing else', () => {
    expect(sigmaOf({ kind: 'sigma', value: 0.25 }, { sigma: [], error: [] })).toBe(0.25);
  });

  it('by an error is the σ that goes with it', () => {
    expect(sigmaOf({ kind: 'error', value: 0.6 }, heldOut)).toBeCloseTo(0.2, 12);
  });

  it('by a percentile follows the errors of the model', () => {
    expect(sigmaOf({ kind: 'percentile', value: 75 }, heldOut)).toBeCloseTo(0.4, 12);
    const better = { sigma: heldOut.sigma, error: heldOut.error.map((error) => error / 6) };
    expect(sigmaOf({ kind: 'error', value: 0.2 }, better)).toBeCloseTo(0.4, 12);
  });

  it('is refused where σ was never compared with errors', async () => {
    for (const scatter of [
      { sigma: [], error: [] },
      { sigma: [0, 0], error: [1, 2] },
    ]) {
      await expectError(
        () => sigmaOf({ kind: 'error', value: 1 }, scatter),
        'E_EMPTY',
        `${scatter.error.length} held-out`,
      );
    }
  });
});

describe('a percentile', () => {
  it('is exact at ranks and linear between them, whatever the order', () => {
    const values = [4, 1, 3, 2];
    expect([0, 50, 100].map((p) => percentile(values, p))).toEqual([1, 2.5, 4]);
    expect(percentile([7], 30)).toBe(7);
  });
});
