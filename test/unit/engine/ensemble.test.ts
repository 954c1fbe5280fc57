import { expect, it } from 'vitest';
import {
  deviation,
  forceDeviations,
  mean,
  memberDeviations,
  memberMean,
  rho,
  sigmaForces,
} from '../../../src/engine/ensemble.ts';
import { expectClose } from '../../support/close.ts';

it('deviations are those of a sample (ddof 1)', () => {
  expect(mean([1, 2, 6])).toBe(3);
  expect(deviation([1, 2, 6])).toBeCloseTo(Math.sqrt((4 + 1 + 9) / 2), 14);
});

it('a single member has no spread', () => {
  expect(deviation([7])).toBe(0);
  expect(Array.from(sigmaForces(Float64Array.of(1, 2, 3), 1))).toEqual([0]);
});

it('reduces [members, n] arrays over members', () => {
  const values = Float64Array.of(1, 10, 3, 30);
  expect(Array.from(memberMean(values, 2))).toEqual([2, 20]);
  expectClose(memberDeviations(values, 2), [Math.SQRT2, 10 * Math.SQRT2], 1e-14, 'deviations');
});

it('σ_F of an atom is the root of its summed variances', () => {
  const forces = Float64Array.of(0, 0, 0, 1, 2, 2, 2, 0, 0, 1, 2, 2);
  expectClose(sigmaForces(forces, 2), [Math.SQRT2, 0], 1e-14, 'σ_F');
});

it('deviations of forces are from the mean', () => {
  const forces = Float64Array.of(1, 2, 3, 3, 2, 1);
  expect(Array.from(forceDeviations(forces, memberMean(forces, 2)))).toEqual([-1, 0, 1, 1, 0, -1]);
});

it('ρ is σ_E/√n, and 0 without atoms', () => {
  expect(rho(6, 9)).toBe(2);
  expect(rho(0, 0)).toBe(0);
});
