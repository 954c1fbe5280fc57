import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { energyAt, fitEquation } from '../../../src/analysis/equation-of-state.ts';
import { derivatives, levenbergMarquardt, minimumOf, polynomial } from '../../../src/analysis/fit.ts';
import { close, expectClose } from '../../support/close.ts';
import { expectError } from '../../support/expect-error.ts';
import { python } from '../../support/python.ts';

const ALUMINIUM = { volume: 16.5, energy: -74.475, modulus: 0.48, derivative: 4.6 };
const volumes = (from: number, to: number, count = 11) =>
  Array.from({ length: count }, (_, i) => 16.5 * (from + ((to - from) * i) / (count - 1)));

describe.each(['birch-murnaghan', 'vinet'] as const)('%s', (equation) => {
  it('gives back the parameters of exact data', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 5, max: 200, noNaN: true }),
        fc.double({ min: 0.01, max: 3, noNaN: true }),
        fc.double({ min: 2, max: 8, noNaN: true }),
        (volume, modulus, derivative) => {
          const exact = { equation, volume, energy: -1000, modulus, derivative };
          const v = volumes(0.9, 1.12).map((x) => (x / 16.5) * volume);
          const found = fitEquation(
            equation,
            v,
            v.map((x) => energyAt(exact, x)),
          );
          expect(close(found.volume, volume, 0, 1e-6)).toBe(true);
          expect(close(found.energy, -1000, 1e-7)).toBe(true);
          expect(close(found.modulus, modulus, 0, 1e-4)).toBe(true);
          expect(close(found.derivative, derivative, 0, 2e-3)).toBe(true);
          expect(found.residual).toBeLessThan(1e-8);
        },
      ),
      // The example once ended the fit with the energy 1e-5 eV off.
      { numRuns: 50, examples: [[151.85976881301588, 2.9984720063312076, 3.222348924007499]] },
    );
  });

  it('agrees with ASE on data of another shape', () => {
    // A Morse crystal is neither of the two.
    const v = volumes(0.9, 1.1);
    const e = v.map((volume) => (1 - Math.exp(-2 * (Math.cbrt(volume / 16.5) - 1))) ** 2);
    const want = python<[number, number, number, number]>(
      `from ase.eos import EquationOfState
import numpy as np
eos = EquationOfState(given["v"], given["e"], given["name"])
v0, e0, b = eos.fit()
result = [v0, e0, b, eos.eos_parameters[2]]`,
      { v, e, name: equation === 'vinet' ? 'vinet' : 'birchmurnaghan' },
    );
    const found = fitEquation(equation, v, e);
    expectClose([found.volume, found.modulus, found.derivative], [want[0], want[2], want[3]], 0, 'fit', 1e-4);
    expect(close(found.energy, want[1], 1e-6)).toBe(true);
    expect(found.residual).toBeGreaterThan(1e-9);
  });

  it('refuses points without a minimum, and too few', async () => {
    const at = (v: number[]) => v.map((x) => energyAt({ equation, ...ALUMINIUM }, x));
    const [low, few] = [volumes(0.7, 0.9), volumes(0.9, 1.1, 4)];
    await expectError(() => fitEquation(equation, low, at(low)), 'E_USAGE', 'no minimum between 11.550 and 14.850');
    await expectError(() => fitEquation(equation, few, at(few)), 'E_USAGE', '4 volumes');
  });
});

describe('least squares', () => {
  it('polynomials through their points, their derivatives and minima', () => {
    const c = [1, -2, 0.5, 3];
    const x = [-1, -0.5, 0, 0.5, 1, 1.5];
    const found = polynomial(
      x,
      x.map((value) => c.reduce((sum, k, power) => sum + k * value ** power, 0)),
      3,
    );
    expectClose(found, c, 1e-12, 'coefficients');
    expectClose(derivatives(c, 0.5), [1 - 1 + 0.125 + 0.375, -2 + 0.5 + 2.25, 1 + 9, 18], 1e-12, 'derivatives');
    // x⁴ − x² has minima at ±1/√2; tilted, the left one is lower.
    expect(minimumOf([0, 0.01, -1, 0, 1], -1, 1)).toBeCloseTo(-0.7096, 3);
    expect(minimumOf([0, 1, 0, 0, 0], -1, 1)).toBeUndefined();
  });

  it('a model that is not linear', () => {
    const x = Array.from({ length: 20 }, (_, i) => i / 4);
    const model = (t: number, [a, b, c]: readonly number[]) => a * Math.exp(-b * t) + c;
    const found = levenbergMarquardt(
      model,
      x,
      x.map((t) => model(t, [3, 0.7, -1])),
      [1, 0.2, 0],
    );
    expectClose(found, [3, 0.7, -1], 1e-8, 'parameters');
  });
});
