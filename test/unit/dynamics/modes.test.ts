import { expect, it } from 'vitest';
import { relax } from '../../../src/dynamics/minimise/relax.ts';
import { harmonicEnergies, normalModes } from '../../../src/dynamics/modes.ts';
import { crystal } from '../../../src/dynamics/structures/crystal.ts';
import { Analytic, lennardJones } from '../../support/analytic.ts';

/** √(k/µ)/(2πc) in cm⁻¹, k in eV/Å², µ in amu: 1 eV/(Å²·amu) is 521.4709 cm⁻¹ squared. */
const wave = (k: number, mu: number) => 521.4709 * Math.sqrt(k / mu);

it('a diatomic molecule has one mode, √(k/µ), wherever it points', async () => {
  const r = 2 ** (1 / 6);
  const k = 72 / 2 ** (1 / 3); // of Lennard-Jones at its minimum
  const mu = (1.008 * 15.999) / (1.008 + 15.999);
  for (const axis of [
    [0, 0, r],
    [r / Math.sqrt(3), r / Math.sqrt(3), r / Math.sqrt(3)],
  ]) {
    const { wavenumbers, displacements } = await normalModes(
      lennardJones(),
      {
        numbers: Int32Array.of(1, 8),
        positions: Float64Array.from([5, -3, 1, ...axis.map((x, i) => x + [5, -3, 1][i])]),
      },
      { displacement: 1e-3 },
    );
    expect(wavenumbers).toHaveLength(1);
    expect(wavenumbers[0] / wave(k, mu)).toBeCloseTo(1, 4);
    // Hydrogen moves as much more as it is lighter.
    const size = (i: number) => Math.hypot(...displacements[0].subarray(3 * i, 3 * i + 3));
    expect(size(0) / size(1)).toBeCloseTo(15.999 / 1.008, 4);
  }
});

it('three atoms in a triangle: one breathing mode, two degenerate, in the ratio √2', async () => {
  const [relaxed] = await relax(
    lennardJones(),
    [{ numbers: Int32Array.of(18, 18, 18), positions: Float64Array.of(0, 0, 0, 1.1, 0, 0, 0.5, 1, 0.1) }],
    { fmax: 1e-8 },
  );
  if (relaxed instanceof Error) throw relaxed;
  const { wavenumbers } = await normalModes(lennardJones(), relaxed.system, { displacement: 1e-4 });
  expect(wavenumbers).toHaveLength(3);
  expect(wavenumbers[1] / wavenumbers[0]).toBeCloseTo(1, 5);
  expect(wavenumbers[2] / wavenumbers[0]).toBeCloseTo(Math.SQRT2, 5);
});

it('a crystal keeps 3n − 3 modes, a hill has imaginary ones', async () => {
  const { numbers, positions, cell, pbc } = crystal('fcc', [18], 1.55);
  const { wavenumbers } = await normalModes(lennardJones(2.5), { numbers, positions, cell: cell!, pbc });
  expect(wavenumbers).toHaveLength(9);
  expect(wavenumbers[0]).toBeGreaterThan(0);
  const hill = new Analytic('hill', ({ positions: x }) => {
    const d = x[3] - x[0];
    return { energy: (-d * d) / 2, forces: Float64Array.of(-d, 0, 0, d, 0, 0) };
  });
  const unstable = await normalModes(hill, {
    numbers: Int32Array.of(1, 1),
    positions: Float64Array.of(0, 0, 0, 1, 0, 0),
  });
  expect(unstable.wavenumbers).toHaveLength(1);
  expect(unstable.wavenumbers[0] / wave(1, 0.504)).toBeCloseTo(-1, 5);
});

it('free energies are those of the oscillator', () => {
  const [kT, T] = [8.617333262e-5 * 300, 300];
  const quantum = 1.239841984e-4 * 1000; // of 1000 cm⁻¹
  const { zeroPoint, energy, entropy, freeEnergy } = harmonicEnergies([1000], T);
  expect(zeroPoint).toBeCloseTo(quantum / 2, 9);
  // The partition function e^{−x/2}/(1 − e^{−x}) and its derivative.
  const x = quantum / kT;
  expect(freeEnergy).toBeCloseTo(-kT * Math.log(Math.exp(-x / 2) / (1 - Math.exp(-x))), 9);
  expect(energy).toBeCloseTo(quantum * (0.5 + 1 / (Math.exp(x) - 1)), 9);
  expect(freeEnergy).toBeCloseTo(energy - T * entropy, 9);
  expect(harmonicEnergies([1000, -500], 0)).toEqual({
    zeroPoint,
    energy: zeroPoint,
    freeEnergy: zeroPoint,
    entropy: 0,
  });
});
