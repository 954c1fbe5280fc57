import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Result, System } from '../../src/engine/potential.ts';
import { ReferencePotential } from '../../src/engine/reference/reference.ts';
import { openPotential } from '../../src/engine/select.ts';
import { expectClose } from '../support/close.ts';
import { MAIN, mlts, start, watch } from '../support/mlts.ts';
import { testModel } from '../support/models.ts';
import { startServer, temporaryFolder } from '../support/servers.ts';
import { ase, readFile } from '../unit/io/files.ts';

const TEST = testModel('test-two');

const WATER = `3
Lattice="6 0 0 0.5 7 0 0 -0.5 8" Properties=species:S:1:pos:R:3:tag:I:1 pbc="T T T" name=wet energy=12
O 0 0 0.117 7
H 0 0.757 -0.469 8
H 0 -0.757 -0.469 9
`;
const GAS = '3\n\nO 0.1 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.400\n';

const SYSTEM: System = {
  numbers: Int32Array.of(8, 1, 1),
  positions: Float64Array.of(0, 0, 0.117, 0, 0.757, -0.469, 0, -0.757, -0.469),
  cell: Float64Array.of(6, 0, 0, 0.5, 7, 0, 0, -0.5, 8),
  pbc: [true, true, true],
};

async function expected(): Promise<Required<Result>> {
  const want = new Set(['forces', 'virial', 'energies', 'sigma', 'memberEnergies', 'memberForces'] as const);
  const [result] = await new ReferencePotential(TEST.model).evaluate([SYSTEM], want);
  return result as Required<Result>;
}

