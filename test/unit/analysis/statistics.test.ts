import { describe, expect, it } from 'vitest';
import {
  analyse,
  Blocks,
  blockLevels,
  correlationTime,
  equilibration,
  line,
  meanOf,
  plateau,
} from '../../../src/analysis/statistics.ts';
import { randomNumbers } from '../../support/systems.ts';
import { normal } from '../../support/trajectories.ts';

/** x_t = φ x_{t−1} + noise: τ = ½(1 + φ)/(1 − φ), variance 1/(1 − φ²). */
function autoregressive(phi: number, count: number, seed = 3): Float64Array {
  const random = randomNumbers(seed);
  const values = new Float64Array(count);
  let x = normal(random) / Math.sqrt(1 - phi * phi);
  for (let t = 0; t < count; t++) {
    values[t] = x;
    x = phi * x + normal(random);
  }
  return values;
}

describe('means of correlated data', () => {
  it.each([0, 0.5, 0.9])('AR(1) with φ = %d has the autocorrelation time of its closed form', (phi) => {
    const tau = (0.5 * (1 + phi)) / (1 - phi);
    expect(correlationTime(autoregressive(phi, 100_000))).toBeGreaterThan(0.93 * tau);
    expect(correlationTime(autoregressive(phi, 100_000))).toBeLessThan(1.07 * tau);
  });

  it('the error of the mean is right: by both methods, and as often off as it should be', () => {
    const [phi, count] = [0.9, 4096];
    const exact = Math.sqrt(((1 + phi) / (1 - phi) / (1 - phi * phi) / count) * 1);
    let inside = 0;
    for (let seed = 0; seed < 60; seed++) {
      const values = autoregressive(phi, count, seed);
      const { mean, error } = analyse(values);
      if (Math.abs(mean) < error) inside++;
      if (seed > 0) continue;
      expect(error / exact).toBeGreaterThan(0.75);
      expect(error / exact).toBeLessThan(1.3);
      const level = plateau(blockLevels(values))!;
      expect(level.error / exact).toBeGreaterThan(0.7);
      expect(level.error / exact).toBeLessThan(1.4);
      // Errors that know nothing of correlation are four times too small.
      expect(meanOf(values).error / exact).toBeLessThan(0.35);
    }
    // One standard error holds 68 %: 60 trials give 41 ± 4.
    expect(inside).toBeGreaterThan(29);
    expect(inside).toBeLessThan(53);
  });

  it('finds where equilibration ends', () => {
    const values = autoregressive(0.5, 2000).map((x, t) => x + 30 * Math.exp(-t / 50));
    const start = equilibration(values);
    expect(start).toBeGreaterThanOrEqual(120);
    expect(start).toBeLessThan(600);
    expect(equilibration(autoregressive(0.5, 2000))).toBeLessThan(500);
  });

  it('long series: the same error from pieces, in no time', () => {
    const values = autoregressive(0.98, 200_000);
    const tau = (0.5 * 1.98) / 0.02;
    const begin = performance.now();
    const { correlationTime: found, error } = analyse(values);
    const start = equilibration(values.map((x, t) => x + 100 * Math.exp(-t / 5000)));
    expect(performance.now() - begin).toBeLessThan(5000);
    expect(found / tau).toBeGreaterThan(0.85);
    expect(found / tau).toBeLessThan(1.15);
    expect(error / Math.sqrt((2 * tau) / (1 - 0.98 ** 2) / 200_000)).toBeCloseTo(1, 0);
    expect(start).toBeGreaterThan(10_000);
    expect(start).toBeLessThan(60_000);
  });

  it('constants, single values and short series', () => {
    expect(analyse([2, 2, 2, 2])).toMatchObject({ mean: 2, error: 0, correlationTime: 0.5 });
    expect(analyse([7]).mean).toBe(7);
    expect(analyse([7]).error).toBeNaN();
    expect(plateau(blockLevels([1, 2, 3]))).toBeUndefined();
    expect(line([0, 1, 2], [1, 3, 5])).toEqual({ intercept: 1, slope: 2 });
  });
});

describe('blocks', () => {
  it.each([1, 19, 20, 21, 40, 41, 333])('of %d frames keep the mean and at most twenty sums', (frames) => {
    const blocks = new Blocks(2);
    for (let t = 0; t < frames; t++) blocks.add([t, 1]);
    expect(blocks.mean()[0]).toBeCloseTo((frames - 1) / 2, 9);
    expect(blocks.mean()[1]).toBeCloseTo(1, 12);
    const means = blocks.means();
    expect(means.length).toBeLessThanOrEqual(20);
    expect(means.length).toBeGreaterThanOrEqual(Math.min(frames, 10));
    // Equal lengths: the means of a ramp are equally far apart.
    for (let k = 2; k < means.length; k++) expect(means[k][0] - means[k - 1][0]).toBe(means[1][0] - means[0][0]);
  });
});
