/** Labels of molecules by PySCF and Psi4: two programs that must agree, and differences of energies. */
import { expect, it, vi } from 'vitest';
import { expectError } from '../../../support/expect-error.ts';
import {
  engineOf,
  engineSettings,
  labelFailure,
  labelOptions,
  molecule,
  moved,
} from '../../../support/label-engines.ts';

vi.setConfig({ testTimeout: 120_000 });

const water = molecule([8, 1, 1], [[0, 0, 0], [0, 0.1, 0.96], [0.93, 0, -0.24]]); // biome-ignore format: an atom a line
const methyl = molecule([6, 1, 1, 1], [[0, 0, 0.1], [1.1, 0, 0.05], [-0.5, 0.95, 0], [-0.5, -0.9, 0.02]]); // biome-ignore format: an atom a line

it.each(['HF', 'MP2', 'CCSD(T)'])('%s of water: PySCF and Psi4 agree', async (method) => {
  const [one, other] = [await engineOf({ kind: 'pyscf', method, basis: '6-31g' }), await engineOf({ kind: 'psi4', method, basis: '6-31g' })]; // biome-ignore format: side by side
  expect(one.level).toBe(`${method}/6-31g`);
  expect(one.program).toMatch(/^pyscf \d/);
  const [a, b] = [await one.label(water, labelOptions()), await other.label(water, labelOptions())];
  expect(a.energy).toBeCloseTo(b.energy, 4);
  for (const [i, f] of a.forces.entries()) expect(f).toBeCloseTo(b.forces[i], 3);
  expect(a.raw['output.txt']).toContain('converged SCF energy');
});

it.each([
  ['CCSD', methyl, false],
  ['CCSD(T)', water, false],
  ['wb97x', methyl, true],
])('forces of %s are the slopes of the energy', async (method, structure, density_fit) => {
  const engine = await engineOf({ kind: 'pyscf', method, basis: 'sto-3g', density_fit });
  const { forces } = await engine.label(structure, labelOptions());
  const h = 2e-3;
  for (const k of [0, 5]) {
    const at = async (step: number) => (await engine.label(moved(structure, k, step), labelOptions())).energy;
    const slope = (8 * ((await at(h)) - (await at(-h))) - (await at(2 * h)) + (await at(-2 * h))) / (12 * h);
    // The grid of a functional moves with its atoms.
    expect(forces[k]).toBeCloseTo(-slope, method === 'wb97x' ? 2 : 3);
  }
});

it('psi4: a radical is computed without restriction', async () => {
  const engine = await engineOf({ kind: 'psi4', method: 'hf', basis: 'sto-3g' });
  const other = await engineOf({ kind: 'pyscf', method: 'hf', basis: 'sto-3g' });
  const [a, b] = [await engine.label(methyl, labelOptions()), await other.label(methyl, labelOptions())];
  expect(a.energy).toBeCloseTo(b.energy, 4);
});

it('what cannot be computed is refused, and the engine goes on', async () => {
  const engine = await engineOf({ kind: 'pyscf', method: 'CCSD(T)', basis: 'sto-3g' });
  expect(await labelFailure(engine.label(methyl, labelOptions()))).toMatchObject({
    ...{ kind: 'refused', what: expect.stringContaining('use Psi4') },
  });
  const cell = Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9);
  const crystal = { ...water, cell, pbc: [true, true, true] as const };
  expect((await labelFailure(engine.label(crystal, labelOptions()))).kind).toBe('refused');
  const xenon = await engineOf({ kind: 'pyscf', method: 'hf', basis: 'cc-pvdz' });
  expect((await labelFailure(xenon.label(molecule([92], [[0, 0, 0]]), labelOptions()))).kind).not.toBe('unphysical');
  expect((await engine.label(water, labelOptions())).energy).toBeLessThan(-2000);
});

it('unknown methods, bases and settings are said before the first label', async () => {
  await expectError(() => engineOf({ kind: 'pyscf', method: 'wb98', basis: 'sto-3g' }), 'E_UNAVAILABLE', 'WB98');
  await expectError(() => engineOf({ kind: 'pyscf', method: 'hf', basis: 'sto-4x' }), 'E_UNAVAILABLE', 'sto-4x');
  await expectError(() => engineSettings({ kind: 'pyscf', method: 'hf' }), 'E_USAGE', 'which basis');
  await expectError(() => engineSettings({ kind: 'psi4', method: 'hf', basis: "x' + '" }), 'E_USAGE', 'a name as psi4');
});
