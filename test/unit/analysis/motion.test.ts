import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFrames } from '../../../src/analysis/frames.ts';
import { MeanSquareDisplacement } from '../../../src/analysis/msd.ts';
import { VelocityCorrelation } from '../../../src/analysis/vacf.ts';
import { parseFrameIndex } from '../../../src/io/slice.ts';
import { expectClose } from '../../support/close.ts';
import { expectError } from '../../support/expect-error.ts';
import { lammps, python } from '../../support/python.ts';
import { randomNumbers } from '../../support/systems.ts';
import { cube, frameOf, normal, randomWalk } from '../../support/trajectories.ts';
import { temporaryFolder } from '../io/files.ts';

describe('mean-square displacement', () => {
  it('of a random walk gives its diffusion coefficient, through the walls of the cell', () => {
    const [atoms, diffusion] = [80, 2e-3];
    const msd = new MeanSquareDisplacement({ window: 400 });
    for (const frame of randomWalk(atoms, 1500, diffusion, 10)) msd.add(frame);
    const { species, lag } = msd.result();
    const [{ diffusion: got, exponent, displacement, number }] = species;
    expect(number).toBe(18);
    expect(lag.at(-1)).toBe(400);
    // The centre of mass of N walkers diffuses with D/N, which is taken off.
    const want = diffusion * (1 - 1 / atoms);
    expect(Math.abs(got.mean - want)).toBeLessThan(4 * got.error);
    expect(got.error).toBeLessThan(0.05 * want);
    expect(exponent).toBeCloseTo(1, 1);
    expectClose([displacement[1] / (6 * want * 10)], [1], 0.02, 'one step');
  });

  it('and velocity correlation agree with LAMMPS compute msd and compute vacf', () => {
    const folder = temporaryFolder();
    const log = lammps(
      `units metal
lattice fcc 5.6
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 39.95
pair_style lj/cut 8
pair_coeff * * 0.0104 3.4
velocity all create 500 4928 mom yes
timestep 0.004
fix 1 all nvt temp 300 300 0.4
run 500
reset_timestep 0
compute m all msd com yes
compute v all vacf
thermo_style custom step c_m[4] c_v[4]
thermo_modify format float %.12g
thermo 50
dump d all custom 50 run.dump id type mass x y z vx vy vz
dump_modify d time yes units yes format float %20.15g
run 300`,
      folder,
    );
    const rows = log
      .slice(log.lastIndexOf('c_m[4]'))
      .split('\n')
      .slice(1, 8)
      .map((text) => text.trim().split(/\s+/).map(Number));
    expect(rows.map(([step]) => step)).toEqual([0, 50, 100, 150, 200, 250, 300]);
    for (const last of [1, 3, 6]) {
      // Frames 0 and `last` alone: one origin, as LAMMPS has.
      const msd = new MeanSquareDisplacement();
      const vacf = new VelocityCorrelation();
      for (const frame of readFrames(join(folder, 'run.dump'), { index: parseFrameIndex(`0:${last + 1}:${last}`) })) {
        msd.add(frame);
        vacf.add(frame);
      }
      expectClose([msd.result().species[0].displacement[1]], [rows[last][1]], 1e-9, 'msd', 1e-9);
      const { normalised, initial } = vacf.result().correlations[1];
      // (Å/ps)² in LAMMPS.
      expectClose([1e6 * initial * normalised[1]], [rows[last][2]], 1e-9, 'vacf');
    }
  });

  it('averages over all origins as numpy does', () => {
    const frames = [...randomWalk(7, 30, 1e-3, 1)];
    const msd = new MeanSquareDisplacement();
    for (const frame of frames) msd.add(frame);
    const want = python<number[]>(
      `import numpy as np
x = np.array(given["x"]).reshape(30, 7, 3)
d = np.diff(x, axis=0)
d -= 12 * np.round(d / 12)
x = np.concatenate([x[:1], x[0] + np.cumsum(d, axis=0)])
x -= x.mean(axis=1, keepdims=True)
result = [float(((x[t:] - x[: 30 - t]) ** 2).sum(-1).mean()) for t in range(16)]`,
      { x: frames.flatMap(({ positions }) => [...positions]) },
    );
    expectClose(msd.result().species[0].displacement, want, 1e-9, 'msd');
  });

  it('of free flight is v²t²: not diffusive, and said so', () => {
    const msd = new MeanSquareDisplacement();
    for (let t = 0; t < 40; t++) {
      const x = 0.3 * t;
      msd.add(frameOf([18, 18], [x, 0, 0, 5 - x, 0, 0], cube(100), t));
    }
    const [{ exponent, displacement }] = msd.result().species;
    expect(exponent).toBeCloseTo(2, 6);
    expect(displacement[10]).toBeCloseTo(9, 9);
  });

  it('refuses uneven and unknown times', async () => {
    const at = (time: number) => frameOf([18], [0, 0, 0], cube(5), time);
    const fed = (...times: number[]) => {
      const msd = new MeanSquareDisplacement();
      for (const time of times) msd.add(at(time));
      return msd.result();
    };
    await expectError(() => fed(0, 1, 3), 'E_USAGE', '1 fs apart and then 2 fs');
    await expectError(() => fed(Number.NaN), 'E_USAGE', 'do not say their time');
    await expectError(() => fed(0), 'E_EMPTY', 'one frame');
  });
});

