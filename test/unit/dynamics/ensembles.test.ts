/** What the integrators sample and keep, against statistical mechanics. Seeds are fixed; bounds are several standard errors. */
import { describe, expect, it } from 'vitest';
import type { Ensemble } from '../../../src/dynamics/integrators/choose.ts';
import type { SimulationOptions, Start } from '../../../src/dynamics/options.ts';
import { constant } from '../../../src/dynamics/schedule.ts';
import { Simulation } from '../../../src/dynamics/simulation.ts';
import { kineticEnergy } from '../../../src/dynamics/state.ts';
import { AMU_ANGSTROM2_PER_FS2, BOLTZMANN, EV_PER_ANGSTROM3_IN_GPA } from '../../../src/units.ts';
import { Analytic } from '../../support/analytic.ts';
import { argon, argonCrystal, idealGas, oscillators } from '../../support/dynamics.ts';

const BASE: Ensemble = {
  ensemble: 'nve',
  thermostat: 'rescale',
  thermostatTime: 50,
  barostat: 'rescale',
  barostatTime: 200,
  cell: 'isotropic',
  compressibility: 1,
};

const simulate = (systems: readonly Start[], potential: Analytic, options: Partial<SimulationOptions>) =>
  new Simulation(systems, { ...BASE, potential, precision: 'double', timestep: 1, duration: 1e9, seed: 1, ...options });

const mean = (x: readonly number[]) => x.reduce((sum, one) => sum + one, 0) / x.length;
const variance = (x: readonly number[]) => mean(x.map((one) => (one - mean(x)) ** 2));

/** Largest excursion of the conserved quantity over a stretch of time, eV. */
async function drift(
  systems: readonly Start[],
  potential: Analytic,
  options: Partial<SimulationOptions>,
  time: number,
) {
  const simulation = simulate(systems, potential, options);
  await simulation.start(['virial']);
  const [walker] = simulation.walkers;
  const first = simulation.observe(walker).conserved;
  let worst = 0;
  while (simulation.time < time) {
    await simulation.advance();
    worst = Math.max(worst, Math.abs(simulation.observe(walker).conserved - first));
  }
  return worst;
}

describe('conserved quantities', () => {
  const cases: readonly (readonly [string, Partial<SimulationOptions>])[] = [
    ['velocity Verlet', { ensemble: 'nve', draw: 40 }],
    ['Nosé–Hoover chain', { ensemble: 'nvt', thermostat: 'nose-hoover', temperature: constant(40) }],
    ['MTK, isotropic', { ensemble: 'npt', barostat: 'mtk', thermostat: 'nose-hoover', temperature: constant(40) }],
    [
      'MTK, triclinic',
      { ensemble: 'npt', barostat: 'mtk', thermostat: 'nose-hoover', cell: 'triclinic', temperature: constant(40) },
    ],
  ];
  it.each(cases)('%s: error falls as dt²', async (_name, options) => {
    const [long, short] = [
      await drift([argonCrystal()], argon(), { ...options, timestep: 8 }, 1600),
      await drift([argonCrystal()], argon(), { ...options, timestep: 4 }, 1600),
    ];
    expect(long).toBeGreaterThan(0);
    expect(long / short).toBeGreaterThan(3);
    expect(long / short).toBeLessThan(5.5);
  });

  it('velocity Verlet runs back to where it came from', async () => {
    const start = argonCrystal();
    const simulation = simulate([start], argon(), { draw: 40, timestep: 5 });
    await simulation.start();
    const { state } = simulation.walkers[0];
    const [positions, velocities] = [state.positions.slice(), state.velocities.slice()];
    for (let i = 0; i < 100; i++) await simulation.advance();
    expect(Math.abs(state.positions[5] - positions[5])).toBeGreaterThan(1e-3);
    for (let k = 0; k < state.velocities.length; k++) state.velocities[k] *= -1;
    for (let i = 0; i < 100; i++) await simulation.advance();
    for (let k = 0; k < positions.length; k++) {
      expect(state.positions[k]).toBeCloseTo(positions[k], 9);
      expect(state.velocities[k]).toBeCloseTo(-velocities[k], 11);
    }
  });

  it.each(['rescale', 'nose-hoover'] as const)('the thermostat %s leaves the momentum at 0', async (thermostat) => {
    const simulation = simulate([argonCrystal()], argon(), {
      ...{ ensemble: 'nvt', thermostat, temperature: constant(60), timestep: 4 },
    });
    await simulation.start();
    for (let i = 0; i < 200; i++) await simulation.advance();
    const { velocities } = simulation.walkers[0].state;
    for (let k = 0; k < 3; k++) {
      let sum = 0;
      for (let i = k; i < velocities.length; i += 3) sum += velocities[i];
      expect(Math.abs(sum)).toBeLessThan(1e-12);
    }
  });
});

