import { describe, expect, it } from 'vitest';
import type { Ensemble } from '../../../src/dynamics/integrators/choose.ts';
import type { SimulationOptions, Start } from '../../../src/dynamics/options.ts';
import { constant, valueAt } from '../../../src/dynamics/schedule.ts';
import { type SavedSimulation, Simulation } from '../../../src/dynamics/simulation.ts';
import { MltsError } from '../../../src/errors.ts';
import { Analytic } from '../../support/analytic.ts';
import { argon, argonCrystal, oscillators } from '../../support/dynamics.ts';
import { expectError } from '../../support/expect-error.ts';

const BASE: Ensemble = {
  ensemble: 'nve',
  thermostat: 'rescale',
  thermostatTime: 50,
  barostat: 'rescale',
  barostatTime: 200,
  cell: 'isotropic',
  compressibility: 10,
};
const simulate = (systems: readonly Start[], potential: Analytic, options: Partial<SimulationOptions> = {}) =>
  new Simulation(systems, { ...BASE, potential, precision: 'double', timestep: 4, duration: 1e6, seed: 7, ...options });

async function run(simulation: Simulation, steps: number): Promise<Simulation> {
  if (simulation.walkers[0].result === undefined) await simulation.start(['virial']);
  for (let i = 0; i < steps; i++) await simulation.advance();
  return simulation;
}

const ENSEMBLES: readonly (readonly [string, Partial<SimulationOptions>])[] = [
  ['nve', { draw: 40 }],
  ['Langevin', { ensemble: 'nvt', thermostat: 'langevin', temperature: constant(40) }],
  ['rescaling', { ensemble: 'nvt', temperature: constant(40) }],
  ['Nosé–Hoover', { ensemble: 'nvt', thermostat: 'nose-hoover', temperature: constant(40) }],
  ['cell rescaling', { ensemble: 'npt', cell: 'triclinic', temperature: constant(40) }],
  ['MTK', { ensemble: 'npt', barostat: 'mtk', cell: 'anisotropic', temperature: constant(40) }],
];

