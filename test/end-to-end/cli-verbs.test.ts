import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatExtxyz } from '../../src/io/extxyz.ts';
import { mlts } from '../support/mlts.ts';
import { testModel } from '../support/models.ts';
import { temporaryFolder } from '../support/servers.ts';

const TWO = testModel('test-two');

describe('mlts', () => {
  it.each(['serve', 'eval', 'model', 'verify', 'bench', 'keys', 'setup', 'doctor'])(
    '%s --help shows examples',
    async (verb) => {
      const { code, stdout } = await mlts([verb, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^Usage: mlts ${verb}[\\s\\S]*Examples:\\n  mlts ${verb}`));
    },
  );

  it('says its version', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
    expect(await mlts(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it.each([
    [['evla'], /^E_USAGE: unknown command 'evla'\. Did you mean eval\?\n$/],
    [['eval', 'a.xyz', '--modle', 'x'], /^E_USAGE: unknown option '--modle'\. Did you mean --model\?\n$/],
    [['bench', '--model', 'x', '--threads', 'many'], /^E_USAGE: option '--threads <n>' argument 'many' is invalid/],
    [['verify'], /^E_USAGE: required option '--model <m>' not specified\. See `mlts verify --help`\.\n$/],
    [['model', 'show'], /^E_USAGE: missing required argument 'model'\. See `mlts model show --help`\.\n$/],
  ])('%j is wrong usage', async (args, message) => {
    expect(await mlts(args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
  });
});

describe('mlts model', () => {
  it('lists models by folder, the hidden and the broken among them', async () => {
    const folder = temporaryFolder();
    const hidden = temporaryFolder();
    copyFileSync(TWO.path(), join(folder, 'two.mlts'));
    copyFileSync(TWO.path(), join(hidden, 'two.mlts'));
    writeFileSync(join(folder, 'broken.mlts'), 'not a model');
    const env = { MLTS_MODELS: `${folder}:${hidden}`, XDG_DATA_HOME: '/nowhere' };
    const { code, stdout } = await mlts(['model', 'list', '--json'], env, folder);
    expect(code).toBe(0);
    const models = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(models.slice(0, 3)).toEqual([
      {
        name: 'broken',
        path: join(folder, 'broken.mlts'),
        shadowed: false,
        error: { code: 'E_MODEL', what: expect.any(String) },
      },
      expect.objectContaining({
        name: 'two',
        path: join(folder, 'two.mlts'),
        shadowed: false,
        sha256: TWO.model.sha256,
        members: 3,
        elements: ['H', 'O'],
      }),
      expect.objectContaining({ name: 'two', path: join(hidden, 'two.mlts'), shadowed: true }),
    ]);
    expect((await mlts(['model', 'list'], env)).stdout).toMatch(
      /^broken +— +E_MODEL: .*\n[\s\S]*^two +3 +H O .*\n\(two\) /m,
    );
  });

  it('shows a card', async () => {
    const { stdout } = await mlts(['model', 'show', TWO.path(), '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      sha256: TWO.model.sha256,
      name: 'test-two',
      elements: ['H', 'O'],
      members: 3,
    });
    const text = (await mlts(['model', 'show', TWO.path()])).stdout;
    expect(text).toMatch(/^elements +H O$/m);
    expect(text).toContain(TWO.model.sha256);
  });

  it('verify names what is wrong with a damaged file', async () => {
    const file = join(temporaryFolder(), 'cut.mlts');
    writeFileSync(file, TWO.bytes.subarray(0, TWO.bytes.length - 4));
    expect(await mlts(['model', 'verify', TWO.path()])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(TWO.model.sha256),
    });
    expect(await mlts(['model', 'verify', file])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^E_MODEL: .*cut\.mlts/),
    });
  });

  it.each([
    [['import', '/nowhere.info', '-o', 'a.mlts'], 1, /^E_FILE: \/nowhere\.info/],
    [['import', '.', '-o', 'a.txt'], 2, /^E_USAGE: --out is 'a\.txt'\. Name it NAME\.mlts/],
    [['fetch', 'ani-3x'], 1, /^E_MODEL_NOT_FOUND: no published model ani-3x; there are ani-1x/],
    [['show', 'no-such'], 1, /^E_MODEL_NOT_FOUND: no model no-such/],
  ])('%j ends with %d', async (args, code, message) => {
    const cwd = temporaryFolder();
    expect(await mlts(['model', ...args], {}, cwd)).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringMatching(message),
    });
    expect(existsSync(join(cwd, 'a.mlts'))).toBe(false);
  });
});

describe('mlts verify', () => {
  it('passes the embedded model, a line a check', async () => {
    const { code, stdout, stderr } = await mlts(['verify', '--model', 'default', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const verdicts = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(verdicts.length).toBeGreaterThanOrEqual(14);
    for (const verdict of verdicts) {
      expect(verdict).toEqual({
        check: expect.any(String),
        value: expect.any(Number),
        bound: expect.any(Number),
        unit: expect.any(String),
        pass: true,
        ...(verdict.check.startsWith('energy drift') && { run: '300 fs from 300 K at 0.25 fs' }),
      });
    }
  });

  it('fails a model that lets atoms fall onto each other, and says which check', async () => {
    const { code, stdout, stderr } = await mlts(['verify', '--model', TWO.path()]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAIL +energy drift, NVE +E_(OVERLAP|UNSTABLE)/m);
    expect(stdout).toMatch(/^pass +forces = −dE\/dr/m);
    expect(stderr).toMatch(/^E_MODEL: test-two .*: failed energy drift, NVE, /);
  });

  it('takes a structure', async () => {
    const file = join(temporaryFolder(), 'h2.xyz');
    writeFileSync(file, '2\n\nH 0 0 0\nH 0 0 0.75\n');
    const { code, stdout } = await mlts(['verify', file, '--model', 'default']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/, 2 atoms\n/);
  });
});

describe('mlts bench --json', () => {
  it('writes exactly the promised object for each structure', async () => {
    const cwd = temporaryFolder();
    const grid = Array.from({ length: 27 }, (_, i) => [
      3 * (i % 3),
      3 * (Math.floor(i / 3) % 3),
      3 * Math.floor(i / 9),
    ]);
    const structure = {
      numbers: Int32Array.from(grid, () => 1),
      positions: Float64Array.from(grid.flat()),
      cell: Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9),
      pbc: [true, true, true] as const,
      info: {},
      arrays: {},
    };
    writeFileSync(join(cwd, 'grid.xyz'), formatExtxyz(structure));
    const { code, stdout, stderr } = await mlts(
      ['bench', 'grid.xyz', 'grid.xyz', '--model', TWO.path(), '--members', '2', '--threads', '1', '--json'],
      {},
      cwd,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows).toHaveLength(2);
    const positive = expect.any(Number);
    expect(rows[0]).toEqual({
      ...{
        structure: 'grid.xyz',
        natoms: 27,
        model: 'test-two',
        members: 2,
        backend: 'native',
        threads: 1,
        precision: 'single',
        repeats: 41,
      },
      ...{ ms_min: positive, ms_median: positive, ms_p95: positive },
      stages_ms: {
        neighbours: positive,
        descriptor: positive,
        network: positive,
        backward: positive,
        reduce: positive,
      },
      ...{ flops: positive, gemm_gflops_peak: positive, fraction_of_peak: positive, rss_mb: positive },
    });
    const { ms_min, ms_median, ms_p95, fraction_of_peak, stages_ms } = rows[0];
    expect(ms_min).toBeGreaterThan(0);
    expect(ms_median).toBeGreaterThanOrEqual(ms_min);
    expect(ms_p95).toBeGreaterThanOrEqual(ms_median);
    expect(fraction_of_peak).toBeLessThanOrEqual(1.1);
    expect(Object.values(stages_ms).reduce((sum: number, ms) => sum + (ms as number), 0)).toBeLessThan(2 * ms_p95);
  });

  it('refuses more members than there are', async () => {
    const { code, stderr } = await mlts(['bench', '--model', TWO.path(), '--members', '9']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^E_USAGE: --members is 9, test-two has 3/),
    });
  });
});

describe('mlts doctor --json', () => {
  it('says where everything is, as set-up made it', async () => {
    const { code, stdout } = await mlts(['doctor', '--json']);
    const report = JSON.parse(stdout);
    expect(report.missing).toEqual([]);
    expect(code).toBe(0);
    expect(report.lammps.version).toMatch(/\d{4}/);
    expect(Object.keys(report.python.packages)).toEqual(['ase', 'mlts_ase', 'numpy', 'zmq', 'msgpack']);
    for (const version of Object.values(report.python.packages)) expect(version).toMatch(/^\d+\.\d+/);
    expect(report.backends.native).toMatchObject({
      available: true,
      instruction_set: expect.stringMatching(/^(avx512|avx2|neon|portable)$/),
    });
    expect(report.models).toContainEqual(
      expect.objectContaining({ name: 'default', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }),
    );
    for (const path of [
      report.lammps.executable,
      report.lammps.plugin,
      report.lammps.mpiexec,
      report.python.executable,
    ]) {
      expect(statSync(path).isFile()).toBe(true);
    }
  });
});