describe('canonical sampling', () => {
  const cases: readonly (readonly [string, Partial<SimulationOptions>, number])[] = [
    ['Langevin', { thermostat: 'langevin', thermostatTime: 40 }, 0],
    ['stochastic rescaling', { thermostat: 'rescale', thermostatTime: 20 }, 3],
    ['Nosé–Hoover chain', { thermostat: 'nose-hoover', thermostatTime: 60 }, 3],
  ];
  it.each(cases)(
    '%s: mean, χ² distribution and equipartition of the kinetic energy',
    async (_name, options, removed) => {
      const isLangevin = removed === 0;
      const system = isLangevin ? oscillators() : argonCrystal([39.948, 20]);
      const potential = isLangevin ? harmonic : argon();
      const n = system.numbers.length;
      const freedom = 3 * n - removed;
      const kelvin = 50;
      const simulation = simulate([system], potential, {
        ...{ ensemble: 'nvt', temperature: constant(kelvin), timestep: isLangevin ? 2 : 5, ...options },
      });
      await simulation.start();
      const [{ state }] = simulation.walkers;
      expect(state.freedom).toBe(freedom);
      const kinetic: number[] = [];
      const byMass = new Map<number, number[]>();
      for (let i = 0; i < 16_000; i++) {
        await simulation.advance();
        if (i < 1000 || i % 4 !== 0) continue;
        kinetic.push(kineticEnergy(state));
        for (const mass of new Set(state.masses)) {
          let [sum, count] = [0, 0];
          for (let a = 0; a < n; a++) {
            if (state.masses[a] !== mass) continue;
            for (let k = 0; k < 3; k++) sum += mass * AMU_ANGSTROM2_PER_FS2 * state.velocities[3 * a + k] ** 2;
            count += 3;
          }
          byMass.set(mass, byMass.get(mass) ?? []);
          byMass.get(mass)!.push(sum / count / BOLTZMANN);
        }
      }
      expect(Math.abs((2 * mean(kinetic)) / (freedom * BOLTZMANN * kelvin) - 1)).toBeLessThan(0.02);
      // χ² with f degrees of freedom: variance / mean² = 2/f.
      const spread = (variance(kinetic) / mean(kinetic) ** 2) * (freedom / 2);
      expect(spread).toBeGreaterThan(0.8);
      expect(spread).toBeLessThan(1.2);
      expect(byMass.size).toBe(2);
      for (const values of byMass.values()) {
        expect(Math.abs((mean(values) / kelvin) * ((3 * n) / freedom) - 1)).toBeLessThan(0.05);
      }
    },
    60_000,
  );

  it('Langevin: harmonic positions have the variance k_BT/k to a percent at a third of the period', async () => {
    const simulation = simulate([oscillators()], harmonic, {
      ...{ ensemble: 'nvt', thermostat: 'langevin', thermostatTime: 20, temperature: constant(50), timestep: 4 },
    });
    await simulation.start();
    const [{ state }] = simulation.walkers;
    const squares: number[] = [];
    for (let i = 0; i < 60_000; i++) {
      await simulation.advance();
      if (i % 5 === 0) squares.push(mean(Array.from(state.positions, (x) => x * x)));
    }
    expect(Math.abs(mean(squares) / ((BOLTZMANN * 50) / STIFFNESS) - 1)).toBeLessThan(0.02);
  }, 60_000);
});