function folderWith(files: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const run = (cwd: string, ...args: string[]) => mlts(args, {}, cwd);

describe('mlts eval --json', () => {
  it('writes exactly the promised object', async () => {
    const cwd = folderWith({ 'water.xyz': WATER });
    const { code, stdout, stderr } = await run(
      cwd,
      'eval',
      'water.xyz',
      '--model',
      TEST.path(),
      '--json',
      '--precision',
      'double',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [object] = lines(stdout);
    expect(Object.keys(object)).toEqual([
      ...[
        'file',
        'index',
        'natoms',
        'energy',
        'sigma_energy',
        'rho',
        'forces',
        'sigma_forces',
        'max_sigma_force',
        'energies',
      ],
      ...['virial', 'stress', 'member_energies', 'model', 'sha256', 'backend', 'precision'],
    ]);
    const want = await expected();
    expect(object).toMatchObject({
      file: 'water.xyz',
      index: 0,
      natoms: 3,
      model: 'test-two',
      sha256: TEST.model.sha256,
      precision: 'double',
    });
    expect(['native', 'reference']).toContain(object.backend);
    expectClose([object.energy], [want.energy], 1e-9, 'energy');
    expectClose(object.forces.flat(), want.forces, 1e-9, 'forces');
    expectClose(object.virial.flat(), want.virial, 1e-9, 'virial');
    expectClose(object.energies, want.energies, 1e-9, 'energies');
    expectClose(object.member_energies, want.memberEnergies, 1e-9, 'member_energies');
    expectClose(
      [object.sigma_energy, object.rho],
      [want.sigmaEnergy, want.sigmaEnergy / Math.sqrt(3)],
      1e-9,
      'sigma_energy, rho',
    );
    expectClose(object.sigma_forces, want.sigmaForces, 1e-9, 'sigma_forces');
    expectClose([object.max_sigma_force], [Math.max(...want.sigmaForces)], 1e-9, 'max_sigma_force');
    const volume = 6 * (7 * 8);
    expectClose(
      object.stress,
      [0, 4, 8, 5, 2, 1].map((k) => -want.virial[k] / volume),
      1e-9,
      'stress',
    );
  });

  it('adds member_forces for --members and leaves stress out without a cell', async () => {
    const cwd = folderWith({ 'gas.xyz': GAS, 'water.xyz': WATER });
    const { stdout } = await run(
      cwd,
      'eval',
      'gas.xyz',
      'water.xyz',
      '--model',
      TEST.path(),
      '--json',
      '--members',
      '--precision',
      'double',
    );
    const [gas, water] = lines(stdout);
    expect(gas).not.toHaveProperty('stress');
    expect(gas.member_forces.map((member: number[][]) => member.length)).toEqual([3, 3, 3]);
    expectClose(water.member_forces.flat(2), (await expected()).memberForces, 1e-9, 'member_forces');
  });

  it('selects frames as Python does, and gives each its place', async () => {
    const cwd = folderWith({ 'run.xyz': GAS.repeat(7) });
    const { stdout } = await run(cwd, 'eval', 'run.xyz', '--index', '-1:0:-3', '--model', TEST.path(), '--json');
    expect(lines(stdout).map(({ index }) => index)).toEqual([6, 3]);
  });

  it('gives the same through a server', async () => {
    const cwd = folderWith({ 'a.xyz': WATER + GAS });
    const potential = await openPotential(TEST.model);
    const { endpoint } = await startServer({ potentials: [potential] });
    const local = await run(cwd, 'eval', 'a.xyz', '--model', TEST.path(), '--json', '--members');
    const remote = await run(cwd, 'eval', 'a.xyz', '--connect', endpoint, '--json', '--members');
    expect(remote.stderr).toBe('');
    expect(lines(remote.stdout)).toEqual(lines(local.stdout));
    expect(lines(remote.stdout)[0].backend).toBe(potential.backend);
  });

  it('names the backend that computed on the server', async () => {
    const cwd = folderWith({ 'a.xyz': GAS });
    const { endpoint } = await startServer({ potentials: [new ReferencePotential(TEST.model)] });
    const { stdout } = await run(cwd, 'eval', 'a.xyz', '--connect', endpoint, '--json');
    expect(lines(stdout)).toMatchObject([{ backend: 'reference' }]);
  });
});

describe('mlts eval --out', () => {
  it('writes extended XYZ whose energy, forces and stress ASE reads', async () => {
    const cwd = folderWith({ 'water.xyz': WATER });
    const { code, stdout } = await run(
      cwd,
      'eval',
      'water.xyz',
      '--model',
      TEST.path(),
      '--precision',
      'double',
      '--members',
      '--out',
      'out.xyz',
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    const want = await expected();
    const got = ase<{
      energy: number;
      forces: number[];
      stress: number[];
      sigma: number[];
      members: number[];
      tag: number[];
      name: string;
    }>(
      `a = ase.io.read(args[0])
result = dict(energy=a.get_potential_energy(), forces=a.get_forces().ravel().tolist(), stress=a.get_stress().tolist(),
              sigma=a.arrays['sigma_forces'].tolist(), members=a.arrays['member_forces'].reshape(3, 3, 3).transpose(1, 0, 2).ravel().tolist(),
              tag=a.arrays['tag'].tolist() if 'tag' in a.arrays else a.get_tags().tolist(), name=a.info['name'])`,
      join(cwd, 'out.xyz'),
    );
    expectClose([got.energy], [want.energy], 1e-9, 'energy');
    expectClose(got.forces, want.forces, 1e-9, 'forces');
    expectClose(
      got.stress,
      [0, 4, 8, 5, 2, 1].map((k) => -want.virial[k] / 336),
      1e-9,
      'stress',
    );
    expectClose(got.sigma, want.sigmaForces, 1e-9, 'sigma_forces');
    expectClose(got.members, want.memberForces, 1e-9, 'member_forces');
    expect(got).toMatchObject({ tag: [7, 8, 9], name: 'wet' });
    expect(readFile(join(cwd, 'out.xyz'))[0].info.model_sha256).toBe(TEST.model.sha256);
  });

  it.each([
    [
      'a structure fails',
      (cwd: string) => run(cwd, 'eval', 'bad.xyz', '--model', TEST.path(), '--out', 'out.xyz'),
      /E_SPECIES[\s\S]*E_FILE: out\.xyz is not written: 1 of 2/,
    ],
    [
      'the disk fills up',
      // A limit on the size of files stands for the full disk: the same write fails in the same way.
      (cwd: string) =>
        watch(
          spawn(
            'bash',
            [
              '-c',
              `ulimit -f 1; exec "${process.execPath}" "${MAIN}" eval long.xyz --model "${TEST.path()}" --out out.xyz`,
            ],
            { cwd },
          ),
        ).ended,
      /E_DISK: out\.xyz cannot be written \(file too large\)/,
    ],
  ])('leaves no file, whole or part, where %s', async (_, attempt, message) => {
    const cwd = folderWith({ 'bad.xyz': `${GAS}1\n\nFe 0 0 0\n`, 'long.xyz': GAS.repeat(200) });
    const { code, stderr } = await attempt(cwd);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(readdirSync(cwd).sort()).toEqual(['bad.xyz', 'long.xyz']);
  });

  it('to a full device is E_DISK', async () => {
    const cwd = folderWith({ 'gas.xyz': GAS });
    symlinkSync('/dev/full', join(cwd, 'full'));
    const { code, stderr } = await run(cwd, 'eval', 'gas.xyz', '--model', TEST.path(), '--out', 'full');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^E_DISK: full cannot be written \(no space left on device\)\. Free some space/m),
    });
  });

  it('interrupted leaves the old file as it was', async () => {
    const cwd = folderWith({ 'out.xyz': 'old' });
    spawnSync('mkfifo', [join(cwd, 'endless.xyz')]);
    writeFileSync(join(cwd, 'frames'), GAS.repeat(300));
    const feeder = spawn('bash', ['-c', 'exec > endless.xyz; for i in $(seq 600); do cat frames; sleep 0.05; done'], {
      cwd,
    });
    const { process: child, ended } = start(
      ['eval', 'endless.xyz', '--model', TEST.path(), '--out', 'out.xyz'],
      {},
      cwd,
    );
    // Some frames have been evaluated and written once the unfinished file has grown.
    await vi.waitFor(() => expect(statSync(join(cwd, `out.xyz.${child.pid}.part`)).size).toBeGreaterThan(0), {
      timeout: 30_000,
    });
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    feeder.kill();
    expect(code).toBe(130);
    expect(stderr).toMatch(/E_CANCELLED: interrupted after \d+ structures/);
    expect(readFileSync(join(cwd, 'out.xyz'), 'utf8')).toBe('old');
    expect(readdirSync(cwd).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});

describe('mlts eval', () => {
  it('prints a table and goes on past a structure that fails', async () => {
    const cwd = folderWith({ 'mixed.xyz': `${GAS}1\n\nFe 0 0 0\n${GAS}` });
    const { code, stdout, stderr } = await run(cwd, 'eval', 'mixed.xyz', '--model', TEST.path());
    expect(code).toBe(1);
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^structure +atoms +energy\/eV +σ_E\/eV +ρ\/eV/),
      expect.stringMatching(/^mixed\.xyz\[0\] +3 +-?\d+\.\d{6} /),
      expect.stringMatching(/^mixed\.xyz\[2\] +3 /),
    ]);
    expect(stderr).toMatch(/^mixed\.xyz\[1\]: E_SPECIES: Fe \(atom 0\) is not in test-two/m);
  });

  it('ends quietly when its reader has seen enough', async () => {
    const cwd = folderWith({ 'long.xyz': GAS.repeat(3000) });
    const program = `set -o pipefail; "${process.execPath}" "${MAIN}" eval long.xyz --model "${TEST.path()}" --json | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const child = spawn('bash', ['-c', program], { cwd });
    const { stdout, stderr } = await watch(child).ended;
    expect(stderr).toBe('');
    const [first, status] = stdout.trim().split('\n');
    expect(JSON.parse(first).natoms).toBe(3);
    expect(status).toBe('0');
  });

  it.each([
    [['eval', 'none.xyz', '--model'], 1, /E_FILE: none\.xyz cannot be read \(no such file or directory\)/],
    [['eval', 'empty.xyz', '--model'], 1, /E_EMPTY: no structures in empty\.xyz at --index :/],
    [['eval', 'gas.xyz', '--index', '4', '--model'], 2, /E_USAGE: gas\.xyz has no frame 4: it holds 1/],
    [['eval', 'gas.xyz', '--index', 'x', '--model'], 2, /E_USAGE: the frame index 'x'/],
    [
      ['eval', 'gas.xyz', '--precision', 'half', '--model'],
      2,
      /E_USAGE: option '--precision <p>' argument 'half' is invalid/,
    ],
    [
      ['eval', 'gas.xyz', '--json', '--out', 'x.xyz', '--model'],
      2,
      /E_USAGE: option '--out <file>' cannot be used with option '--json'/,
    ],
  ])('%j ends with %d', async (args, status, message) => {
    const cwd = folderWith({ 'gas.xyz': GAS, 'empty.xyz': '' });
    const { code, stdout, stderr } = await run(cwd, ...args, TEST.path());
    expect({ code, stdout, stderr }).toEqual({ code: status, stdout: '', stderr: expect.stringMatching(message) });
    expect(existsSync(join(cwd, 'x.xyz'))).toBe(false);
  });

  it.each([
    [['eval', 'gas.xyz', '--model', 'gas.xyz'], /E_MODEL_NOT_FOUND: gas\.xyz is a file, but not a \.mlts model/, 1],
    [['eval', 'gas.xyz'], /E_USAGE: neither a model nor a server is named/, 2],
    [['eval', 'gas.xyz', '--connect', 'tcp://127.0.0.1:1'], /E_CONNECT: /, 1],
    [['eval', 'gas.xyz', '--connect', 'nonsense'], /E_ADDRESS: /, 1],
  ])('%j is refused', async (args, message, status) => {
    const cwd = folderWith({ 'gas.xyz': GAS });
    const { code, stderr } = await run(cwd, ...args);
    expect({ code, stderr }).toEqual({ code: status, stderr: expect.stringMatching(message) });
  });

  it('asks for a model of a server that has several', async () => {
    const cwd = folderWith({ 'gas.xyz': GAS });
    const potentials = await Promise.all(
      ['test-two', 'test-seven'].map((name) => openPotential(testModel(name).model)),
    );
    const { endpoint } = await startServer({ potentials });
    const { stderr } = await run(cwd, 'eval', 'gas.xyz', '--connect', endpoint);
    expect(stderr).toMatch(
      /E_MODEL_NOT_FOUND: .* serves test-two, test-seven, not one model\. Choose one of them with --model/,
    );
    const { code } = await run(cwd, 'eval', 'gas.xyz', '--connect', endpoint, '--model', 'test-two');
    expect(code).toBe(0);
  });
});
