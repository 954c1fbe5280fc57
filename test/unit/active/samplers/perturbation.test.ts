import { describe, expect, it } from 'vitest';
import { type PerturbationSettings, perturb } from '../../../../src/active/samplers/perturbation.ts';
import { isTight } from '../../../../src/active/samplers/sampler.ts';
import { build, repeated } from '../../../../src/dynamics/structures/build.ts';
import { inverse } from '../../../../src/engine/cell.ts';
import { type Structure, toCartesian, volumeOf } from '../../../../src/io/structure.ts';
import { errorOf } from '../../../support/expect-error.ts';
import { randomNumbers } from '../../../support/systems.ts';

const fcc = repeated(build('fcc:Al:4.05', 1, Math.random), [2, 2, 2]);
const still: PerturbationSettings = {
  ...{ displacement: 0, stretch: [1, 1], shear: 0, vacancies: [0, 0], interstitials: [0, 0] },
  ...{ minDistance: 1.5, count: 20 },
};
const made = (more: Partial<PerturbationSettings>, parents: readonly Structure[] = [fcc]) =>
  perturb(parents, { ...still, ...more }, randomNumbers(11));
const fractions = ({ positions, cell }: Structure) => toCartesian(positions, inverse(cell!));

describe('a perturbed crystal', () => {
  it('has its atoms moved, as far as was asked and no farther', () => {
    const moves = made({ displacement: 0.25 }).frames.flatMap(({ positions, cell }) => {
      expect(cell).toEqual(fcc.cell);
      return [...positions].map((x, k) => x - fcc.positions[k]);
    });
    expect(Math.max(...moves.map(Math.abs))).toBeLessThanOrEqual(0.25 + 1e-12);
    expect(Math.min(...moves)).toBeLessThan(-0.24);
    expect(Math.max(...moves)).toBeGreaterThan(0.24);
  });

  it('is stretched along each vector by its own factor, and sheared, its fractions as they were', () => {
    for (const frame of made({ stretch: [0.9, 1.1] }).frames) {
      const factors = [0, 4, 8].map((k) => frame.cell![k] / fcc.cell![k]);
      for (const factor of factors) expect(Math.abs(factor - 1)).toBeLessThanOrEqual(0.1 + 1e-12);
      expect(new Set(factors).size).toBe(3);
      expect(volumeOf(frame.cell!) / volumeOf(fcc.cell!)).toBeCloseTo(factors[0] * factors[1] * factors[2], 12);
      expect(Math.max(...fractions(frame).map((x, k) => Math.abs(x - fractions(fcc)[k])))).toBeLessThan(1e-12);
    }
    for (const { cell } of made({ shear: 0.05 }).frames) {
      expect(cell![1]).toBeCloseTo(cell![3], 12);
      expect(Math.abs(cell![1] / cell![0])).toBeLessThanOrEqual(0.05);
      expect(cell![1]).not.toBe(0);
    }
  });

  it('has vacancies and interstitials, with room around each', () => {
    const counts = new Set<number>();
    for (const frame of made({ vacancies: [0, 2], interstitials: [0, 2], minDistance: 1.7 }).frames) {
      counts.add(frame.numbers.length);
      expect(frame.positions).toHaveLength(3 * frame.numbers.length);
      expect(isTight(frame, 1.7)).toBe(false);
    }
    expect(Math.min(...counts)).toBeLessThan(32);
    expect(Math.max(...counts)).toBeGreaterThan(32);
  });

  it('comes of each parent in turn, the same for the same random numbers', () => {
    const bcc = repeated(build('bcc:Fe:2.87', 1, Math.random), [2, 2, 2]);
    const { frames } = made({ displacement: 0.1, count: 4 }, [fcc, bcc]);
    expect(frames.map(({ numbers }) => numbers[0])).toEqual([13, 26, 13, 26]);
    expect(made({ displacement: 0.1, count: 4 }, [fcc, bcc]).frames).toEqual(frames);
  });

  it('is drawn again where atoms are too close, and given up where they always are', async () => {
    const { discarded } = made({ displacement: 0.4, minDistance: 2.05 });
    expect(discarded['too close']).toBeGreaterThan(0);
    await errorOf(() => made({ minDistance: 3 }), 'E_LIMIT', '50 perturbations in a row of structure 0', '3 Å');
  });

  it('is refused for what is no crystal, or has too few atoms', async () => {
    const molecule = { ...fcc, pbc: [true, true, false] as const };
    await errorOf(() => made({}, [fcc, molecule]), 'E_CELL', 'structure 1');
    await errorOf(() => made({ vacancies: [0, 32] }), 'E_USAGE', 'structure 0 has 32 atoms');
  });
});
