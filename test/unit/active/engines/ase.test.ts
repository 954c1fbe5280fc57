/** Any calculator of ASE in its process: what it answers, and what becomes of its deaths. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Structure } from '../../../../src/io/structure.ts';
import { ARGON, HELIUM, KRYPTON, NEON } from '../../../support/executors.ts';
import { expectError } from '../../../support/expect-error.ts';
import { engineOf, labelFailure, labelOptions, molecule, moved } from '../../../support/label-engines.ts';
import { temporaryFolder } from '../../../support/servers.ts';

const pair = (z: number) => molecule([z, z], [[0, 0, 0], [0, 0, 3]]); // biome-ignore format: an atom a line

function faulty() {
  process.env.PYTHONPATH = join(import.meta.dirname, '../../../support');
  const log = join(temporaryFolder(), 'log');
  return { kind: 'ase', calculator: 'faulty_calculator.Faulty', arguments: { log, fatal: 'self' }, level: 'test' };
}

it('EMT of a crystal: energy, forces and a virial that is its slope', async () => {
  const engine = await engineOf({ kind: 'ase', calculator: 'ase.calculators.emt.EMT', level: 'EMT' });
  expect(engine.program).toMatch(/^ase \d/);
  const cell = Float64Array.of(4.1, 0, 0, 0.2, 4, 0, 0, 0.3, 4.2);
  const pbc = [true, true, true] as const;
  const structure = { ...molecule([13, 13], [[0, 0, 0], [2.1, 2, 0.3]]), cell, pbc }; // biome-ignore format: an atom a line
  const { forces, virial } = await engine.label(structure, labelOptions());
  const energy = async (one: Structure) => (await engine.label(one, labelOptions())).energy;
  const h = 1e-4;
  const slope = ((await energy({ ...structure, ...moved(structure, 4, h) })) - (await energy({ ...structure, ...moved(structure, 4, -h) }))) / (2 * h); // biome-ignore format: a difference
  expect(forces[4]).toBeCloseTo(-slope, 5);
  const strained = (e: number) => {
    const stretch = (x: Float64Array) => x.map((value, k) => (k % 3 === 0 ? value * (1 + e) : value));
    return { ...structure, positions: stretch(structure.positions), cell: stretch(cell) };
  };
  expect(virial![0]).toBeCloseTo(-((await energy(strained(h))) - (await energy(strained(-h)))) / (2 * h), 3);
});

it('a process that dies costs one label, and is started again', async () => {
  const engine = await engineOf(faulty());
  expect((await labelFailure(engine.label(pair(NEON), labelOptions()))).kind).toBe('crashed');
  expect((await engine.label(pair(HELIUM), labelOptions())).energy).toBe(1);
  expect((await labelFailure(engine.label(pair(ARGON), labelOptions()))).what).toMatch(/died/);
  expect((await engine.label(pair(ARGON), labelOptions())).energy).toBe(1);
});

it('a label beyond its time ends with its process, and the next one has another', async () => {
  const engine = await engineOf(faulty());
  expect(await labelFailure(engine.label(pair(KRYPTON), labelOptions(1)))).toMatchObject({
    ...{ kind: 'time-out', what: 'no answer after 1 s' },
  });
  expect((await engine.label(pair(HELIUM), labelOptions())).energy).toBe(1);
});

it('interrupted it is E_CANCELLED', async () => {
  const engine = await engineOf(faulty());
  const controller = new AbortController();
  const label = engine.label(pair(KRYPTON), labelOptions(600, controller.signal));
  setTimeout(() => controller.abort(), 300);
  await expectError(() => label, 'E_CANCELLED');
});

it('what is not set up is said with what to install', async () => {
  const at = (more: object) => engineOf({ kind: 'ase', calculator: 'ase.calculators.emt.EMT', level: 'x', ...more });
  await expectError(() => at({ calculator: 'no_such.Thing' }), 'E_UNAVAILABLE', 'no_such');
  await expectError(() => at({ calculator: 'ase.calculators.emt.Nothing' }), 'E_UNAVAILABLE', 'Nothing');
  await expectError(() => at({ arguments: {}, calculator: 'mlts_ase.lammps_potential.LammpsPotential' }), 'E_UNAVAILABLE', "'commands' and 'elements'"); // biome-ignore format: a call
  await expectError(() => at({ python: '/no/such/python' }), 'E_UNAVAILABLE', '/no/such/python');
});
