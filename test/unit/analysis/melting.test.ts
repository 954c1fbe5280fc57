import { describe, expect, it } from 'vitest';
import { crossing, meltingPoint } from '../../../src/analysis/melting.ts';
import { crystal, repeat } from '../../../src/dynamics/structures/crystal.ts';
import { BOLTZMANN } from '../../../src/units.ts';
import { expectError } from '../../support/expect-error.ts';
import { LENNARD_JONES, pairPotential, smooth } from '../../support/pair-potential.ts';

const point = (temperature: number, mean: number, error = 0.1) => ({ temperature, rate: { mean, error } });

describe('where rates cross zero', () => {
  it('is the root of the line through them, with the error of its points', () => {
    const exact = crossing([point(800, -2), point(900, -1), point(1000, 0), point(1100, 1)])!;
    expect(exact.mean).toBeCloseTo(1000, 9);
    // Four points of error 0.1 about a slope of 0.01/K: 0.1·√(1/4 + 50²/Σ(T − T̄)²)/0.01.
    expect(exact.error).toBeCloseTo(10 * Math.sqrt(1 / 4 + 2500 / 50_000), 9);
    // A point without weight does not count.
    expect(crossing([point(800, -2), point(900, 7, 1e6), point(1000, 0), point(1100, 1)])!.mean).toBeCloseTo(1000, 6);
    // Scatter beyond the errors makes them larger.
    expect(crossing([point(800, -2.5), point(900, -0.5), point(1000, -0.5), point(1100, 1.5)])!.error).toBeGreaterThan(
      2 * exact.error,
    );
  });

  it('is nowhere where all melts, all freezes, or hotter freezes', () => {
    expect(crossing([point(800, 1), point(900, 2)])).toBeUndefined();
    expect(crossing([point(800, -1), point(900, -2)])).toBeUndefined();
    expect(crossing([point(800, 1), point(900, -2)])).toBeUndefined();
  });
});

describe('coexistence', () => {
  // ε = 1 eV, σ = 1 Å, argon's mass: the unit of time is 64 fs, that of temperature 11604 K.
  const one = crystal('fcc', [18], 1.6);
  const box = repeat({ ...one, cell: one.cell! }, [3, 3, 8]);
  const { numbers, positions, cell, pbc } = box;
  const start = { numbers, positions, cell: cell!, pbc };

  it('of Lennard-Jones atoms: the crystal grows below its melting point and melts above', {
    timeout: 240_000,
  }, async () => {
    const potential = pairPotential(smooth({ ...LENNARD_JONES, cutoff: 2.5 }));
    const [cold, hot] = [0.52 / BOLTZMANN, 0.76 / BOLTZMANN];
    const { melting, points } = await meltingPoint(potential, start, {
      ...{ temperatures: [cold, hot], timestep: 0.3, preparation: 250, duration: 500 },
    });
    expect(points[0].rate.mean).toBeLessThan(-2 * points[0].rate.error);
    expect(points[1].rate.mean).toBeGreaterThan(2 * points[1].rate.error);
    // T* = 0.55 … 0.69 at zero pressure, after how the pair is cut off.
    expect(melting!.mean * BOLTZMANN).toBeGreaterThan(0.55);
    expect(melting!.mean * BOLTZMANN).toBeLessThan(0.72);
  });

  it('says when nothing melted', async () => {
    const potential = pairPotential(LENNARD_JONES);
    const brief = { temperatures: [100, 200], timestep: 0.3, preparation: 3, duration: 3 };
    await expectError(() => meltingPoint(potential, start, brief), 'E_LIMIT', 'did not melt at 300 K');
  });

  it('needs two temperatures', async () => {
    const potential = pairPotential(LENNARD_JONES);
    await expectError(() => meltingPoint(potential, start, { temperatures: [900] }), 'E_USAGE', '900 K');
    await expectError(() => meltingPoint(potential, start, { temperatures: [0, 900] }), 'E_USAGE', '0, 900 K');
  });
});
