/** Labels by programs that know nothing of mlts: pw.x by a template, and faults by the shell. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Structure } from '../../../../src/io/structure.ts';
import { expectError } from '../../../support/expect-error.ts';
import { engineOf, engineSettings, labelFailure, labelOptions, molecule } from '../../../support/label-engines.ts';
import { temporaryFolder } from '../../../support/servers.ts';

function file(content: string): string {
  const path = join(temporaryFolder(), 'template');
  writeFileSync(path, content);
  return path;
}

const PW = `&CONTROL
  calculation = 'scf', tprnfor = .true., tstress = .true., pseudo_dir = '/usr/share/espresso/pseudo'
/
&SYSTEM
  ibrav = 0, nat = {{count}}, ntyp = 1, ecutwfc = 10, occupations = 'smearing', smearing = 'mv', degauss = 0.05
/
&ELECTRONS
  conv_thr = 1e-9
/
ATOMIC_SPECIES
Al 26.98 Al.pz-vbc.UPF
CELL_PARAMETERS angstrom
{{cell}}
ATOMIC_POSITIONS angstrom
{{ atoms }}
K_POINTS automatic
3 3 2 0 0 0
`;

const TRIPLE = '\\s+(\\S+)\\s+(\\S+)\\s+(\\S+)';
const pw = (template = PW) => ({
  ...{ kind: 'program', level: 'LDA', command: ['pw.x', '-in', 'pw.in'], input: { 'pw.in': file(template) } },
  energy: { pattern: '^!\\s+total energy\\s+=\\s+(\\S+) Ry', unit: 'rydberg' },
  forces: { pattern: `^\\s+atom\\s+\\d+ type\\s+\\d+\\s+force =${TRIPLE}`, unit: 'rydberg/bohr' },
  stress: { pattern: `^${TRIPLE}\\s+-?[\\d.]+\\s+-?[\\d.]+\\s+-?[\\d.]+$`, unit: 'rydberg/bohr^3', sign: 'pressure' },
  not_converged: 'convergence NOT achieved',
});

const aluminium: Structure = {
  ...{ numbers: Int32Array.of(13, 13), positions: Float64Array.of(0, 0, 0, 1.6, 1.55, 2.2) },
  ...{ cell: Float64Array.of(2.86, 0, 0, 0.2, 2.7, 0, 0, 0.3, 4.05), pbc: [true, true, true], info: {}, arrays: {} },
};

it('pw.x by a template says what the engine for it says', async () => {
  const keys = { ecutwfc: 10, kpoint_spacing: 0.8, system: { degauss: 0.05 }, electrons: { conv_thr: 1e-9 } };
  const own = await engineOf({
    ...{ kind: 'espresso', level: 'LDA', pseudopotentials: { Al: 'Al.pz-vbc.UPF' }, ...keys },
  });
  const expected = await own.label(aluminium, labelOptions());
  const k = /K_POINTS automatic\n(.*)/.exec(expected.raw['pw-1.in'])![1];
  const engine = await engineOf(pw(PW.replace('3 3 2 0 0 0', k)));
  const { energy, forces, virial, raw } = await engine.label(aluminium, labelOptions());
  expect(energy).toBeCloseTo(expected.energy, 5);
  for (const [i, f] of forces.entries()) expect(f).toBeCloseTo(expected.forces[i], 3);
  for (const [i, w] of virial!.entries()) expect(w).toBeCloseTo(expected.virial![i], 3);
  expect(engine.program).toBe('pw.x');
  expect(raw['pw.in']).toContain('Al 1.6000000000 1.5500000000 2.2000000000\nK_POINTS');
  expect(raw['output.txt']).toContain('JOB DONE');
});

it('pw.x that comes to no answer is not believed', async () => {
  const engine = await engineOf(pw(PW.replace('conv_thr = 1e-9', 'conv_thr = 1e-9, electron_maxstep = 2')));
  expect((await labelFailure(engine.label(aluminium, labelOptions()))).kind).toBe('not-converged');
});

/** A script in place of a program. */
const script = (lines: string, more: object = {}) => ({
  ...{ kind: 'program', level: 'x', command: ['sh', 'run.sh'] },
  input: { 'run.sh': file(lines), 'in/xyz': file('{{count}}\n\n{{atoms}}\n') },
  energy: { pattern: '^E (\\S+)', unit: 'hartree' },
  forces: { file: 'g.txt', pattern: '^(\\S+) (\\S+) (\\S+)$', unit: 'eV/angstrom', sign: 'gradient' },
  ...more,
});
const helium = molecule([2, 2], [[0, 0, 0], [0, 0, 3.5]]); // biome-ignore format: an atom a line