describe('a simulation', () => {
  it.each(ENSEMBLES)('%s goes on from what was saved bit for bit, through JSON', async (_name, options) => {
    const whole = await run(simulate([argonCrystal()], argon(), options), 30);
    const saved = JSON.parse(JSON.stringify(whole.save())) as SavedSimulation;
    await run(whole, 30);
    const resumed = simulate([argonCrystal()], argon(), options);
    resumed.restore(saved);
    await run(resumed, 30);
    expect(resumed.step).toBe(60);
    expect(resumed.walkers[0].state).toEqual(whole.walkers[0].state);
    expect(resumed.observe(resumed.walkers[0])).toEqual(whole.observe(whole.walkers[0]));
    expect(whole.walkers[0].state.positions).not.toEqual(argonCrystal().positions);
  });

  it('moves each walker as if it were alone, in one evaluation a step', async () => {
    const options = { ensemble: 'nvt', thermostat: 'langevin', temperature: constant(40) } as const;
    const potential = argon();
    const systems = [argonCrystal(), argonCrystal([20]), argonCrystal([39.948], 5.4)];
    const together = await run(simulate(systems, potential, options), 20);
    expect(potential.calls).toEqual(new Array(21).fill(3));
    for (const [w, system] of systems.entries()) {
      const alone = await run(simulate([system], argon(), { ...options, seed: 7 + w }), 20);
      expect(together.walkers[w].state.positions).toEqual(alone.walkers[0].state.positions);
    }
    expect(potential.open).toBe(3);
    together.close();
    expect(potential.open).toBe(0);
  });

  it('keeps bonds to 1e-8 and counts degrees of freedom', async () => {
    const bonds = [
      [0, 1],
      [1, 2],
    ] as const;
    for (const thermostat of ['langevin', 'rescale'] as const) {
      const simulation = simulate([argonCrystal()], argon(), {
        ...{ ensemble: 'nvt', thermostat, temperature: constant(60), bonds },
      });
      const [{ state }] = simulation.walkers;
      expect(state.freedom).toBe(3 * 32 - 2 - (thermostat === 'rescale' ? 3 : 0));
      const length = ([a, b]: readonly [number, number]) =>
        Math.hypot(...[0, 1, 2].map((k) => state.positions[3 * a + k] - state.positions[3 * b + k]));
      const before = bonds.map(length);
      await run(simulation, 100);
      for (const [i, bond] of bonds.entries()) expect(Math.abs(length(bond) - before[i])).toBeLessThan(1e-8);
    }
  });

  it('constrained motion conserves energy', async () => {
    const simulation = await run(
      simulate([argonCrystal()], argon(), {
        bonds: [
          [0, 1],
          [5, 6],
          [6, 7],
        ],
        draw: 40,
        timestep: 2,
      }),
      0,
    );
    const first = simulation.observe(simulation.walkers[0]).conserved;
    await run(simulation, 300);
    expect(Math.abs(simulation.observe(simulation.walkers[0]).conserved - first)).toBeLessThan(2e-5);
  });

  it('holds fixed atoms', async () => {
    const simulation = await run(simulate([argonCrystal()], argon(), { fixed: [0, 5], draw: 60 }), 50);
    const { positions, freedom } = simulation.walkers[0].state;
    expect(freedom).toBe(90);
    expect([...positions.slice(15, 18)]).toEqual([...argonCrystal().positions.slice(15, 18)]);
    expect([...positions.slice(3, 6)]).not.toEqual([...argonCrystal().positions.slice(3, 6)]);
  });

  it('takes the temperature and the density of each walker, where it has its own', async () => {
    const options = { ensemble: 'nvt', temperature: constant(70) } as const;
    const own = { temperature: constant(20), density: { from: 1.8, to: 1.6, amplitude: 0, period: 0 } };
    const systems = [argonCrystal(), { ...argonCrystal(), ...own }];
    const together = await run(simulate(systems, argon(), { ...options, duration: 80 }), 20);
    for (const [w, mine] of [{ ...options }, { ...options, ...own }].entries()) {
      const alone = await run(simulate([argonCrystal()], argon(), { ...mine, duration: 80, seed: 7 + w }), 20);
      expect(together.walkers[w].state).toEqual(alone.walkers[0].state);
      expect(together.targets(together.walkers[w])).toEqual(alone.targets(alone.walkers[0]));
    }
    expect(together.walkers[0].state.cell).toEqual(argonCrystal().cell);
    expect(together.walkers[1].state.cell).not.toEqual(argonCrystal().cell);
    const wrong = [{ ...argonCrystal(), temperature: constant(-1) }];
    await expectError(() => simulate(wrong, argon(), options), 'E_USAGE', 'temperature is -1');
  });

  it('draws the temperature exactly and scales the cell to a density', async () => {
    const simulation = simulate([argonCrystal()], argon(), {
      ...{ ensemble: 'nvt', temperature: constant(70), density: { from: 1.8, to: 1.6, amplitude: 0, period: 0 } },
      duration: 40,
    });
    await simulation.start();
    expect(simulation.observe(simulation.walkers[0]).temperature).toBeCloseTo(70, 9);
    await run(simulation, 11);
    const [walker] = simulation.walkers;
    expect(((walker.mass / simulation.observe(walker).volume!) * 1.6605390666).toFixed(6)).toBe('1.600000');
  });

  it('takes the motion of the whole out of given velocities where a thermostat would heat it', async () => {
    const velocities = new Float64Array(96).map((_, k) => 1e-3 * (1 + (k % 5)));
    const total = (options: Partial<SimulationOptions>) => {
      const { state } = simulate([{ ...argonCrystal(), velocities }], argon(), options).walkers[0];
      return state.velocities.reduce((sum, v) => sum + v, 0);
    };
    expect(Math.abs(total({ ensemble: 'nvt', temperature: constant(40) }))).toBeLessThan(1e-15);
    const whole = velocities.reduce((sum, v) => sum + v, 0);
    expect(total({ ensemble: 'nvt', thermostat: 'langevin', temperature: constant(40) })).toBe(whole);
    expect(total({ ensemble: 'nve' })).toBe(whole);
  });

  it('stops a walker that explodes at its last good state, names the atom, and the others go on', async () => {
    let calls = 0;
    const bomb = new Analytic('bomb', ({ positions }) => {
      const isBomb = positions.length === 3 && ++calls > 5;
      return { energy: 0, forces: positions.map(() => (isBomb ? 1e6 : 0)) };
    });
    const single = { ...oscillators(1), positions: Float64Array.of(1, 2, 3) };
    const simulation = await run(simulate([single, oscillators(2)], bomb, { draw: 10 }), 20);
    const [{ failure, state }, other] = simulation.walkers;
    expect(failure?.code).toBe('E_UNSTABLE');
    expect(failure?.atom).toBe(0);
    expect(failure?.what).toMatch(/atom 0 \(C\) would move .* Å in one step of 4 fs/);
    for (const x of state.positions) expect(Math.abs(x)).toBeLessThan(5);
    expect(other.failure).toBeUndefined();
    expect(simulation.moving).toEqual([other]);
  });

  it('stops a walker whose cell collapses, with its volume', async () => {
    const crushing = new Analytic('crushing', ({ positions }) => ({
      ...{
        energy: 0,
        forces: new Float64Array(positions.length),
        virial: Float64Array.of(-1e7, 0, 0, 0, -1e7, 0, 0, 0, -1e7),
      },
    }));
    for (const cell of ['isotropic', 'triclinic'] as const) {
      const npt = { ensemble: 'npt', temperature: constant(40), cell } as const;
      const [walker] = (await run(simulate([argonCrystal()], crushing, npt), 3)).walkers;
      expect(walker.failure?.code).toBe('E_UNSTABLE');
      expect(walker.failure?.what).toMatch(/volume of the cell would go from 1158 to .* Å³ in one step/);
      expect(walker.state.cell).toEqual(argonCrystal().cell);
    }
  });

  it('a structure that the potential refuses in mid-run fails its walker only', async () => {
    let calls = 0;
    const picky = new Analytic('picky', ({ positions }) =>
      positions.length === 3 && ++calls > 3
        ? new MltsError('E_OVERLAP', 'too close', 'Move them apart.')
        : { energy: 0, forces: positions.map(() => 0) },
    );
    const simulation = await run(simulate([oscillators(1), oscillators(2)], picky, { draw: 10 }), 10);
    expect(simulation.walkers.map(({ failure }) => failure?.code)).toEqual(['E_OVERLAP', undefined]);
  });

  it('refuses what cannot be run', async () => {
    const nvt = { ensemble: 'nvt', temperature: constant(1) } as const;
    const impossible: readonly (readonly [Partial<SimulationOptions>, string])[] = [
      [{ timestep: Number.NaN }, 'timestep is NaN, must be above 0 fs'],
      [{ duration: 0 }, 'duration is 0'],
      [{ seed: 0.5 }, 'seed is 0.5'],
      [{ draw: -1 }, 'draw is -1, must be at least 0 K'],
      [{ ...nvt, temperature: { from: 300, to: 200, amplitude: -250, period: 10 } }, 'temperature is -50'],
      [{ ...nvt, temperature: constant(0) }, 'temperature is 0, must be above 0 K'],
      [{ ...nvt, density: constant(-1) }, 'density is -1'],
      [{ ...nvt, thermostatTime: 0 }, "time of the thermostat 'rescale' is 0"],
      [{ ...nvt, ensemble: 'npt', pressure: constant(Number.NaN) }, 'pressure is NaN'],
      [{ ...nvt, ensemble: 'npt', barostatTime: -1 }, 'barostatTime is -1'],
      [{ ...nvt, ensemble: 'npt', compressibility: 0 }, 'compressibility is 0'],
    ];
    for (const [options, words] of impossible) {
      await expectError(() => simulate([argonCrystal()], argon(), options), 'E_USAGE', words);
    }
    const bad = { velocities: new Float64Array(96).fill(Number.NaN, 50) };
    await expectError(() => simulate([{ ...argonCrystal(), ...bad }], argon()), 'E_USAGE');
    await expectError(() => simulate([{ ...argonCrystal(), masses: new Float64Array(32) }], argon()), 'E_USAGE');
    await expectError(() => simulate([{ ...argonCrystal(), velocities: new Float64Array(95) }], argon()), 'E_SHAPE');
    await expectError(() => simulate([argonCrystal()], argon(), { timestep: 0 }), 'E_USAGE');
    await expectError(() => simulate([argonCrystal()], argon(), { ensemble: 'nvt' }), 'E_USAGE');
    await expectError(() => simulate([argonCrystal()], argon(), { fixed: [32] }), 'E_USAGE');
    await expectError(() => simulate([argonCrystal()], argon(), { bonds: [[0, 99]] }), 'E_USAGE');
    await expectError(() => simulate([oscillators()], argon(), { ...nvt, ensemble: 'npt' }), 'E_CELL');
    await expectError(
      () => simulate([argonCrystal()], argon(), { ...nvt, ensemble: 'npt', thermostat: 'langevin' }),
      'E_USAGE',
    );
    const mtk = { ...nvt, ensemble: 'npt', barostat: 'mtk', bonds: [[0, 1]] } as const;
    await expectError(() => simulate([argonCrystal()], argon(), mtk), 'E_USAGE');
  });

  it('schedules: ramp, cycle, and the end of both', () => {
    const schedule = { from: 100, to: 300, amplitude: 50, period: 20 };
    expect(valueAt(schedule, 0, 100)).toBe(100);
    expect(valueAt(schedule, 10, 100)).toBeCloseTo(100 + 20 + 50, 12);
    expect(valueAt(schedule, 20, 100)).toBeCloseTo(140, 12);
    expect(valueAt({ ...schedule, amplitude: 0 }, 500, 100)).toBe(300);
  });
});
