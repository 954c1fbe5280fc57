import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mlts, start, startServe } from '../support/mlts.ts';
import { temporaryFolder } from '../support/servers.ts';

const MODEL = join(import.meta.dirname, '../../models/default.mlts');

/** Water, bent too far and stretched. */
const WATER = '3\n\nO 0 0 0\nH 0.85 0.7 0\nH -0.9 0.65 0.1\n';
const METHANE = '5\n\nC 0 0 0\nH 0.7 0.6 0.6\nH -0.6 -0.7 0.6\nH 0.6 -0.6 -0.7\nH -0.6 0.6 -0.6\n';

function folder(): string {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'water.xyz'), WATER);
  writeFileSync(join(cwd, 'both.xyz'), WATER + METHANE);
  return cwd;
}

const relax = (cwd: string, ...args: string[]) => mlts(['relax', ...args, '--model', MODEL], {}, cwd);
const objects = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('mlts relax', () => {
  it('relaxes several structures and writes them with their forces', async () => {
    const cwd = folder();
    const { code, stdout, stderr } = await relax(cwd, 'both.xyz', '--json', '--fmax', '0.005');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [water, methane] = objects(stdout);
    expect(water).toMatchObject({ file: 'both.xyz', index: 0, natoms: 3, converged: true });
    expect(methane).toMatchObject({ index: 1, natoms: 5, converged: true });
    expect(water.fmax).toBeLessThanOrEqual(0.005);
    const again = await mlts(['eval', 'relaxed.extxyz', '--model', MODEL, '--json'], {}, cwd);
    const [first] = objects(again.stdout);
    expect(first.energy).toBeCloseTo(water.energy, 5);
    expect(Math.max(...first.forces.map((f: number[]) => Math.hypot(...f)))).toBeLessThan(0.006);
    // O–H and H–O–H of water, GFN2-xTB: 0.96 Å, 107°.
    const [o, a, b] = readFileSync(join(cwd, 'relaxed.extxyz'), 'utf8')
      .split('\n')
      .slice(2, 5)
      .map((row) => row.split(' ').slice(1, 4).map(Number));
    const [u, v] = [a, b].map((h) => h.map((x, k) => x - o[k]));
    expect(Math.hypot(...u)).toBeCloseTo(0.96, 1);
    const angle = Math.acos(u.reduce((sum, x, k) => sum + x * v[k], 0) / (Math.hypot(...u) * Math.hypot(...v)));
    expect((angle * 180) / Math.PI).toBeGreaterThan(100);
    expect((angle * 180) / Math.PI).toBeLessThan(112);
  });

  it('gives the three modes of water', async () => {
    const cwd = folder();
    const args = ['water.xyz', '--json', '--modes', '--precision', 'double', '--fmax', '1e-4', '--minimiser', 'fire'];
    const [{ wavenumbers, zero_point, vibrational_free_energy }] = objects((await relax(cwd, ...args)).stdout);
    expect(wavenumbers).toHaveLength(3);
    // Bend and stretches: 1595, 3657, 3756 cm⁻¹ in the experiment.
    expect(wavenumbers[0] / 1595).toBeCloseTo(1, 0);
    expect(wavenumbers[1]).toBeGreaterThan(3300);
    expect(wavenumbers[2]).toBeLessThan(4100);
    expect(zero_point).toBeCloseTo(wavenumbers.reduce((sum: number, w: number) => sum + w, 0) * 0.5 * 1.23984198e-4, 6);
    expect(vibrational_free_energy).toBeLessThanOrEqual(zero_point);
  });

  it('gives the same through a server', async () => {
    const cwd = folder();
    const { endpoints } = await startServe([MODEL]);
    const here = await relax(cwd, 'both.xyz', '--json', '--out', 'here.extxyz');
    const there = await mlts(
      ['relax', 'both.xyz', '--json', '--out', 'there.extxyz', '--connect', endpoints[0]],
      {},
      cwd,
    );
    expect(there.stderr).toBe('');
    for (const [i, object] of objects(there.stdout).entries()) {
      expect(object.energy).toBeCloseTo(objects(here.stdout)[i].energy, 4);
    }
  });

  it('tells what did not get there, and still writes it', async () => {
    const cwd = folder();
    const { code, stderr } = await relax(cwd, 'water.xyz', '--max-steps', '2');
    expect(code).toBe(1);
    expect(stderr).toMatch(/water.xyz\[0\]: not relaxed after 2 steps, the largest force is/);
    expect(existsSync(join(cwd, 'relaxed.extxyz'))).toBe(true);
  });

  it('interrupted writes what it reached', async () => {
    const cwd = folder();
    const args = [
      'relax',
      '--build',
      'random:C32H48O16:0.7:0.9',
      '--fmax',
      '1e-9',
      '--max-steps',
      '999999',
      '--model',
      MODEL,
    ];
    const running = start(args, {}, cwd);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    running.process.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(stderr).toMatch(/E_CANCELLED: interrupted; relaxed.extxyz holds what was reached/);
    expect(code).toBe(130);
    expect(readFileSync(join(cwd, 'relaxed.extxyz'), 'utf8').startsWith('96\n')).toBe(true);
  });
});

it.each([
  [['none.xyz'], 1, /E_FILE: none.xyz/],
  [[], 2, /E_USAGE: no structure is given/],
  [['water.xyz', '--build', 'fcc:C:3'], 2, /E_USAGE: both water.xyz and --build/],
  [['water.xyz', '--cell'], 1, /E_CELL: the cell cannot relax/],
  [['water.xyz', '--cell', 'cubic'], 2, /E_USAGE: --cell is 'cubic'/],
  [['water.xyz', '--fmax', '0'], 2, /E_USAGE.*--fmax.*above 0/],
  [['water.xyz', '--fix', '3'], 2, /E_USAGE: atom 3 is to be fixed, there are atoms 0 to 2/],
  [['water.xyz', '--pressure', '1'], 2, /E_USAGE: --pressure is '1', must be a pressure with its unit/],
  [['--build', 'fcc:Al:4'], 1, /E_SPECIES: Al \(atom 0\)/],
  [['water.xyz', '--out', 'water.xyz'], 2, /E_USAGE: water.xyz exists/],
])('mlts relax %j ends with %i', async (args, expected, message) => {
  const cwd = folder();
  const { code, stderr } = await relax(cwd, ...args);
  expect(stderr).toMatch(message);
  expect(code).toBe(expected);
  expect(existsSync(join(cwd, 'relaxed.extxyz'))).toBe(false);
});
