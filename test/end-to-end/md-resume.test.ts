import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mlts, start, startServe } from '../support/mlts.ts';
import { temporaryFolder } from '../support/servers.ts';

const MODEL = join(import.meta.dirname, '../../models/default.mlts');
const WATER = '3\n\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n';

/** Long enough to be interrupted, with a barostat, random numbers and a condition that saves frames. */
const BOX =
  '--build diamond:C:3.6 --repeat 2 2 2 --ensemble npt --temperature 600 --pressure 1GPa --timestep 1 --steps 600'.split(
    ' ',
  );
const OFTEN = ['--log', '10', '--every', '20', '--checkpoint', '50', '--dump', 'temperature > 620', '--model', MODEL];

const md = (cwd: string, ...args: string[]) => mlts(['md', ...args], {}, cwd);

/** Resolves once a file holds that many lines. */
async function lines(file: string, count: number): Promise<void> {
  const end = performance.now() + 20_000;
  while (!existsSync(file) || readFileSync(file, 'utf8').split('\n').length <= count) {
    if (performance.now() > end) throw new Error(`${file} did not reach ${count} lines`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const same = (cwd: string, a: string, b: string, endings: readonly string[]) => {
  for (const ending of endings) {
    expect(
      readFileSync(join(cwd, `${b}.${ending}`), 'utf8') === readFileSync(join(cwd, `${a}.${ending}`), 'utf8'),
      ending,
    ).toBe(true);
  }
};

describe('a run that was killed', () => {
  it('goes on bit for bit, twice', async () => {
    const cwd = temporaryFolder();
    expect((await md(cwd, ...BOX, ...OFTEN, '--output', 'whole')).code).toBe(0);
    expect(existsSync(join(cwd, 'whole.events.extxyz'))).toBe(true);

    const first = start(['md', ...BOX, ...OFTEN, '--output', 'killed'], {}, cwd);
    await lines(join(cwd, 'killed.csv'), 18);
    first.process.kill('SIGKILL');
    await first.ended;
    // What came after the checkpoint is cut off, however it looks.
    appendFileSync(join(cwd, 'killed.extxyz'), '64\nLattice="3.6 0');
    const rows = readFileSync(join(cwd, 'killed.csv'), 'utf8').split('\n').length;
    expect(rows, 'the run ended before it was killed').toBeLessThan(60);
    const second = start(['md', '--resume', '--output', 'killed'], {}, cwd);
    await lines(join(cwd, 'killed.csv'), rows + 10);
    second.process.kill('SIGKILL');
    await second.ended;
    const { code, stderr } = await md(cwd, ...BOX, ...OFTEN, '--output', 'killed', '--resume');
    expect({ code, stderr: stderr.replaceAll(/npt: step .*\n/g, '') }).toEqual({ code: 0, stderr: '' });
    same(cwd, 'whole', 'killed', ['extxyz', 'csv', 'last.extxyz', 'events.extxyz']);
  });

  it('goes on in the stage where it was, with all its walkers', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'w.xyz'), WATER.repeat(3));
    const stages = (output: string) => `
model: ${MODEL}
structure: w.xyz
output: ${output}
checkpoint: 40
stages:
  - relax: {fmax: 0.1}
  - nvt: {name: warm, temperature: 300, steps: 80, log: 20, stop: temperature > 900}
  - nvt: {name: hot, temperature: 300:900, steps: 3000, log: 20, every: 20, thermostat: langevin}
`;
    writeFileSync(join(cwd, 'whole.yaml'), stages('whole'));
    writeFileSync(join(cwd, 'killed.yaml'), stages('killed'));
    expect((await md(cwd, '--input', 'whole.yaml')).code).toBe(0);
    const running = start(['md', '--input', 'killed.yaml'], {}, cwd);
    await lines(join(cwd, 'killed.hot.csv'), 40);
    running.process.kill('SIGKILL');
    await running.ended;
    // Of the stage before: this one had not ended.
    expect(readFileSync(join(cwd, 'killed.last.extxyz'), 'utf8')).toContain(' step=80 ');
    const { code } = await md(cwd, '--input', 'killed.yaml', '--resume');
    expect(code).toBe(0);
    same(cwd, 'whole', 'killed', ['warm.csv', 'hot.csv', 'hot.extxyz', 'last.extxyz']);
  });
});

