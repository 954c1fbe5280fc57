/** Labels by a real pw.x: aluminium, with the pseudopotential that Debian's quantum-espresso-data has. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openEngine } from '../../../../src/active/engines/open.ts';
import { engineRule } from '../../../../src/active/engines/parse.ts';
import { LabelFailure } from '../../../../src/active/label.ts';
import { parseYaml } from '../../../../src/dynamics/input/input.ts';
import type { Structure } from '../../../../src/io/structure.ts';
import { errorOf, expectError } from '../../../support/expect-error.ts';

const ALUMINIUM = {
  ...{ kind: 'espresso', level: 'LDA', pseudopotentials: { Al: 'Al.pz-vbc.UPF' }, ecutwfc: 10, kpoint_spacing: 0.8 },
  ...{ system: { degauss: 0.05 } },
};

/** Two atoms in a crooked cell, the second displaced, the whole strained. */
function crystal(moved = 0, strain: readonly number[] = [0, 0, 0]): Structure {
  const stretched = (rows: number[][]) =>
    Float64Array.from(rows.flatMap(([x, y, z]) => [x * (1 + strain[0]) + y * strain[1], y, z * (1 + strain[2])]));
  const cell = [
    [2.86, 0, 0],
    [0.2, 2.7, 0],
    [0, 0.3, 4.05],
  ];
  const atoms = [
    [0, 0, 0],
    [1.5 + moved, 1.55, 2.2],
  ];
  const [info, arrays] = [{}, {}];
  const numbers = Int32Array.of(13, 13);
  return { numbers, positions: stretched(atoms), cell: stretched(cell), pbc: [true, true, true], info, arrays };
}

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'mlts-espresso-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const open = (more: object = {}) =>
  openEngine(engineRule(parseYaml(JSON.stringify({ ...ALUMINIUM, ...more }), 'al.yaml')));
const options = (seconds = 60) => ({ scratch, seconds, signal: new AbortController().signal });
const failure = async (label: Promise<unknown>): Promise<LabelFailure> => {
  const error = await label.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LabelFailure);
  return error as LabelFailure;
};

it('forces and virial are the slopes of the energy', async () => {
  const engine = await open({ electrons: { conv_thr: 1e-11 }, system: { degauss: 0.05, nosym: true } });
  expect(engine).toMatchObject({ level: 'LDA', program: expect.stringMatching(/^pw\.x \d/) });
  const energy = async (structure: Structure) => (await engine.label(structure, options())).energy;
  const { forces, virial, raw } = await engine.label(crystal(), options());
  expect(raw['pw-1.in']).toContain('ATOMIC_POSITIONS');
  expect(raw['pw-1.out']).toContain('JOB DONE');
  const slope = async (at: (h: number) => Structure, h: number) =>
    ((await energy(at(h))) - (await energy(at(-h)))) / (2 * h);
  expect(Math.abs(forces[3])).toBeGreaterThan(0.01);
  expect(-(await slope((h) => crystal(h), 0.01))).toBeCloseTo(forces[3], 3);
  // The slope is at a constant number of plane waves, the stress at a constant cutoff: with so few they differ by percents.
  expect(Math.abs(virial![1])).toBeGreaterThan(0.5);
  const sheared = -(await slope((h) => crystal(0, [0, h, 0]), 0.005));
  expect(Math.abs(sheared - virial![1])).toBeLessThan(0.1 * Math.abs(virial![1]));
}, 60_000);

it('what does not converge is tried with other settings, then given up, with all that pw.x wrote', async () => {
  const retried = await open({ electrons: { electron_maxstep: 1 }, retries: [{ electron_maxstep: 100 }] });
  const { raw } = await retried.label(crystal(), options());
  expect(Object.keys(raw)).toEqual(['pw-1.in', 'pw-1.out', 'pw-2.in', 'pw-2.out']);
  const never = await open({ electrons: { electron_maxstep: 1 }, retries: [{ mixing_beta: 0.3 }] });
  const given = await failure(never.label(crystal(), options()));
  expect(given).toMatchObject({
    kind: 'not-converged',
    what: expect.stringMatching(/after 1 iterations.*of 2 attempts/),
  });
  expect(given.raw['pw-2.out']).toContain('convergence NOT achieved');
}, 60_000);

it('says which structures it does not compute, and which answers it does not believe', async () => {
  const engine = await open({ min_distance: 0.5, max_pressure: 20 });
  const molecule = { ...crystal(), cell: undefined, pbc: [false, false, false] } as const;
  expect(await failure(engine.label(molecule, options()))).toMatchObject({
    kind: 'refused',
    what: expect.stringMatching(/periodic/),
  });
  const tin = { ...crystal(), numbers: Int32Array.of(13, 50) };
  expect(await failure(engine.label(tin, options()))).toMatchObject({
    kind: 'refused',
    what: expect.stringMatching(/pseudopotential of Sn/),
  });
  const tight = { ...crystal(), positions: Float64Array.of(0, 0, 0, 0.3, 0, 0) };
  expect(await failure(engine.label(tight, options()))).toMatchObject({
    kind: 'refused',
    what: expect.stringMatching(/0\.30 Å apart/),
  });
  const close = { ...crystal(), positions: Float64Array.of(0, 0, 0, 0.8, 0, 0) };
  expect(await failure(engine.label(close, options()))).toMatchObject({
    kind: 'unphysical',
    what: expect.stringMatching(/GPa, beyond ±20/),
  });
}, 60_000);

it('errors of pw.x are in its own words; the wall time ends it', async () => {
  const wrong = await open({ system: { smearing: 'none-such' }, retries: [] });
  expect(await failure(wrong.label(crystal(), options()))).toMatchObject({
    kind: 'crashed',
    what: expect.stringMatching(/^pw\.x: \w+: /),
  });
  const slow = await open({ kpoint_spacing: 0.1 });
  expect(await failure(slow.label(crystal(), options(2)))).toMatchObject({ kind: 'time-out' });
}, 60_000);

it('what is not installed is named, with what to install', async () => {
  const absent = await errorOf(() => open({ command: ['no-such-pw.x'] }), 'E_UNAVAILABLE', 'no-such-pw.x');
  expect(absent.remedy).toContain('apt-get install quantum-espresso');
  await expectError(() => open({ command: ['true'] }), 'E_UNAVAILABLE', 'true is no pw.x');
  await expectError(() => open({ pseudopotentials: { Al: 'Al.none.UPF' } }), 'E_UNAVAILABLE', 'Al.none.UPF');
});

it('refuses settings that would make unconverged energies labels, and unknown ones', () => {
  const rule = (more: object) => () => engineRule(parseYaml(JSON.stringify({ ...ALUMINIUM, ...more }), 'al.yaml'));
  expect(rule({ electrons: { scf_must_converge: false } })).toThrow(/unconverged/);
  expect(rule({ ecutwcf: 20 })).toThrow(/no setting/);
  expect(rule({ pseudopotentials: { Xx: 'a' } })).toThrow(/symbol of an element/);
  expect(rule({ level: undefined })).toThrow(/level/);
});
