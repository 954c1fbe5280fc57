/** The stage files of examples/md, run as their headers say. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mlts } from '../support/mlts.ts';
import { temporaryFolder } from '../support/servers.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples/md');

it('water.yaml: relax, npt, nvt, g(r) and averages', async () => {
  const cwd = temporaryFolder();
  const { code, stdout, stderr } = await mlts(['md', '--input', join(EXAMPLES, 'water.yaml')], {}, cwd);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/relax: \d+ steps, written to water.relax.extxyz/);
  expect(stdout).toMatch(/nvt: 1000 steps/);
  for (const file of ['water.npt.extxyz', 'water.rdf.svg', 'water.averages.csv', 'water.last.extxyz']) {
    expect(existsSync(join(cwd, file)), file).toBe(true);
  }
  // Three quarters of the shortest distances of water: O–H of the molecule.
  expect(stdout).toMatch(/H–O +(0\.9\d|1\.0\d)/);
  const log = readFileSync(join(cwd, 'water.nvt.csv'), 'utf8').trim().split('\n').slice(-10);
  const temperatures = log.map((row) => Number(row.split(',')[3]));
  expect(temperatures.reduce((sum, t) => sum + t, 0) / 10).toBeGreaterThan(250);
});