describe('a run whose server died', () => {
  it('ends with the reason and the last state, and goes on with another server', async () => {
    const cwd = temporaryFolder();
    const args = [...BOX, '--log', '10', '--every', '20', '--checkpoint', '50'];
    expect((await md(cwd, ...args, '--model', MODEL, '--output', 'whole')).code).toBe(0);
    const endpoint = `ipc://${join(cwd, 'mlts.ipc')}`;
    const server = await startServe([MODEL, '--bind', endpoint]);
    const running = start(['md', ...args, '--connect', endpoint, '--output', 'cut'], {}, cwd);
    await lines(join(cwd, 'cut.csv'), 12);
    server.process.kill('SIGKILL');
    const { code, stderr } = await running.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^E_CONNECT: ipc:.* closed the connection/);
    const last = readFileSync(join(cwd, 'cut.last.extxyz'), 'utf8');
    expect(Number(/ step=(\d+) /.exec(last)?.[1])).toBeGreaterThanOrEqual(100);
    await startServe([MODEL, '--bind', endpoint]);
    expect((await md(cwd, '--resume', '--output', 'cut')).stderr).toBe('');
    same(cwd, 'whole', 'cut', ['extxyz', 'csv', 'last.extxyz']);
  });
});

describe('a run that was interrupted', () => {
  it('writes the last state and goes on from exactly there', async () => {
    const cwd = temporaryFolder();
    const running = start(['md', ...BOX, ...OFTEN, '--output', 'a'], {}, cwd);
    await lines(join(cwd, 'a.csv'), 12);
    running.process.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(
      /E_CANCELLED: interrupted; the last state is in a.last.extxyz. Go on with `mlts md --resume --output a`/,
    );
    const last = readFileSync(join(cwd, 'a.last.extxyz'), 'utf8');
    const step = Number(/ step=(\d+) /.exec(last)?.[1]);
    expect(step).toBeGreaterThan(100);
    expect((await md(cwd, '--resume', '--output', 'a')).code).toBe(0);
    const steps = readFileSync(join(cwd, 'a.csv'), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((row) => Number(row.split(',')[0]));
    expect(steps).toEqual(Array.from({ length: 61 }, (_, i) => 10 * i));
    expect(readdirSync(cwd).filter((name) => name.includes('.part'))).toEqual([]);
  });
});

describe('a checkpoint', () => {
  it('is refused for another model, another run, lost files and damage', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'w.xyz'), WATER);
    const args = ['w.xyz', '--ensemble', 'nvt', '--steps', '20', '--output', 'a'];
    expect((await md(cwd, ...args, '--temperature', '300', '--model', MODEL)).code).toBe(0);
    const resume = async (...more: string[]) => (await md(cwd, '--resume', '--output', 'a', ...more)).stderr;

    const other = readFileSync(MODEL);
    // A byte of the last tensor: the same model to the eye, another hash.
    other[other.length - 1] ^= 1;
    writeFileSync(join(cwd, 'other.mlts'), other);
    expect(await resume('--model', 'other.mlts')).toMatch(
      /^E_HASH: the checkpoint was made with default [0-9a-f]{12}, this is default/,
    );

    const hotter = await md(cwd, ...args, '--temperature', '400', '--model', MODEL, '--resume');
    expect(hotter.stderr).toMatch(/^E_USAGE: the checkpoint of a is of another run: temperature of nvt was .*300.*400/);
    expect(hotter.code).toBe(2);

    expect((await md(cwd, '--resume', '--output', 'b')).stderr).toMatch(
      /^E_FILE: there is no checkpoint to resume from: b.checkpoint/,
    );
    expect((await md(cwd, '--resume', '--force', '--output', 'a')).stderr).toMatch(
      /^E_USAGE: both --resume and --force/,
    );

    const frames = join(cwd, 'a.extxyz');
    const { size } = statSync(frames);
    truncateSync(frames, size - 1);
    expect(await resume()).toMatch(/^E_FILE: a.extxyz holds \d+ bytes, the checkpoint knows \d+/);

    copyFileSync(join(cwd, 'a.csv'), join(cwd, 'a.checkpoint'));
    expect(await resume()).toMatch(/^E_CHECKSUM: a.checkpoint is no checkpoint/);
  });
});
