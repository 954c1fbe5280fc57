/** The proofs of docs/validation.md, shortened: molecules from the published ANI-2x and ANI-1ccx. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { importNeuroChem } from '../../src/model/neurochem.ts';
import { saveModel } from '../../src/model/save.ts';
import { mlts } from '../support/mlts.ts';
import { NOT_RUN, publishedFolder, publishedSources } from '../support/published.ts';
import { temporaryFolder } from '../support/servers.ts';
import { readFile } from '../unit/io/files.ts';

const DATA = join(import.meta.dirname, '../../docs/validation');
const KCAL_PER_MOL = 0.0433641;
const LONG = 60_000;

interface Stationary {
  readonly kind: string;
  readonly angle: number;
  readonly energy: number;
}

if (publishedFolder === undefined) {
  it.skip(NOT_RUN, () => undefined);
} else {
  describe('molecules', () => {
    const models = mkdtempSync(join(tmpdir(), 'mlts-test-'));
    let cwd = models;

    const run = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await mlts(args, { MLTS_MODELS: models }, cwd);
      expect(code, stderr).toBe(0);
      return stdout;
    };

    /** Minima and maxima of half a turn, in degrees and kcal/mol. */
    const scan = async (smiles: string, atoms: string, model: string) => {
      const args = ['--build', `smiles:${smiles}`, '--atoms', atoms, '--step', '15', '--relax', '--model', model];
      const { stationary } = JSON.parse(await run('analyze', 'torsion', ...args, '--json'));
      return (stationary as Stationary[])
        .filter(({ angle }) => angle > -1)
        .sort((a, b) => a.angle - b.angle)
        .map(({ kind, angle, energy }) => ({ kind, angle, energy: energy / KCAL_PER_MOL }));
    };

    beforeAll(async () => {
      for (const name of ['ani-2x', 'ani-1ccx'] as const) {
        const { card, tensors } = await importNeuroChem(join(publishedFolder!, publishedSources[name]), name);
        await saveModel(join(models, `${name}.mlts`), card, tensors);
      }
    }, LONG);
    beforeEach(() => {
      cwd = temporaryFolder();
    });
    afterAll(() => rmSync(models, { recursive: true, force: true }));

    // ASE's Vibrations with the same potentials; ωB97X/6-31G(d) itself has 1719.2, 3821.0 and 3947.2.
    it.each([
      ['ani-2x', [1720.83, 3826.55, 3948.38]],
      ['ani-1ccx', [1727.17, 3821.3, 3843.77]],
    ])('normal modes of water: %s', async (model, known) => {
      const args = ['--build', 'smiles:O', '--precision', 'double', '--fmax', '1e-6', '--modes', '--model', model];
      const { wavenumbers } = JSON.parse(await run('relax', ...args, '--out', `${model}.extxyz`, '--json'));
      expect(wavenumbers).toHaveLength(3);
      for (const [i, wave] of known.entries()) expect(Math.abs(wavenumbers[i] - wave)).toBeLessThan(0.5);
    });

    // Parabolas through points 15° apart: a tenth of a kcal/mol from those through points 5° apart.
    it.each([
      ['butane', 'CCCC', '0,1,2,3', 'ani-2x', [0, 64.1, 119.7, 180], [5.067, 0.547, 3.682, 0]],
      ['butane', 'CCCC', '0,1,2,3', 'ani-1ccx', [0, 66.5, 120.2, 180], [5.816, 0.965, 3.71, 0]],
      ['biphenyl', 'c1ccccc1-c1ccccc1', '4,5,6,7', 'ani-2x', [0, 44.6, 90, 135.4], [3.044, 0, 2.836, 0]],
    ])('torsion of %s', { timeout: LONG }, async (_name, smiles, atoms, model, angles, energies) => {
      const found = await scan(smiles, atoms, model);
      for (const [i, angle] of angles.entries()) {
        expect(Math.abs(found[i].angle - angle), `angle ${i}`).toBeLessThan(1.5);
        expect(Math.abs(found[i].energy - energies[i]), `energy ${i}`).toBeLessThan(0.1);
      }
    });

    it('Diels–Alder: one mode leads over the saddle; barrier and reaction energy', { timeout: LONG }, async () => {
      const saddle = join(DATA, 'saddle.xyz');
      const at = ['--max-steps', '0', '--fmax', '0.1', '--precision', 'double', '--modes', '--model', 'ani-1ccx'];
      const { wavenumbers } = JSON.parse(await run('relax', saddle, ...at, '--out', 'saddle.extxyz', '--json'));
      expect(wavenumbers.filter((wave: number) => wave < 0)).toHaveLength(1);
      expect(Math.abs(wavenumbers[0] + 325.9)).toBeLessThan(5);
      const ends = [join(DATA, 'butadiene-ethene.xyz'), join(DATA, 'cyclohexene.xyz')];
      const relaxed = ['--fmax', '0.01', '--precision', 'double', '--model', 'ani-1ccx', '--out', 'ends.extxyz'];
      await run('relax', ...ends, ...relaxed);
      const [reactant, product] = readFile(join(cwd, 'ends.extxyz')).map(({ info }) => Number(info.energy));
      const [top] = readFile(join(cwd, 'saddle.extxyz')).map(({ info }) => Number(info.energy));
      expect(Math.abs((top - reactant) / KCAL_PER_MOL - 16.21)).toBeLessThan(0.1);
      expect(Math.abs((product - reactant) / KCAL_PER_MOL + 38.83)).toBeLessThan(0.1);
    });

    it('constant energy: ethanol in water', { timeout: LONG }, async () => {
      const start = join(DATA, 'solvated.extxyz');
      const how = ['--ensemble', 'nve', '--timestep', '0.5', '--time', '0.5ps', '--log', '20', '--model', 'ani-2x'];
      await run('md', start, ...how, '--output', 'nve');
      const [header, ...rows] = readFileSync(join(cwd, 'nve.csv'), 'utf8').trim().split('\n');
      const column = header.split(',').indexOf('conserved_eV');
      const energies = rows.map((row) => Number(row.split(',')[column]));
      expect(energies).toHaveLength(51);
      // The long run stays within 0.03 eV for 100 ps; energies of single precision.
      for (const energy of energies) expect(Math.abs(energy - energies[0])).toBeLessThan(0.015);
    });
  });
}
