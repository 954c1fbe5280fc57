import { describe, expect, it } from 'vitest';
import { fromFlags, parseYaml } from '../../../src/dynamics/input/input.ts';
import { parseRun } from '../../../src/dynamics/input/parse.ts';
import { duration, pressure } from '../../../src/dynamics/input/rules.ts';
import type { DynamicsStage } from '../../../src/dynamics/input/stages.ts';
import { EV_PER_ANGSTROM3_IN_GPA } from '../../../src/units.ts';
import { errorOf, expectError } from '../../support/expect-error.ts';

const HEAD = 'model: al\nbuild: fcc:Al:4.05\nstages:\n';
const parsed = (text: string) => parseRun(parseYaml(text, 'run.yaml'));
const stage = (text: string) => parsed(`${HEAD}  - ${text}`).stages[0] as DynamicsStage;

describe('a file of stages', () => {
  it('is read with its defaults', () => {
    const run = parsed(`
model: ani-al
structure: al.xyz
repeat: [2, 2, 3]
output: melt
stages:
  - relax:
  - npt: {temperature: 300:1000, pressure: 2GPa, time: 10ps, timestep: 2, cell: triclinic, fix: 0-2, stop: max_sigma_force > 0.5}
  - nvt: {temperature: {from: 900, amplitude: 100, period: 2ps}, steps: 10, bonds: [0-1, 2-3], name: hold}
  - nvt: {temperature: 10, steps: 5, thermostat: langevin, thermostat_time: 50fs, dump: [rho > 0.1 calibrated, min_distance < 1]}
  - nve: {time: 1ns, velocities: 100}
  - analyse: rdf {hold} --rmax 6
`);
    expect(run).toMatchObject({
      index: ':',
      seed: 1,
      format: 'extxyz',
      precision: 'single',
      checkpoint: 1000,
      repeat: [2, 2, 3],
    });
    expect(run.stages.map(({ name }) => name)).toEqual(['relax', 'npt', 'hold', 'nvt', 'nve', 'analyse']);
    expect(run.stages[1]).toMatchObject({
      ...{ ensemble: 'npt', timestep: 2, duration: { time: 10_000 }, cell: 'triclinic', fixed: [0, 1, 2] },
      temperature: { from: 300, to: 1000, amplitude: 0, period: 0 },
      stop: [{ quantity: 'max_sigma_force', sense: '>', bound: 0.5 }],
    });
    const { pressure: target } = run.stages[1] as DynamicsStage;
    expect(target.from * EV_PER_ANGSTROM3_IN_GPA).toBeCloseTo(2, 12);
    expect(run.stages[2]).toMatchObject({
      ...{ temperature: { from: 900, to: 900, amplitude: 100, period: 2000 }, duration: { steps: 10 } },
      bonds: [
        [0, 1],
        [2, 3],
      ],
    });
    expect(run.stages[3]).toMatchObject({ thermostat: 'langevin', thermostatTime: 50 });
    expect((run.stages[3] as DynamicsStage).dump).toEqual([
      { quantity: 'rho', sense: '>', bound: 0.1, calibrated: true },
      { quantity: 'min_distance', sense: '<', bound: 1 },
    ]);
    expect(run.stages[5]).toMatchObject({ kind: 'analyse', arguments: ['rdf', '{hold}', '--rmax', '6'] });
  });

  it.each([
    ['npt: {temprature: 300}', "run.yaml:4:11: 'temprature' is no setting of npt", "Did you mean 'temperature'?"],
    ['nvt: {temperature: -3, time: 1ps}', "run.yaml:4:11: 'temperature' is '-3', must be a number of at least 0"],
    ['nvt: {temperature: 0, time: 1ps}', "run.yaml:4:5: 'nvt': the temperature of nvt reaches 0 K"],
    ['nvt: {temperature: .nan, time: 1ps}', "'temperature' is 'NaN'"],
    ['nvt: {temperature: 2e7, time: 1ps}', 'at most 1000000 in K'],
    [
      'nvt: {temperature: 300, time: 1ps, timestep: 0}',
      "'timestep' is '0', must be a number above 0 and of at most 20 in fs",
    ],
    ['nvt: {temperature: 300, time: 1ps, timestep: 50}', "'timestep' is '50'"],
    ['nvt: {temperature: 300, time: 10 parsec}', "'time' is '10 parsec', must be a time like 500fs"],
    ['nvt: {temperature: 300, time: -1ps}', "'time' is '-1ps', must be a time above 0"],
    ['nvt: {temperature: 300}', "run.yaml:4:5: 'nvt' must say how long it runs"],
    ['nvt: {temperature: 300, steps: 3, time: 1ps}', 'one of steps and time, not both'],
    ['nvt: {time: 1ps}', "'nvt' must say a temperature"],
    ['nvt: {temperature: 300:400:5, time: 1ps}', 'must be a value, from:to, or from:to:amplitude:period'],
    ['nvt: {temperature: {from: 3, amplitude: 4}, time: 1ps}', 'a cycle with amplitude and period'],
    ['nvt: {temperature: 300, pressure: 3GPa, time: 1ps}', "'pressure' is no setting of nvt"],
    ['npt: {temperature: 300, time: 1ps}', "'npt' must say a pressure"],
    ['npt: {temperature: 300, pressure: 3, time: 1ps}', "'pressure' is '3', must be a pressure with its unit"],
    ['npt: {temperature: 300, pressure: 1e9GPa, time: 1ps}', 'within ±10000 GPa'],
    ['nvt: {temperature: 300, thermostat: langvin, time: 1ps}', "(did you mean 'langevin'?)"],
    ['nvt: {temperature: 300, time: 1ps, stop: max_sigma_fore > 3}', "(did you mean 'max_sigma_force'?)"],
    [
      'nvt: {temperature: 300, time: 1ps, stop: min_distance < 1 calibrated}',
      "must be without 'calibrated', for min_distance is no uncertainty",
    ],
    ['nvt: {temperature: 300, time: 1ps, stop: hot}', "must be a condition like 'max_sigma_force > 0.5'"],
    ['nvt: {temperature: 300, time: 1ps, every: 0}', "'every' is '0', must be a whole number from 1"],
    ['nvt: {temperature: 300, time: 1ps, fix: 3-1}', 'atoms by number from 0'],
    ['nwt: {time: 1ps}', "run.yaml:4:5: 'nwt' is no stage", "Did you mean 'nvt'?"],
    ['nvt', 'must be one stage, relax:'],
    ['relax: {name: "a b"}', "is called 'a b'"],
  ])('%s is refused with its place', async (text, what, remedy = '') => {
    const error = await errorOf(() => stage(text), 'E_USAGE', what);
    expect(error.remedy).toContain(remedy);
  });

  it.each([
    ['stages: [relax: ]', 'with which atoms'],
    ['build: fcc:Al:4\nstages: [relax: ]', 'what computes'],
    ['build: fcc:Al:4\nstructure: x\nmodel: y\nstages: [relax: ]', 'one of structure and build'],
    ['model: al\nbuild: x', 'what to do'],
    ['mdel: al', "run.yaml:1:1: 'mdel' is no setting of a run"],
    ['model: [al', 'run.yaml:1:'],
    ['- relax', 'run.yaml is a list, must be settings'],
    ['', 'run.yaml is empty, must be settings'],
  ])('%j is refused', async (text, what) => {
    await expectError(() => parsed(text), 'E_USAGE', what);
  });
});

