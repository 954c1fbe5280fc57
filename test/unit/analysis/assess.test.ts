import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Assessor } from '../../../src/analysis/assess/assessment.ts';
import { PairDifferences } from '../../../src/analysis/assess/errors.ts';
import { flagging } from '../../../src/analysis/assess/flagging.ts';
import { assessmentPage, sectionsOf, trustLines } from '../../../src/analysis/assess/report.ts';
import { expectError } from '../../support/expect-error.ts';

const water = Int32Array.of(8, 1, 1);
const zero = new Float64Array(9);

describe('energy differences', () => {
  it('are those of all pairs, in sorted order as one by one', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { maxLength: 12 })), (sets) => {
        const sum = new PairDifferences();
        const pairs: number[] = [];
        for (const errors of sets) {
          sum.add(errors);
          for (const [i, one] of errors.entries()) for (let j = 0; j < i; j++) pairs.push(Math.abs(one - errors[j]));
        }
        const found = sum.get();
        if (pairs.length === 0) return void expect(found).toBeUndefined();
        expect(found!.count).toBe(pairs.length);
        expect(found!.mae).toBeCloseTo(pairs.reduce((a, b) => a + b, 0) / pairs.length, 10);
        expect(found!.rmse).toBeCloseTo(Math.sqrt(pairs.reduce((a, b) => a + b * b, 0) / pairs.length), 10);
        expect(found!.largest).toBeCloseTo(Math.max(...pairs), 10);
      }),
    );
  });
});

describe('flagging', () => {
  it('has the area of Mann and Whitney’s U, ties counting half', () => {
    const cases = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })), { minLength: 2 });
    fc.assert(
      fc.property(cases, (points) => {
        const [sigma, error] = [points.map(([s]) => s), points.map(([, e]) => e)];
        const [bad, good] = [points.filter(([, e]) => e > 3), points.filter(([, e]) => e <= 3)];
        const found = flagging({ sigma, error }, 3);
        if (bad.length === 0 || good.length === 0) return void expect(found).toBeUndefined();
        const wins = bad.flatMap(([b]) => good.map(([g]): number => (b > g ? 1 : b === g ? 0.5 : 0)));
        expect(found!.bad).toBe(bad.length);
        expect(found!.auroc).toBeCloseTo(wins.reduce((a, b) => a + b, 0) / wins.length, 10);
        expect(found!.curve.at(-1)).toEqual([1, 1]);
      }),
    );
  });
});

describe('an assessment', () => {
  it('has errors by size, element, force and conformers, and trust in σ', async () => {
    const assessor = new Assessor();
    const labels = (energy: number, x: number, group: string) => {
      const forces = zero.slice();
      forces[0] = x;
      return { numbers: water, energy, forces, group };
    };
    const result = (sigma: number, rho: number) => ({
      ...{ energy: 0, forces: zero, sigmaForces: Float64Array.of(sigma, 0, 0), rho },
    });
    assessor.add('a', labels(-3, 0.25, 'one'), result(0.5, 1));
    assessor.add('b', labels(6, 3, 'one'), result(1, 2));
    assessor.add('c', labels(1, 0, 'two'), result(0.1, 3));
    const found = assessor.result({ bad: 1 });
    expect(found.structures).toBe(3);
    // Model − label: 3, −6, −1.
    expect(found.energy).toEqual({ count: 3, rmse: Math.sqrt(46 / 3), mae: 10 / 3, bias: -4 / 3, largest: 6 });
    expect(found.energyPerAtom!.bias).toBeCloseTo(-4 / 9, 12);
    expect(found.differences!.sets).toBe(1);
    expect(found.differences!.errors).toMatchObject({ count: 1, rmse: 9, mae: 9, largest: 9 });
    expect(found.forces).toMatchObject({ count: 27, largest: 3 });
    expect(found.byElement.get('O')!.rmse).toBeCloseTo(Math.sqrt((0.0625 + 9) / 9), 12);
    expect(found.byElement.get('H')!.rmse).toBe(0);
    expect(found.bySize.map(({ from, to }) => [from, to])).toEqual([[1, 11]]);
    expect(found.byForce.map(({ from, to, forces }) => [from, to, forces.count])).toEqual([
      [0, 0.5, 24],
      [2, 5, 3],
    ]);
    expect(found.trustForces!.factor).toBeCloseTo(Math.sqrt((0.0625 + 9) / (0.25 + 1 + 0.01)), 12);
    expect(found.trustForces!.flagging).toMatchObject({ bad: 1, threshold: 1, auroc: 1 });
    expect(found.worst.map(({ name }) => name)).toEqual(['b', 'a', 'c']);
    expect(sectionsOf(found)[0].rows[1]).toEqual([
      'energy',
      'meV/atom',
      '1305.26',
      '1111.11',
      '-444.44',
      '2000.00',
      '3',
    ]);
    expect(trustLines(found)[0]).toContain('AUROC 1.000');
    const html = await assessmentPage(found, 'a & b', ['x.xyz']);
    for (const part of ['a &amp; b', 'By size', 'Worst structures', '<svg', 'Bad forces found by σ']) {
      expect(html).toContain(part);
    }
  });

  it('needs labels', async () => {
    const assessor = new Assessor();
    assessor.add('a', { numbers: water }, { energy: 0, forces: zero, sigmaForces: new Float64Array(3) });
    await expectError(() => assessor.result(), 'E_EMPTY', 'none of 1 structures');
  });
});
