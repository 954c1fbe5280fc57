/** Bonds of fixed length: what they do to lengths, pressure and the conserved energy. */
import { describe, expect, it } from 'vitest';
import type { SimulationOptions, Start } from '../../../src/dynamics/options.ts';
import { constant } from '../../../src/dynamics/schedule.ts';
import { Simulation } from '../../../src/dynamics/simulation.ts';
import { kineticEnergy, removeMomentum } from '../../../src/dynamics/state.ts';
import type { Walker } from '../../../src/dynamics/walker.ts';
import type { Result } from '../../../src/engine/potential.ts';
import { AMU_ANGSTROM2_PER_FS2, BOLTZMANN } from '../../../src/units.ts';
import { Analytic } from '../../support/analytic.ts';
import { argon, argonCrystal } from '../../support/dynamics.ts';
import { expectError } from '../../support/expect-error.ts';

const LENGTH = 1.5;
const KELVIN = 300;

/** Two atoms of different mass 1.5 Å apart, along z and through the upper face of the cell, molecule by molecule. */
function dimers(molecules: number, a: number): Start {
  const positions = new Float64Array(6 * molecules);
  for (let m = 0; m < molecules; m++) {
    const at = 6 * m;
    positions.set([(a * m) / molecules, (a * ((3 * m) % 7)) / 7, a - 0.5], at);
    positions.set([positions[at], positions[at + 1], LENGTH - 0.5], at + 3);
  }
  return {
    numbers: Int32Array.from({ length: 2 * molecules }, (_, i) => (i % 2 === 0 ? 6 : 8)),
    positions,
    cell: Float64Array.of(a, 0, 0, 0, a, 0, 0, 0, a),
    pbc: [true, true, true],
  };
}

const nothing = new Analytic('nothing', ({ positions }) => ({
  ...{ energy: 0, forces: new Float64Array(positions.length), virial: new Float64Array(9) },
}));

const simulate = (system: Start, potential: Analytic, options: Partial<SimulationOptions>) =>
  new Simulation([system], {
    ...{ ensemble: 'nvt', thermostat: 'rescale', thermostatTime: 50, barostat: 'rescale', barostatTime: 100 },
    ...{ cell: 'isotropic', compressibility: 100, temperature: constant(KELVIN), timestep: 2, duration: 1e9, seed: 3 },
    ...{ potential, precision: 'double', ...options },
  });

const pairs = (molecules: number) =>
  Array.from({ length: molecules }, (_, m) => [2 * m, 2 * m + 1] as [number, number]);

const mean = (x: readonly number[]) => x.reduce((sum, one) => sum + one, 0) / x.length;
const variance = (x: readonly number[]) => mean(x.map((one) => (one - mean(x)) ** 2));

/** Velocities from the canonical distribution, in place. */
function redraw(walker: Walker): void {
  const { state, random, constraints } = walker;
  for (let k = 0; k < state.velocities.length; k++) {
    const mass = state.masses[Math.floor(k / 3)] * AMU_ANGSTROM2_PER_FS2;
    state.velocities[k] = Math.sqrt((BOLTZMANN * KELVIN) / mass) * random.normal();
  }
  removeMomentum(state);
  constraints.velocities(state);
}

const lengths = ({ walkers: [{ state, constraints }] }: Simulation): number[] =>
  constraints.bonds.map(({ first, second }) =>
    Math.hypot(...[0, 1, 2].map((k) => state.positions[3 * first + k] - state.positions[3 * second + k])),
  );

