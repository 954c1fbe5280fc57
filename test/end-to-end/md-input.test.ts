import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mlts } from '../support/mlts.ts';
import { temporaryFolder } from '../support/servers.ts';

const MODEL = join(import.meta.dirname, '../../models/default.mlts');
const FILES = {
  'water.xyz': '3\n\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n',
  'close.xyz': '2\n\nH 0 0 0\nH 0 0 0.3\n',
  'gold.xyz': '1\n\nAu 0 0 0\n',
  'flat.xyz': '1\nLattice="9 0 0 0 9 0 9 9 0" pbc="T T T"\nC 0 0 0\n',
  'two.xyz': '1\n\nC 0 0 0\n2\n\nH 0 0 0\nH 0 0 0.3\n',
  'bad.yaml': 'structure: water.xyz\nmodel: m\nstages:\n  - nvt:\n      temprature: 300\n      steps: 10\n',
};
const NVT = ['--ensemble', 'nvt', '--temperature', '300', '--steps', '5'];
const NPT = ['--ensemble', 'npt', '--temperature', '300', '--steps', '5'];

const run = async (...args: string[]) => {
  const cwd = temporaryFolder();
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(cwd, name), text);
  const ended = await mlts(['md', ...args, '--model', MODEL], {}, cwd);
  const left = readdirSync(cwd).filter((name) => !(name in FILES));
  return { ...ended, left };
};