it('options of the command line are named in messages as they were given', async () => {
  const flags = (stageFlags: object) => {
    const fields = fromFlags({ ...stageFlags }).fields ?? [];
    const items = [
      {
        place: '--ensemble nvt',
        fields: [{ name: 'nvt', place: '--ensemble nvt', input: { place: '--ensemble nvt', fields } }],
      },
    ];
    const own = fromFlags({ model: 'al', structure: 'x.xyz' }).fields ?? [];
    return parseRun({
      place: 'the command line',
      fields: [...own, { name: 'stages', place: '', input: { place: '', items } }],
    });
  };
  expect(flags({ temperature: '300', steps: '5', thermostat_time: '1ps' }).stages[0]).toMatchObject({
    thermostatTime: 1000,
  });
  await expectError(() => flags({ temperature: 'hot', steps: '5' }), 'E_USAGE', "--temperature is 'hot'");
  await expectError(
    () => flags({ temperature: '300', steps: '5', thermostat_time: '-1' }),
    'E_USAGE',
    '--thermostat-time is',
  );
});

it.each([
  ['1bar', 1e-4],
  ['2.5 GPa', 2.5],
  ['-10kbar', -1],
  ['0.01eV/A3', 1.602176634],
  ['1atm', 1.01325e-4],
  [0, 0],
  ['0', 0],
])('%s is a pressure', (scalar, gpa) => {
  expect(pressure({ place: 'p', scalar }) * EV_PER_ANGSTROM3_IN_GPA).toBeCloseTo(gpa, 10);
});

it.each([
  ['500fs', 500],
  ['10 ps', 10_000],
  [1.5, 1.5],
  ['1e-3ns', 1000],
])('%s is a time', (scalar, fs) => {
  expect(duration({ place: 't', scalar })).toBeCloseTo(fs, 10);
});