it('numbers are read as Fortran writes them, in their unit and sign; of several answers the last counts', async () => {
  const engine = await engineOf(
    script(
      'echo E 7; echo E -1.5D+00; echo "9 9 9\n0 0 1e-3\n0 0 -2.5d-1" > g.txt; tail -1 in/xyz > out.xyz; cat in/xyz',
    ),
  );
  const { energy, forces, virial, raw } = await engine.label(helium, labelOptions());
  expect(energy).toBeCloseTo(-1.5 * 27.211386, 4);
  expect([...forces]).toEqual([-0, -0, -1e-3, -0, -0, 0.25]);
  expect(virial).toBeUndefined();
  expect(raw['output.txt']).toContain(
    '2\n\nHe 0.0000000000 0.0000000000 0.0000000000\nHe 0.0000000000 0.0000000000 3.5',
  );
  expect(raw).toMatchObject({ 'in-xyz': expect.any(String), 'g.txt': expect.any(String) });
});

it.each([
  ['echo no; exit 3', 'crashed', 'sh ended with 3: no'],
  ['kill -9 $$', 'crashed', 'was killed'],
  ['sleep 60', 'time-out', 'did not end after 1 s'],
  ['echo E 1', 'crashed', 'there is no file g.txt with the forces'],
  ['echo E 1; echo "0 0 1" > g.txt', 'crashed', 'g.txt has 3 numbers of 6 of the forces'],
  ['echo E 1; echo "0 0 NaN\n0 0 1" > g.txt', 'crashed', 'no finite numbers'],
  ['echo "0 0 1\n0 0 1" > g.txt', 'crashed', 'what it wrote has 0 numbers of 1 of the energy'],
])('%s: %s', async (lines, kind, what) => {
  const engine = await engineOf(script(lines));
  const failure = await labelFailure(engine.label(helium, labelOptions(1)));
  expect(failure).toMatchObject({ kind, what: expect.stringContaining(what) });
});

it('a structure of which the input would make another one is refused', async () => {
  const [crystals, molecules] = [await engineOf(pw()), await engineOf(script('exit 1'))];
  expect((await labelFailure(crystals.label(helium, labelOptions()))).what).toContain('has {{cell}}');
  expect((await labelFailure(molecules.label(aluminium, labelOptions()))).what).toContain('has no {{cell}}');
});

it('interrupted it is E_CANCELLED, and what runs is stopped', async () => {
  const engine = await engineOf(script('sleep 600'));
  const controller = new AbortController();
  const label = engine.label(helium, labelOptions(600, controller.signal));
  setTimeout(() => controller.abort(), 200);
  await expectError(() => label, 'E_CANCELLED');
});

it('what is wrong in the settings is said before anything runs', async () => {
  const good = script('exit');
  const cases: readonly [object, string][] = [
    [{ ...good, energy: { pattern: 'E', unit: 'eV' } }, '1 in parentheses'],
    [{ ...good, energy: { pattern: '(E', unit: 'eV' } }, 'a regular expression ('],
    [{ ...good, energy: { pattern: '(.)', unit: 'Ha' } }, 'must be one of eV, hartree'],
    [{ ...good, energy: { pattern: '(.)', unit: 'eV', sign: 'gradient' } }, 'an energy has its own'],
    [{ ...good, forces: undefined }, 'where the forces stand'],
    [{ ...good, input: { '../x': file('{{atoms}}') } }, 'in the folder of the run'],
    [{ ...good, input: { x: file('{{atoms}} {{spin}}') } }, '{{spin}}, which stands for nothing'],
    [{ ...good, input: { x: file('C 0 0 0') } }, 'no template has {{atoms}}'],
  ];
  for (const [given, part] of cases) await expectError(() => engineSettings(given), 'E_USAGE', part);
  await expectError(() => engineSettings({ ...good, input: { x: '/no/such' } }), 'E_FILE', '/no/such');
  await expectError(
    () => engineOf({ ...good, command: ['no-such-program'] }),
    'E_UNAVAILABLE',
    'no-such-program in PATH',
  );
});
