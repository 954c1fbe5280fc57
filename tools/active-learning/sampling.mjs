// What random disorder teaches of crystals and crystals of disorder, for aluminium: tools/active-learning/sampling.mjs WORK. Three
// training sets of equal size by the samplers of `mlts learn`, each tested on frames of both kinds that it did not see; a table in
// Markdown on stdout. Every step goes on where it was stopped. After `npm run setup`; some minutes on two cores.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorsOf, framesOf, markdown, meanOf, predictions, spread } from '../member-errors.mjs';

const [given] = process.argv.slice(2);
if (given === undefined) throw new Error('usage: node sampling.mjs WORK');
const work = resolve(given);
mkdirSync(work, { recursive: true });
const root = fileURLToPath(new URL('../..', import.meta.url));
const LABELS = 400;

/** Random atoms in random boxes, and about as many random crystals in random space groups: most have atoms too close. @param {number} count */
const random = (count) => [
  {
    ...{ kind: 'disorder', composition: { Al: [8, 24] }, density: [2.0, 3.2], min_distance: 2.1, smallest_box: 5 },
    count: count / 2,
  },
  { kind: 'space-groups', composition: { Al: [2, 12] }, volume: [0.9, 1.5], min_distance: 2.1, count: 2 * count },
];
/** fcc, bcc and hcp with displaced atoms, strained, some with a vacancy. @param {number} count */
const crystals = (count) => [
  {
    ...{ kind: 'perturbation', from: 'crystals.extxyz', displacement: 0.15, stretch: [0.94, 1.06], shear: 0.03 },
    ...{ vacancies: [0, 1], min_distance: 1.9, count },
  },
];
const ARMS = {
  random: random(LABELS),
  crystal: crystals(LABELS),
  both: [...random(LABELS / 2), ...crystals(LABELS / 2)],
};

/** @param {string} name @param {readonly object[]} samplers */
const campaign = (name, samplers) => ({
  ...{ name, samplers, rounds: 1, seed: { random: 1, crystal: 2, both: 3 }[name], hold_out: 0.2 },
  limits: { min_distance: 1.5 },
  label: {
    engine: {
      kind: 'lammps',
      commands: ['pair_style eam/alloy', 'pair_coeff * * Al_zhou.eam.alloy Al'],
      ...{ elements: ['Al'], level: 'EAM' },
    },
    chunk: 32,
  },
  select: { count: LABELS, first: LABELS, forces: 0.1 },
  training: {
    ...{ members: 4, epochs: 200, batch: 8 },
    optimiser: { learning_rate: 0.002, schedule: 'cosine', minimum: 1e-5 },
    model: {
      radial: { cutoff: 6, eta: 4, shifts: 16 },
      angular: { cutoff: 4.5, eta: 2, zeta: 8, shifts: 4, sections: 6 },
      layers: [48, 32, 24],
    },
  },
});

if (!existsSync(join(work, 'crystals.extxyz'))) {
  const script = [
    'from ase.build import bulk',
    'from ase.io import write',
    "sizes = {'fcc': (4.08, 3, 3, 3), 'bcc': (3.24, 3, 3, 3), 'hcp': (2.88, 3, 3, 2)}",
    "cells = [bulk('Al', name, a=a).repeat(n) for name, (a, *n) in sizes.items()]",
    "write('crystals.extxyz', cells)",
  ];
  execFileSync(join(root, '.venv', 'bin', 'python'), ['-c', script.join('\n')], { cwd: work, stdio: 'inherit' });
}
for (const [name, samplers] of Object.entries(ARMS)) {
  // JSON is YAML.
  writeFileSync(join(work, `${name}.yaml`), `${JSON.stringify(campaign(name, samplers), undefined, 1)}\n`);
  if (existsSync(join(work, name, 'round-0000', 'promotion.json'))) continue;
  const again = existsSync(join(work, name, 'journal.jsonl')) ? ['--resume'] : [];
  const args = [join(root, 'dist', 'cli', 'main.js'), 'learn', `${name}.yaml`, ...again];
  const { status } = spawnSync(process.execPath, args, { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`mlts learn ${name}.yaml ended with ${status}`);
}

const TESTS = ['random', 'crystal'];
const head = ['trained on', 'frames', 'tested on', 'frames', 'E meV/atom', 'F eV/Å', 'E of the mean', 'F of the mean'];
const rows = [];
for (const name of Object.keys(ARMS)) {
  const taught = await framesOf(join(work, name, 'round-0000', 'train.extxyz'));
  for (const test of TESTS) {
    const frames = await framesOf(join(work, test, 'round-0000', 'test.extxyz'));
    const members = await predictions(join(work, name, 'round-0000', 'model.mlts'), frames);
    const each = members.map((one) => errorsOf(one, frames));
    const mean = errorsOf(meanOf(members), frames);
    const cell = (/** @type {'energy' | 'forces'} */ of, /** @type {number} */ digits) =>
      spread(each.map((one) => one[of]))
        .map((x) => x.toFixed(digits))
        .join(' ± ');
    rows.push([
      ...[name, String(taught.length), test, String(frames.length), cell('energy', 1), cell('forces', 3)],
      ...[mean.energy.toFixed(1), mean.forces.toFixed(3)],
    ]);
  }
}
process.stdout.write(markdown([head, ...rows]));