describe('constant pressure', () => {
  const kelvin = 300;
  const pressure = 0.01;
  it.each(['isotropic', 'anisotropic', 'triclinic'] as const)(
    'cell rescaling, %s: the volume of an ideal gas is gamma distributed',
    async (cell) => {
      const n = 8;
      const simulation = simulate([idealGas(n, 20)], ideal, {
        ...{ ensemble: 'npt', cell, temperature: constant(kelvin), pressure: constant(pressure), timestep: 2 },
        ...{ thermostatTime: 20, barostatTime: 60, compressibility: 1 / pressure },
      });
      await simulation.start(['virial']);
      const [walker] = simulation.walkers;
      const volumes: number[] = [];
      for (let i = 0; i < 120_000; i++) {
        await simulation.advance();
        if (i > 1000 && i % 10 === 0) volumes.push(simulation.observe(walker).volume!);
      }
      // p(V) ∝ V^(f/3) e^(−pV/kT), f = 3n − 3: a gamma distribution of shape f/3 + 1 = n.
      const scale = (BOLTZMANN * kelvin) / pressure;
      expect(Math.abs(mean(volumes) / (n * scale) - 1)).toBeLessThan(0.03);
      expect(Math.abs(variance(volumes) / (n * scale ** 2) - 1)).toBeLessThan(0.12);
    },
    60_000,
  );

  describe('of an argon crystal', () => {
    const p0 = 0.5 / EV_PER_ANGSTROM3_IN_GPA;
    const argonAt = 40;
    /** ⟨p⟩ at constant volume, by a thermostat that the barostats do not use. */
    const pressureAt = async (a: number) => {
      const simulation = simulate([argonCrystal([39.948], a)], argon(4.6), {
        ...{
          ensemble: 'nvt',
          thermostat: 'langevin',
          thermostatTime: 300,
          temperature: constant(argonAt),
          timestep: 6,
        },
      });
      await simulation.start(['virial']);
      const pressures: number[] = [];
      for (let i = 0; i < 8000; i++) {
        await simulation.advance(['virial']);
        if (i >= 500) pressures.push(simulation.observe(simulation.walkers[0]).pressure!);
      }
      return mean(pressures);
    };
    let known: Promise<{ volume: number; compressibility: number }> | undefined;
    const isotherm = async () => {
      const [a, b] = [4.77, 4.82];
      const [pa, pb] = [await pressureAt(a), await pressureAt(b)];
      const [va, vb] = [(2 * a) ** 3, (2 * b) ** 3];
      const slope = (va - vb) / (pa - pb);
      const volume = va + slope * (p0 - pa);
      return { volume, compressibility: -slope / volume };
    };

    it.each([
      ['rescale', 'rescale', 'isotropic'],
      ['rescale', 'rescale', 'anisotropic'],
      ['rescale', 'rescale', 'triclinic'],
      ['mtk', 'nose-hoover', 'isotropic'],
      ['mtk', 'nose-hoover', 'anisotropic'],
      ['mtk', 'nose-hoover', 'triclinic'],
    ] as const)(
      '%s with %s, %s: volume, its fluctuation, pressure and kinetic energy are those of the ensemble',
      async (barostat, thermostat, cell) => {
        known ??= isotherm();
        const expected = await known;
        const simulation = simulate([argonCrystal([39.948], 4.79)], argon(4.6), {
          ...{ ensemble: 'npt', barostat, thermostat, cell, temperature: constant(argonAt), pressure: constant(p0) },
          ...{ timestep: 6, thermostatTime: 100, compressibility: 30 },
          // MTK's walls swing 24 times as fast here: a barostat of 150 fs would be too fast for the timestep.
          barostatTime: barostat === 'mtk' ? 600 : 150,
        });
        await simulation.start(['virial']);
        const [walker] = simulation.walkers;
        const [volumes, pressures, kinetic]: [number[], number[], number[]] = [[], [], []];
        for (let i = 0; i < 12_000; i++) {
          await simulation.advance();
          if (i < 1000) continue;
          const now = simulation.observe(walker);
          volumes.push(now.volume!);
          pressures.push(now.pressure!);
          kinetic.push(now.kinetic);
        }
        const spread = variance(volumes) / (BOLTZMANN * argonAt * expected.volume * expected.compressibility);
        const f = walker.state.freedom;
        const chi = (variance(kinetic) / mean(kinetic) ** 2) * (f / 2);
        expect(Math.abs(mean(volumes) / expected.volume - 1)).toBeLessThan(0.006);
        // ⟨δV²⟩ = k_BT V β_T
        expect(spread).toBeGreaterThan(0.7);
        expect(spread).toBeLessThan(1.4);
        expect(Math.abs(mean(pressures) / p0 - 1)).toBeLessThan(0.04);
        expect(Math.abs((2 * mean(kinetic)) / (f * BOLTZMANN * argonAt) - 1)).toBeLessThan(0.02);
        expect(chi).toBeGreaterThan(0.85);
        expect(chi).toBeLessThan(1.15);
      },
      120_000,
    );
  });
});

const STIFFNESS = 0.5;
const harmonic = new Analytic('harmonic', ({ positions }) => {
  const energy = positions.reduce((sum, x) => sum + 0.5 * STIFFNESS * x * x, 0);
  return { energy, forces: positions.map((x) => -STIFFNESS * x) };
});
const ideal = new Analytic('ideal', ({ positions }) => ({
  ...{ energy: 0, forces: new Float64Array(positions.length), virial: new Float64Array(9) },
}));
