import { describe, expect, it } from 'vitest';
import { farthestPoints } from '../../../src/active/diversity.ts';
import { randomNumbers } from '../../support/systems.ts';

const line = (...x: number[]) => x.map((value) => Float64Array.of(value));

describe('farthest points', () => {
  it('go to both ends, then to the middle', () => {
    expect(farthestPoints(line(0, 1, 2, 5, 9, 10), 3)).toEqual([0, 5, 3]);
    expect(farthestPoints(line(0, 1, 2, 5, 9, 10), 3, { first: 3 })).toEqual([3, 0, 5]);
  });

  it('keep away from what is known', () => {
    expect(farthestPoints(line(0, 1, 2, 5, 9, 10), 2, { known: line(10) })).toEqual([0, 3]);
  });

  it('are all there are where more are asked for, equal ones too', () => {
    expect(farthestPoints(line(3, 3, 4), 9)).toEqual([0, 2, 1]);
    expect(farthestPoints([], 2)).toEqual([]);
  });

  it('take one of each cluster first', () => {
    const random = randomNumbers(2);
    const clusters = Array.from({ length: 60 }, (_, i) => Float64Array.of(10 * (i % 6) + random(), random()));
    const chosen = farthestPoints(clusters, 6);
    expect(new Set(chosen.map((i) => i % 6)).size).toBe(6);
  });
});
