import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../src/model/load.ts';
import { mlts, startServe } from '../support/mlts.ts';
import { temporaryFolder } from '../support/servers.ts';
import { readFile } from '../unit/io/files.ts';

const MODEL = join(import.meta.dirname, '../../models/default.mlts');
const WATER = '3\n\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n';
const METHANE = '5\n\nC 0 0 0\nH 0.63 0.63 0.63\nH -0.63 -0.63 0.63\nH 0.63 -0.63 -0.63\nH -0.63 0.63 -0.63\n';

function folder(files: Record<string, string> = {}): string {
  const cwd = temporaryFolder();
  const all = { 'water.xyz': WATER, 'walkers.xyz': WATER + METHANE + WATER, ...files };
  for (const [name, text] of Object.entries(all)) writeFileSync(join(cwd, name), text);
  return cwd;
}

const md = (cwd: string, ...args: string[]) => mlts(['md', ...args], {}, cwd);
const local = (cwd: string, ...args: string[]) => md(cwd, ...args, '--model', MODEL);

/** Columns of a log by name, one row a line. */
function csv(file: string): Record<string, number>[] {
  const [header, ...lines] = readFileSync(file, 'utf8').trim().split('\n');
  const names = header.split(',');
  return lines.map((line) =>
    Object.fromEntries(line.split(',').map((cell, k) => [names[k], cell === '' ? Number.NaN : Number(cell)])),
  );
}

