/** A campaign that runs a deck of LAMMPS, follows a path, and takes up what a daemon with its model has harvested. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Entry } from '../../src/active/journal.ts';
import { Client } from '../../src/client/client.ts';
import { formatExtxyz } from '../../src/io/extxyz.ts';
import { readStructures } from '../../src/io/read.ts';
import { parseFrameIndex } from '../../src/io/slice.ts';
import type { Structure } from '../../src/io/structure.ts';
import { mlts, startServe } from '../support/mlts.ts';
import { temporaryFolder } from '../support/servers.ts';
import { randomNumbers } from '../support/systems.ts';

const CONFIG = `
name: al
rounds: 1
samplers:
  - {kind: disorder, composition: {Al: [8, 12]}, density: [2.3, 3.0], min_distance: 2.2, smallest_box: 5, count: 14}
  - {kind: lammps, deck: decks/in.melt, runs: 2, count: 5, seconds: 60}
  - {kind: paths, between: [[fcc.xyz, bcc.xyz]], images: 3, steps: 20, count: 1}
  - {kind: harvest, folder: doubt}
limits: {min_distance: 1.6}
label:
  engine:
    {kind: lammps, commands: [pair_style eam/alloy, pair_coeff * * Al_zhou.eam.alloy Al], elements: [Al], level: EAM}
select: {count: 60, first: 10, forces: {sigma: 0.0001}}
publish: served.mlts
training:
  members: 2
  threads: 1
  epochs: 6
  batch: 4
  optimiser: {learning_rate: 0.003}
  model:
    radial: {cutoff: 5, eta: 4, shifts: 12}
    angular: {cutoff: 4, eta: 2, zeta: 8, shifts: 3, sections: 4}
    layers: [32, 24]
`;

const DECK = `
units           metal
newton          on
lattice         fcc 4.05
region          box block 0 2 0 2 0 2
create_box      1 box
create_atoms    1 box
mass            1 26.98
pair_style      mlts \${endpoint} model \${model}
pair_coeff      * * Al
compute         u all pair mlts
variable        certain equal c_u[1]<\${threshold}
variable        T equal random(300,1500,\${seed})
velocity        all create $T \${seed}
fix             1 all nve
timestep        0.002
dump            doubt all custom 10 \${dump} id element x y z
dump_modify     doubt element Al sort id skip v_certain
thermo          10
thermo_style    custom step temp c_u[1]
run             100
`;

/** Two atoms in a tetragonal cell of 16.6 Å³ an atom, repeated: fcc where c/a is √2, bcc where it is 1. */
function tetragonal(ratio: number): Structure {
  const a = ((2 * 16.6) / ratio) ** (1 / 3);
  const edges = [a, a, a * ratio];
  const positions: number[] = [];
  for (let cell = 0; cell < 8; cell++) {
    for (const shift of [0, 0.5]) positions.push(...edges.map((edge, axis) => (((cell >> axis) & 1) + shift) * edge));
  }
  return {
    ...{ numbers: new Int32Array(16).fill(13), positions: Float64Array.from(positions), pbc: [true, true, true] },
    ...{ cell: Float64Array.of(2 * a, 0, 0, 0, 2 * a, 0, 0, 0, 2 * a * ratio), info: {}, arrays: {} },
  };
}

it('a campaign learns from a deck, a path and its own users', { timeout: 120_000 }, async () => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, 'decks'));
  mkdirSync(join(cwd, 'doubt'));
  writeFileSync(join(cwd, 'decks/in.melt'), DECK);
  writeFileSync(join(cwd, 'fcc.xyz'), formatExtxyz(tetragonal(Math.SQRT2)));
  writeFileSync(join(cwd, 'bcc.xyz'), formatExtxyz(tetragonal(1)));
  writeFileSync(join(cwd, 'al.yaml'), CONFIG);
  const learn = async (...more: string[]) => {
    const { code, stderr } = await mlts(['learn', 'al.yaml', ...more], {}, cwd);
    expect(`${code} ${stderr}`).toBe('0 ');
  };
  const counts = (round: number) =>
    readFileSync(join(cwd, 'al/journal.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Entry)
      .find((entry) => entry.round === round && entry.stage === 'propose')!.counts;
  await learn();
  // What needs a model was left out.
  expect(counts(0)).toEqual(expect.objectContaining({ disorder: 14, harvest: 0 }));
  expect(counts(0)).not.toHaveProperty('lammps');

  const served = join(cwd, 'served.mlts');
  const daemon = await startServe([served, '--harvest', join(cwd, 'doubt'), '--harvest-above', '1e-6']);
  const client = await Client.connect(daemon.endpoints[0]);
  onTestFinished(() => client.close());
  const random = randomNumbers(3);
  const { numbers, positions, cell, pbc } = tetragonal(1.2);
  const users = Array.from({ length: 4 }, () => ({
    ...{ numbers, cell, pbc },
    positions: positions.map((x) => x + 0.3 * random()),
  }));
  await client.evaluateMany(users);
  daemon.process.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);

  writeFileSync(join(cwd, 'al.yaml'), CONFIG.replace('rounds: 1', 'rounds: 2'));
  await learn('--resume');
  expect(counts(1)).toMatchObject({ disorder: 14, lammps: 10, harvest: 4 });
  expect(counts(1).paths + (counts(1)['paths: certain'] ?? 0)).toBe(10);
  const read = (file: string) => [...readStructures(join(cwd, 'al/round-0001', file), parseFrameIndex(':'))];
  const selected = read('selected.extxyz').map(({ frame }) => frame);
  const from = new Set(selected.map(({ info }) => info.sampler));
  for (const sampler of ['lammps', 'paths', 'harvest']) expect(from).toContain(sampler);
  // The same atoms as the client sent.
  const harvested = selected.find(({ info }) => info.sampler === 'harvest')!;
  expect(users.some((one) => one.positions.every((x, k) => x === harvested.positions[k]))).toBe(true);
});
