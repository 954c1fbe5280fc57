/** `mlts assess` in processes of its own: on labels of the model itself, on labels that are off, and against a server. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mlts, startServe } from '../support/mlts.ts';
import { temporaryFolder } from '../support/servers.ts';

const DEFAULT_MODEL = join(import.meta.dirname, '../../models/default.mlts');
const FRAMES = join(import.meta.dirname, '../../examples/training/frames.extxyz');

interface Found {
  structures: number;
  failed: number;
  energy: { rmse: number; bias: number };
  energyPerAtom: { rmse: number };
  forces: { rmse: number; count: number };
  differences: { sets: number; errors: { rmse: number } };
  byElement: Record<string, { rmse: number; count: number }>;
  bySize: { from: number; to: number | null }[];
  trustForces: { factor: number; flagging: { auroc: number; bad: number } };
}

const assess = async (cwd: string, ...args: string[]) => {
  const { stdout, stderr, code } = await mlts(['assess', ...args], {}, cwd);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout) as Found;
};

describe('mlts assess', () => {
  it('finds no errors against the model’s own labels, and those that are put in', async () => {
    const cwd = temporaryFolder();
    await mlts(['eval', FRAMES, '--index', '::10', '--model', DEFAULT_MODEL, '--out', 'own.extxyz'], {}, cwd);
    const own = await assess(cwd, 'own.extxyz', '--model', DEFAULT_MODEL, '--json');
    expect(own.structures).toBe(36);
    expect(own.energyPerAtom.rmse).toBeLessThan(1e-6);
    expect(own.forces.rmse).toBeLessThan(1e-4);
    // Every energy 0.25 eV higher: the energies are off by it, their differences not at all.
    const text = readFileSync(join(cwd, 'own.extxyz'), 'utf8');
    writeFileSync(
      join(cwd, 'off.extxyz'),
      text.replace(/\benergy=(\S+)/g, (_, e) => `energy=${Number(e) + 0.25}`),
    );
    const off = await assess(cwd, 'off.extxyz', '--model', DEFAULT_MODEL, '--json', '--precision', 'double');
    expect(off.energy.bias).toBeCloseTo(-0.25, 4);
    expect(off.differences.errors.rmse).toBeLessThan(1e-4);
  });

  it('says the same of a model in this process and at a server, in tables and on a page', async () => {
    const cwd = temporaryFolder();
    const here = await assess(cwd, FRAMES, '--model', DEFAULT_MODEL, '--json', '--bad', '0.2');
    expect(here.forces.count).toBe(Object.values(here.byElement).reduce((sum, { count }) => sum + count, 0));
    expect(here.trustForces.factor).toBeGreaterThan(0.3);
    expect(here.trustForces.factor).toBeLessThan(5);
    expect(here.trustForces.flagging.auroc).toBeGreaterThan(0.5);
    const server = await startServe([DEFAULT_MODEL]);
    const [endpoint] = server.endpoints;
    const there = await assess(cwd, FRAMES, '--connect', endpoint, '--json', '--bad', '0.2');
    expect(there.forces.rmse).toBeCloseTo(here.forces.rmse, 5);
    expect(there.differences.sets).toBe(here.differences.sets);
    const { stdout } = await mlts(['assess', FRAMES, '--connect', endpoint, '--report', 'page.html'], {}, cwd);
    for (const part of ['meV/atom', 'By size', 'Worst structures', 'AUROC']) expect(stdout).toContain(part);
    expect(existsSync(join(cwd, 'page.html'))).toBe(true);
  });

  it.each([
    ['an element that the model does not know', '1\n\nHe 0 0 0\n', [], 'He'],
    ['no labels', '2\n\nH 0 0 0\nH 0 0 0.74\n', [], 'E_EMPTY'],
    ['a bound that is none', '2\n\nH 0 0 0\nH 0 0 0.74\n', ['--bad', '-1'], 'above 0'],
  ])('refuses %s', async (_, text, more, said) => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'a.xyz'), text);
    const { code, stderr } = await mlts(['assess', 'a.xyz', '--model', DEFAULT_MODEL, ...more], {}, cwd);
    expect(code).not.toBe(0);
    expect(stderr).toContain(said);
  });
});