describe('bonds of fixed length', () => {
  it('Langevin: a gas of rigid molecules has the pressure and the energy of its centres and rotations', async () => {
    const n = 10;
    const simulation = simulate(dimers(n, 20), nothing, { thermostat: 'langevin', bonds: pairs(n) });
    const [walker] = simulation.walkers;
    expect(walker.state.freedom).toBe(5 * n);
    await simulation.start(['virial']);
    const [pressures, temperatures]: [number[], number[]] = [[], []];
    for (let i = 0; i < 30_000; i++) {
      await simulation.advance(['virial']);
      const { pressure, temperature } = simulation.observe(walker);
      pressures.push(pressure!);
      temperatures.push(temperature);
    }
    expect(Math.abs(mean(pressures) / ((n * BOLTZMANN * KELVIN) / 20 ** 3) - 1)).toBeLessThan(0.03);
    expect(Math.abs(mean(temperatures) / KELVIN - 1)).toBeLessThan(0.02);
    expect(Math.abs((variance(temperatures) / KELVIN ** 2) * ((5 * n) / 2) - 1)).toBeLessThan(0.1);
    for (const length of lengths(simulation)) expect(Math.abs(length - LENGTH)).toBeLessThan(1e-8);
  });

  it('stress is what the energy loses when molecules are strained by their centres', async () => {
    const bonds = [
      [0, 1],
      [1, 2],
      [8, 21],
      [30, 31],
    ] as const;
    const simulation = simulate(argonCrystal(), argon(), { bonds, temperature: constant(60), timestep: 4 });
    const [walker] = simulation.walkers;
    await simulation.start(['virial']);
    for (let i = 0; i < 50; i++) await simulation.advance(['virial']);
    const { state, constraints, result } = walker;
    const energy = async (a: number, b: number, e: number) => {
      const strained = {
        ...state,
        positions: state.positions.slice(),
        velocities: state.velocities.slice(),
        cell: state.cell!.slice(),
      };
      const matrix = (sign: number) => {
        const m = [1, 0, 0, 0, 1, 0, 0, 0, 1];
        m[3 * a + b] += (sign * e) / 2;
        m[3 * b + a] += (sign * e) / 2;
        return m;
      };
      constraints.molecules.strain(strained, matrix(1), matrix(-1));
      const [outcome] = await argon().evaluate([strained], new Set(['forces']));
      return (outcome as Result).energy + kineticEnergy(strained);
    };
    const stress = constraints.molecules.stress(state, result!.virial!, result!.forces!).slice();
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) {
        const slope = ((await energy(a, b, 1e-4)) - (await energy(a, b, -1e-4))) / 2e-4;
        expect(Math.abs(stress[3 * a + b] + slope)).toBeLessThan(1e-5);
      }
    }
    expect(Math.abs(stress[1])).toBeGreaterThan(1e-3);
  });

  it('cell rescaling: the volume of that gas is gamma distributed, bonds kept', async () => {
    const n = 6;
    const pressure = 0.001;
    const simulation = simulate(dimers(n, 12), nothing, {
      ...{ ensemble: 'npt', pressure: constant(pressure), bonds: pairs(n), compressibility: 1 / pressure },
      ...{ thermostatTime: 20, barostatTime: 100, timestep: 1 },
    });
    const [walker] = simulation.walkers;
    await simulation.start();
    const volumes: number[] = [];
    for (let i = 0; i < 100_000; i++) {
      // Molecules that never collide would keep what they have of rotation.
      if (i % 50 === 0) redraw(walker);
      await simulation.advance();
      if (i > 1000 && i % 10 === 0) volumes.push(simulation.observe(walker).volume!);
    }
    expect(walker.failure).toBeUndefined();
    const scale = (BOLTZMANN * KELVIN) / pressure;
    expect(Math.abs(mean(volumes) / (n * scale) - 1)).toBeLessThan(0.04);
    expect(Math.abs(variance(volumes) / (n * scale ** 2) - 1)).toBeLessThan(0.15);
    for (const length of lengths(simulation)) expect(Math.abs(length - LENGTH)).toBeLessThan(1e-8);
  }, 60_000);

  it.each(['isotropic', 'triclinic'] as const)(
    'cell rescaling, %s, counts the work done on molecules',
    async (cell) => {
      const bonds = Array.from({ length: 16 }, (_, m) => [2 * m, 2 * m + 1] as const);
      const error = async (timestep: number) => {
        const simulation = simulate(argonCrystal(), argon(), {
          ...{ ensemble: 'npt', temperature: constant(40), compressibility: 30, barostatTime: 300, cell },
          ...{ bonds, timestep },
        });
        const [walker] = simulation.walkers;
        await simulation.start();
        const first = simulation.observe(walker).conserved;
        const squares: number[] = [];
        while (simulation.time < 6000) {
          await simulation.advance();
          squares.push((simulation.observe(walker).conserved - first) ** 2);
        }
        return Math.sqrt(mean(squares));
      };
      const [long, short] = [await error(8), await error(2)];
      // Of a kinetic energy of 0.1 eV.
      expect(long).toBeLessThan(2e-4);
      expect(long / short).toBeGreaterThan(2.5);
    },
  );

  it('stay at their length while the density changes', async () => {
    const n = 6;
    const simulation = simulate(dimers(n, 12), nothing, {
      ...{ bonds: pairs(n), density: { from: 0.2, to: 0.4, amplitude: 0, period: 0 }, duration: 100 },
    });
    await simulation.start();
    while (simulation.time < 120) {
      await simulation.advance();
      for (const length of lengths(simulation)) expect(Math.abs(length - LENGTH)).toBeLessThan(1e-8);
    }
  });

  it('hold molecules together that the file wrapped, and refuse those without end', async () => {
    const system = dimers(4, 10);
    const simulation = simulate(system, nothing, { bonds: pairs(4) });
    const wrapped = Math.abs(system.positions[2] - system.positions[5]);
    expect(wrapped).toBeCloseTo(8.5, 12);
    for (const length of lengths(simulation)) expect(length).toBeCloseTo(LENGTH, 12);
    const chain = {
      ...{ numbers: Int32Array.of(6, 6, 6), positions: Float64Array.of(0, 0, 0, 0, 0, 1.4, 0, 0, 2.8) },
      ...{ cell: Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 4.2), pbc: [true, true, true] as const },
    };
    const endless = [
      [0, 1],
      [1, 2],
      [2, 0],
    ] as const;
    await expectError(() => simulate(chain, nothing, { bonds: endless }), 'E_USAGE');
  });

  it('do not go from moving to fixed atoms where the cell moves', async () => {
    const options = { ensemble: 'npt', bonds: [[0, 1]], fixed: [0] } as const;
    await expectError(() => simulate(argonCrystal(), argon(), options), 'E_USAGE');
  });
});
