import { describe, expect, it } from 'vitest';
import { type DisorderSettings, disorder } from '../../../../src/active/samplers/disorder.ts';
import { isTight } from '../../../../src/active/samplers/sampler.ts';
import { massOf } from '../../../../src/elements.ts';
import { volumeOf } from '../../../../src/io/structure.ts';
import { AMU_PER_ANGSTROM3_IN_G_PER_CM3 } from '../../../../src/units.ts';
import { errorOf } from '../../../support/expect-error.ts';
import { randomNumbers } from '../../../support/systems.ts';

const settings: DisorderSettings = {
  composition: new Map([
    [13, [20, 40]],
    [29, [0, 4]],
  ]),
  density: [2, 3.5],
  minDistance: 1.8,
  smallestBox: 6,
  aspect: 1.6,
  count: 30,
};
const made = (more: Partial<DisorderSettings> = {}) => disorder({ ...settings, ...more }, randomNumbers(5));

describe('random disorder', () => {
  it('keeps every bound, and uses what is between them', () => {
    const { frames } = made();
    expect(frames).toHaveLength(30);
    const spans = {
      density: [] as number[],
      aluminium: [] as number[],
      copper: [] as number[],
      aspect: [] as number[],
    };
    for (const frame of frames) {
      const { numbers, cell, pbc } = frame;
      expect(pbc).toEqual([true, true, true]);
      expect(isTight(frame, 1.8)).toBe(false);
      const edges = [cell![0], cell![4], cell![8]];
      expect(Math.min(...edges)).toBeGreaterThanOrEqual(6);
      const mass = numbers.reduce((sum, number) => sum + massOf(number)!, 0);
      spans.density.push((mass * AMU_PER_ANGSTROM3_IN_G_PER_CM3) / volumeOf(cell!));
      spans.aluminium.push(numbers.filter((number) => number === 13).length);
      spans.copper.push(numbers.filter((number) => number === 29).length);
      spans.aspect.push(Math.max(...edges) / Math.min(...edges));
    }
    const expectSpan = (values: readonly number[], low: number, high: number, part: number) => {
      expect(Math.min(...values)).toBeGreaterThanOrEqual(low - 1e-9);
      expect(Math.max(...values)).toBeLessThanOrEqual(high + 1e-9);
      expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(part * (high - low));
    };
    expectSpan(spans.density, 2, 3.5, 0.6);
    expectSpan(spans.aluminium, 20, 40, 0.6);
    expectSpan(spans.copper, 0, 4, 0.9);
    expectSpan(spans.aspect, 1, 1.6, 0.5);
  });

  it('is the same for the same random numbers', () => {
    expect(made({ count: 3 })).toEqual(made({ count: 3 }));
  });

  it('draws again where the box is too small or full, and counts that', () => {
    const { frames, discarded } = made({ smallestBox: 7.2, minDistance: 2.15 });
    expect(frames).toHaveLength(30);
    expect(discarded['small box']).toBeGreaterThan(0);
    expect(discarded['no room']).toBeGreaterThan(0);
  });

  it('gives up where nothing fits', async () => {
    await errorOf(() => made({ smallestBox: 40 }), 'E_LIMIT', '50 random structures in a row', 'below 40 Å');
  });
});