describe('mlts md', () => {
  it('keeps the energy of one molecule and writes frames, log and last state', async () => {
    const cwd = folder();
    const args = ['water.xyz', '--ensemble', 'nve', '--velocities', '300', '--timestep', '0.25', '--steps', '200'];
    const { code, stdout, stderr } = await local(cwd, ...args, '--every', '20', '--log', '10', '--precision', 'double');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^nve: 3 atoms, 200 steps of 0.25 fs; mlts default [0-9a-f]{12}$/m);
    expect(stdout).toMatch(/step +time\/ps +T\/K/);
    expect(stdout).toMatch(/nve: 200 steps in .* ns\/day, .* % of it integrator and bookkeeping/);
    const frames = readFile(join(cwd, 'md.extxyz'));
    expect(frames.map(({ info }) => info.step)).toEqual([0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200]);
    expect(frames[3].info.time).toBe(15);
    expect(frames[3].info).toMatchObject({ model: 'default', model_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(Object.keys(frames[3].arrays)).toEqual(['velocities', 'forces', 'sigma_forces']);
    const rows = csv(join(cwd, 'md.csv'));
    expect(rows).toHaveLength(21);
    expect(rows[0].temperature_K).toBeCloseTo(300, 6);
    for (const row of rows) {
      expect(row.conserved_eV).toBeCloseTo(rows[0].conserved_eV, 3);
      expect(row.potential_eV + row.kinetic_eV).toBeCloseTo(row.conserved_eV, 9);
      expect(row.max_sigma_force_eV_A).toBeGreaterThan(0);
    }
    const [last] = readFile(join(cwd, 'md.last.extxyz'));
    expect(last.info.step).toBe(200);
    // Another run goes on from there, with those velocities.
    const next = await local(
      cwd,
      'md.last.extxyz',
      '--ensemble',
      'nve',
      '--timestep',
      '0.25',
      '--steps',
      '10',
      '--output',
      'next',
      '--log',
      '10',
      '--precision',
      'double',
    );
    expect(next.stderr).toBe('');
    expect(csv(join(cwd, 'next.csv'))[1].conserved_eV).toBeCloseTo(rows[0].conserved_eV, 3);
  });

  it('steps many walkers together as it steps each alone', async () => {
    const cwd = folder();
    const args = ['--ensemble', 'nvt', '--temperature', '400', '--steps', '60', '--log', '30', '--precision', 'double'];
    expect((await local(cwd, 'walkers.xyz', ...args, '--output', 'all')).stderr).toBe('');
    const together = csv(join(cwd, 'all.csv'));
    expect(together.map(({ step, walker }) => [step, walker])).toEqual(
      [0, 30, 60].flatMap((step) => [0, 1, 2].map((walker) => [step, walker])),
    );
    // The first walker has the seed of a run of its own.
    expect((await local(cwd, 'water.xyz', ...args, '--output', 'one')).stderr).toBe('');
    const alone = csv(join(cwd, 'one.csv'));
    for (const [i, row] of alone.entries()) expect(together[3 * i].potential_eV).toBeCloseTo(row.potential_eV, 9);
    // The same molecule twice, with different random numbers.
    expect(together[6].potential_eV).not.toBeCloseTo(together[8].potential_eV, 4);
    expect(readFile(join(cwd, 'all.last.extxyz')).map(({ info }) => info.walker)).toEqual([0, 1, 2]);
  });

  it('gives the same through a server, bit for bit', async () => {
    const cwd = folder();
    const { endpoints } = await startServe([MODEL]);
    const box = ['--build', 'diamond:C:3.57', '--ensemble', 'npt', '--temperature', '300', '--pressure', '1GPa'];
    for (const [name, args] of [
      ['one', [...box, '--steps', '40', '--log', '5', '--every', '10', '--checkpoint', '20']],
      ['many', ['walkers.xyz', '--ensemble', 'nvt', '--temperature', '300', '--steps', '20', '--log', '5']],
    ] as const) {
      expect((await local(cwd, ...args, '--output', `${name}-here`)).stderr).toBe('');
      expect((await md(cwd, ...args, '--output', `${name}-there`, '--connect', endpoints[0])).stderr).toBe('');
      for (const file of ['csv', 'extxyz', 'last.extxyz']) {
        const [here, there] = ['here', 'there'].map((where) =>
          readFileSync(join(cwd, `${name}-${where}.${file}`), 'utf8'),
        );
        expect(there).toBe(here);
      }
    }
  });

  it('writes dumps and DCD files, one a walker', async () => {
    const cwd = folder();
    const args = ['walkers.xyz', '--ensemble', 'nvt', '--temperature', '300', '--steps', '20', '--every', '10'];
    expect((await local(cwd, ...args, '--format', 'dump', '--output', 'a')).stderr).toBe('');
    expect((await local(cwd, ...args, '--format', 'dcd', '--output', 'b')).stderr).toBe('');
    const files = readdirSync(cwd).filter((name) => /\.(dump|dcd)$/.test(name));
    expect(files.sort()).toEqual(['a.0.dump', 'a.1.dump', 'a.2.dump', 'b.0.dcd', 'b.1.dcd', 'b.2.dcd']);
    expect(readFile(join(cwd, 'a.1.dump')).map(({ numbers, info }) => [numbers.length, info.step])).toEqual([
      [5, 0],
      [5, 10],
      [5, 20],
    ]);
  });

  it('runs the stages of a file, each with files of its own', async () => {
    const input = `
model: ${MODEL}
build: diamond:C:3.7
output: run
stages:
  - relax: {cell: isotropic, fmax: 0.05}
  - npt: {temperature: 100:300, pressure: 1bar, timestep: 1, steps: 60, log: 20, every: 20}
  - nvt: {temperature: 300, timestep: 1, time: 40fs, log: 20, every: 20, thermostat: langevin}
`;
    const cwd = folder({ 'run.yaml': input });
    const { code, stderr } = await md(cwd, '--input', 'run.yaml');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [relaxed] = readFile(join(cwd, 'run.relax.extxyz'));
    expect(relaxed.cell![0]).not.toBeCloseTo(3.7, 3);
    const [heating, holding] = ['npt', 'nvt'].map((stage) => csv(join(cwd, `run.${stage}.csv`)));
    expect(heating[0].volume_A3).toBeCloseTo(relaxed.cell![0] ** 3, 6);
    expect(heating[0].temperature_K).toBeCloseTo(100, 6);
    // A stage begins where the one before ended: positions, cell and velocities.
    expect(holding[0].volume_A3).toBe(heating.at(-1)!.volume_A3);
    expect(holding[0].kinetic_eV).toBe(heating.at(-1)!.kinetic_eV);
    expect(holding.at(-1)).toMatchObject({ step: 40, time_fs: 40 });
  });

  it('ends a walker on a condition and saves its frame; the others go on', async () => {
    const cwd = folder();
    const args = [
      'walkers.xyz',
      '--ensemble',
      'nvt',
      '--temperature',
      '300:3000',
      '--thermostat-time',
      '20fs',
      '--steps',
      '300',
    ];
    const { code, stderr } = await local(
      cwd,
      ...args,
      '--log',
      '50',
      '--stop',
      'temperature > 2500',
      '--dump',
      'max_sigma_force > 0.05',
    );
    expect(code).toBe(0);
    const events = readFile(join(cwd, 'md.events.extxyz'));
    const stops = events.filter(({ info }) => String(info.event).includes('temperature'));
    const dumps = events.filter(({ info }) => String(info.event).includes('max_sigma_force'));
    expect(stops.length).toBeGreaterThan(0);
    expect(dumps.length).toBeGreaterThan(0);
    expect(stderr).toContain(`nvt: ${stops[0].info.event}\n`);
    const { walker, step } = stops[0].info as { walker: number; step: number };
    const rows = csv(join(cwd, 'md.csv')).filter((row) => row.walker === walker);
    expect(rows.at(-1)!.step).toBeLessThan(step);
    for (const { arrays } of dumps) {
      const sigma = arrays.sigma_forces as { data: Float64Array };
      expect(Math.max(...sigma.data)).toBeGreaterThan(0.05);
    }
    // Its last state is the frame that ended it.
    expect(readFile(join(cwd, 'md.last.extxyz'))[walker].positions).toEqual(stops[0].positions);
  });

  it('knows the calibration of a model here and of one behind a server', async () => {
    const cwd = folder();
    const { endpoints } = await startServe([MODEL]);
    const args = ['water.xyz', '--ensemble', 'nvt', '--temperature', '300', '--steps', '20'];
    const stop = ['--stop', 'max_sigma_force > 0.0001 calibrated'];
    expect((await local(cwd, ...args, ...stop, '--output', 'here')).code).toBe(0);
    expect((await md(cwd, ...args, ...stop, '--output', 'there', '--connect', endpoints[0])).code).toBe(0);
    const [here, there] = ['here', 'there'].map((name) => readFile(join(cwd, `${name}.events.extxyz`))[0]);
    const told = /max_sigma_force is ([\d.]+) calibrated \(atom \d, [HO]\), > 0.0001$/.exec(String(here.info.event));
    const sigma = Math.max(...(here.arrays.sigma_forces as { data: Float64Array }).data);
    const { calibration } = await loadModel(MODEL);
    expect(Number(told?.[1]) / (calibration!.sigmaForce * sigma)).toBeCloseTo(1, 3);
    expect(there.info.event).toBe(here.info.event);
  });

  it('ends where nothing moves any more, and starts no further stage', async () => {
    const stages = 'stages:\n  - nvt: {temperature: 300, steps: 100, stop: temperature > 1}\n  - nve: {steps: 5}\n';
    const cwd = folder({ 'run.yaml': `structure: water.xyz\nmodel: ${MODEL}\n${stages}` });
    const { code, stderr } = await md(cwd, '--input', 'run.yaml');
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^nvt: step 1: temperature is .*, > 1; the last state is in md.last.extxyz\n$/),
    });
    expect(existsSync(join(cwd, 'md.nve.csv'))).toBe(false);
  });

  it('that explodes keeps its last good frame and says why', async () => {
    const cwd = folder();
    const { code, stderr } = await local(
      cwd,
      'water.xyz',
      '--ensemble',
      'nve',
      '--velocities',
      '1e6',
      '--timestep',
      '2',
      '--steps',
      '50',
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^E_(UNSTABLE|OVERLAP): /);
    const [event] = readFile(join(cwd, 'md.events.extxyz'));
    const [last] = readFile(join(cwd, 'md.last.extxyz'));
    expect(last.positions).toEqual(event.positions);
    expect([...last.positions].every(Number.isFinite)).toBe(true);
  });

  it('writes JSON Lines for programs', async () => {
    const cwd = folder();
    const { stdout } = await local(
      cwd,
      'water.xyz',
      '--ensemble',
      'nvt',
      '--temperature',
      '300',
      '--steps',
      '10',
      '--log',
      '5',
      '--json',
    );
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.map(({ stage, step }) => [stage, step])).toEqual([
      ['nvt', 0],
      ['nvt', 5],
      ['nvt', 10],
    ]);
  });
});