describe('velocity correlation', () => {
  it('of oscillators: a cosine, and a spectrum with peaks at their frequencies and area 1', () => {
    const random = randomNumbers(2);
    const [heavy, light] = [5, 12]; // THz
    const atoms = 200;
    const phases = Float64Array.from({ length: 3 * atoms }, () => 2 * Math.PI * random());
    const sizes = Float64Array.from({ length: 3 * atoms }, () => 0.01 * normal(random));
    const vacf = new VelocityCorrelation({ window: 2000 });
    for (let t = 0; t < 600; t++) {
      const time = 5 * t;
      const velocities = phases.map((phase, k) => {
        const frequency = Math.floor(k / 3) % 2 === 0 ? heavy : light;
        return sizes[k] * Math.cos((2 * Math.PI * frequency * time) / 1000 + phase);
      });
      vacf.add(
        frameOf(
          Int32Array.from({ length: atoms }, (_, i) => (i % 2 === 0 ? 18 : 1)),
          phases,
          cube(50),
          time,
          velocities,
        ),
      );
    }
    const { correlations, frequency, lag } = vacf.result();
    expect(correlations.map(({ number }) => number)).toEqual([undefined, 1, 18]);
    const [all, hydrogen, argon] = correlations;
    for (let k = 0; k < lag.length; k += 7) {
      expect(Math.abs(argon.normalised[k] - Math.cos((2 * Math.PI * heavy * lag[k]) / 1000))).toBeLessThan(0.1);
    }
    const peak = (spectrum: Float64Array) => frequency[spectrum.indexOf(Math.max(...spectrum))];
    expect(peak(hydrogen.spectrum)).toBeCloseTo(light, 0);
    expect(peak(argon.spectrum)).toBeCloseTo(heavy, 0);
    // Argon has forty times the mass.
    expect(peak(all.spectrum)).toBeCloseTo(heavy, 0);
    for (const { spectrum } of correlations) {
      const area = spectrum.reduce((sum, value) => sum + value, 0) * frequency[1];
      expect(area).toBeCloseTo(1, 1);
    }
  });

  it('of Langevin motion gives D = kT/(mγ) by Green and Kubo', () => {
    const random = randomNumbers(8);
    const [gamma, interval, speed, atoms] = [0.02, 5, 0.004, 300];
    const keep = Math.exp(-gamma * interval);
    const v = Float64Array.from({ length: 3 * atoms }, () => speed * normal(random));
    const vacf = new VelocityCorrelation({ window: 500 });
    const positions = new Float64Array(3 * atoms);
    for (let t = 0; t < 1000; t++) {
      vacf.add(frameOf(new Int32Array(atoms).fill(18), positions, cube(9), t * interval, v.slice()));
      for (let k = 0; k < v.length; k++) v[k] = keep * v[k] + speed * Math.sqrt(1 - keep * keep) * normal(random);
    }
    const { diffusion } = vacf.result().correlations[1];
    // Trapezoids of the exponential instead of its integral: +(γΔt)²/12.
    const want = (speed * speed) / gamma;
    expect(Math.abs(diffusion!.mean - want)).toBeLessThan(4 * diffusion!.error + 0.01 * want);
    expect(diffusion!.error).toBeLessThan(0.1 * want);
  });

  it('needs velocities', async () => {
    await expectError(
      () => new VelocityCorrelation().add(frameOf([18], [0, 0, 0], cube(5))),
      'E_FILE',
      'no velocities',
    );
  });
});