describe('what bad input gets', () => {
  it.each([
    ['no ensemble', ['water.xyz'], 2, /^E_USAGE: no ensemble is given/],
    ['no structure', NVT, 2, /^E_USAGE: .* must say with which atoms. Give it FILE or --build.$/m],
    [
      'two structures',
      ['water.xyz', '--build', 'fcc:C:3', ...NVT],
      2,
      /^E_USAGE: .* one of structure and build, not both/,
    ],
    [
      'no temperature',
      ['water.xyz', '--ensemble', 'npt', '--pressure', '0', '--steps', '5'],
      2,
      /^E_USAGE: --ensemble npt must say a temperature. Give it --temperature.$/m,
    ],
    ['no length', ['water.xyz', ...NVT.slice(0, 4)], 2, /Give it --steps or --time.$/m],
    ['a missing file', ['none.xyz', ...NVT], 1, /^E_FILE: none.xyz/],
    [
      'an impossible temperature',
      ['water.xyz', '--ensemble', 'nvt', '--temperature', '-300', '--steps', '5'],
      2,
      /^E_USAGE: --temperature is '-300'/,
    ],
    [
      'an impossible timestep',
      ['water.xyz', ...NVT, '--timestep', '1000'],
      2,
      /^E_USAGE: --timestep is '1000', must be .* at most 20 in fs/,
    ],
    [
      'a pressure without unit',
      ['--build', 'diamond:C:3.6', ...NPT, '--pressure', '1'],
      2,
      /^E_USAGE: --pressure is '1', must be a pressure with its unit/,
    ],
    [
      'an impossible pressure',
      ['--build', 'diamond:C:3.6', ...NPT, '--pressure', '1e7GPa'],
      2,
      /^E_USAGE: --pressure .* within ±10000 GPa/,
    ],
    [
      'an unknown option',
      ['water.xyz', ...NVT, '--temprature', '300'],
      2,
      /^E_USAGE: unknown option '--temprature'. Did you mean --temperature/,
    ],
    [
      'an unknown key of a stage',
      ['--input', 'bad.yaml'],
      2,
      /^E_USAGE: bad.yaml:5:7: 'temprature' is no setting of nvt. Did you mean 'temperature'/,
    ],
    [
      'a stage option beside a file',
      ['--input', 'bad.yaml', '--steps', '4'],
      2,
      /^E_USAGE: --steps is given beside --input/,
    ],
    ['atoms that overlap', ['close.xyz', ...NVT], 1, /^E_OVERLAP: atoms 0 and 1 are 0.3000 Å apart/],
    ['one walker of two that overlap', ['two.xyz', ...NVT], 1, /^E_OVERLAP: walker 1, atoms 0 and 1/],
    ['an element that the model lacks', ['gold.xyz', ...NVT], 1, /^E_SPECIES: Au \(atom 0\)/],
    ['a cell without volume', ['flat.xyz', ...NVT], 1, /^E_CELL/],
    ['npt without a cell', ['water.xyz', ...NPT, '--pressure', '0'], 1, /^E_CELL: npt needs a cell/],
    [
      'nve without velocities',
      ['water.xyz', '--ensemble', 'nve', '--steps', '5'],
      2,
      /^E_USAGE: nve: the structure has no velocities/,
    ],
    [
      'an atom to fix that is none',
      ['water.xyz', ...NVT, '--fix', '7'],
      2,
      /^E_USAGE: atom 7 is to be fixed, there are atoms 0 to 2/,
    ],
    ['a bond of one atom', ['water.xyz', ...NVT, '--bonds', '0-3'], 2, /^E_USAGE: a bond of atoms 0 and 3 of 3/],
    [
      'a condition on nothing',
      ['water.xyz', ...NVT, '--stop', 'sigma > 3'],
      2,
      /^E_USAGE: --stop is 'sigma > 3', must be of max_sigma_force/,
    ],
    [
      'a format that is none',
      ['water.xyz', ...NVT, '--format', 'xtc'],
      2,
      /^E_USAGE: --format is 'xtc', must be one of extxyz, dump, dcd/,
    ],
    [
      'frames that are none',
      ['water.xyz', '--index', '5:', ...NVT],
      1,
      /^E_EMPTY: no structures in water.xyz at index 5:/,
    ],
    ['a folder that is none', ['water.xyz', ...NVT, '--output', 'none/run'], 1, /^E_DISK: none\/run/],
  ] as const)('%s', async (_, args, code, message) => {
    const ended = await run(...args);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr.trim().split('\n')).toHaveLength(1);
    expect({ code: ended.code, left: ended.left }).toEqual({ code, left: [] });
  });

  it.each([
    ['relax: {fix: 9}', /^E_USAGE: atom 9 is to be fixed, there are atoms 0 to 2/],
    ['relax: {cell: isotropic}', /^E_CELL: the cell cannot relax/],
    ['npt: {temperature: 300, pressure: 0, steps: 5}', /^E_CELL: npt needs a cell/],
    ['nvt: {temperature: 300, steps: 5, bonds: [0-3]}', /^E_USAGE: a bond of atoms 0 and 3 of 3/],
    ['analyse: rfd {nvt}', /^E_USAGE: analyse: there is no 'rfd'. Did you mean 'rdf'/],
    ['analyse: rdf {nvtt}', /^E_USAGE: run.yaml:5:5: 'analyse' reads the stage 'nvtt'. The stages before it are nvt/],
  ])('a last stage that cannot be done is refused before the first: %s', async (last, message) => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'water.xyz'), FILES['water.xyz']);
    const stages = `stages:\n  - nvt: {temperature: 300, steps: 5}\n  - ${last}\n`;
    writeFileSync(join(cwd, 'run.yaml'), `structure: water.xyz\nmodel: ${MODEL}\n${stages}`);
    const { stderr } = await mlts(['md', '--input', 'run.yaml'], {}, cwd);
    expect(stderr).toMatch(message);
    expect(readdirSync(cwd).sort()).toEqual(['run.yaml', 'water.xyz']);
  });

  it('files of an earlier run stay until --force is given', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'water.xyz'), FILES['water.xyz']);
    const again = (...more: string[]) => mlts(['md', 'water.xyz', ...NVT, '--model', MODEL, ...more], {}, cwd);
    expect((await again()).code).toBe(0);
    const refused = await again();
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /^E_USAGE: md.checkpoint exists. Go on from the checkpoint with --resume, replace it with --force/,
    );
    expect((await again('--force')).code).toBe(0);
  });

  it('a cell that collapses ends the run with the number', async () => {
    const args = ['--build', 'diamond:C:3.6', '--ensemble', 'npt', '--temperature', '300', '--pressure', '5000GPa'];
    const { code, stderr, left } = await run(
      ...args,
      '--steps',
      '2000',
      '--barostat-time',
      '5fs',
      '--compressibility',
      '1',
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^E_(CELL|OVERLAP|UNSTABLE|LIMIT): .*\d/);
    expect(left).toContain('md.last.extxyz');
  });
});
