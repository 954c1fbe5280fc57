// A barrier that needs knowledge: β-tin to α-tin with a MEAM truth, learnt from disorder alone, with hand-picked crystals, and with
// the path between them: tools/active-learning/tin.mjs WORK. Two tables in Markdown on stdout, path.csv and path.svg in WORK. Every step
// goes on where it was stopped. After `npm run setup`; about twenty minutes on two cores.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '../../dist/active/config.js';
import { openEngine } from '../../dist/active/engines/open.js';
import { renderSvg } from '../../dist/analysis/plot.js';
import { formatExtxyz } from '../../dist/io/extxyz.js';
import { markdown, meanOf, predictions, spread } from '../member-errors.mjs';

const [given] = process.argv.slice(2);
if (given === undefined) throw new Error('usage: node tin.mjs WORK');
const work = resolve(given);
mkdirSync(work, { recursive: true });
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** c/a of the tetragonal cell of four atoms that both are: √2 makes it diamond. */
const [BETA, ALPHA] = [0.546, Math.SQRT2];
const RATIOS = Array.from({ length: 23 }, (_, i) => 0.5 + 0.05 * i);

/** @param {number} ratio c/a @param {number} volume Å³ an atom @param {readonly number[]} repeat */
function tetragonal(ratio, volume, repeat = [1, 1, 1]) {
  const a = Math.cbrt((4 * volume) / ratio);
  const edges = [a, a, a * ratio];
  const basis = [[0, 0, 0], [0, 0.5, 0.25], [0.5, 0.5, 0.5], [0.5, 0, 0.75]]; // biome-ignore format: an atom each
  /** @type {number[]} */
  const positions = [];
  for (let i = 0; i < repeat[0]; i++)
    for (let j = 0; j < repeat[1]; j++)
      for (let k = 0; k < repeat[2]; k++)
        for (const at of basis) positions.push(...at.map((x, d) => (x + [i, j, k][d]) * edges[d]));
  const [x, y, z] = edges.map((edge, d) => edge * repeat[d]);
  return {
    ...{ numbers: new Int32Array(positions.length / 3).fill(50), positions: Float64Array.from(positions) },
    ...{ cell: Float64Array.of(x, 0, 0, 0, y, 0, 0, 0, z), pbc: /** @type {const} */ ([true, true, true]) },
    ...{ info: {}, arrays: {} },
  };
}
const [beta, alpha] = [join(work, 'beta.extxyz'), join(work, 'alpha.extxyz')];
writeFileSync(beta, formatExtxyz(tetragonal(BETA, 26.4, [2, 2, 3])));
writeFileSync(alpha, formatExtxyz(tetragonal(ALPHA, 34.06, [2, 2, 1])));
// The same atoms in the same order, for the path.
const [from, to] = [join(work, 'path-beta.extxyz'), join(work, 'path-alpha.extxyz')];
writeFileSync(from, formatExtxyz(tetragonal(BETA, 26.4, [1, 1, 2])));
writeFileSync(to, formatExtxyz(tetragonal(ALPHA, 34.06, [1, 1, 2])));

const disorder = [
  {
    ...{ kind: 'disorder', composition: { Sn: [8, 24] }, density: [4.5, 7.6], min_distance: 2.8, smallest_box: 6 },
    count: 80,
  },
  {
    ...{ kind: 'dynamics', from: 'disorder', walkers: 60, duration: '3ps', timestep: 2, thermostat_time: '50fs' },
    temperature: { start: [100, 2000], end: [100, 1000] },
    density: { start: [4.5, 7.6], end: [5.5, 7.6] },
    sigma_force: 0.4,
  },
];
const crystals = [
  {
    ...{ kind: 'perturbation', from: [beta, alpha], displacement: 0.15, stretch: [0.93, 1.07], shear: 0.04 },
    ...{ min_distance: 2.2, count: 60 },
  },
];
const path = [{ kind: 'paths', between: [[from, to]], images: 15, count: 4, displacement: 0.08 }];
const ARMS = {
  disorder,
  'and crystals': [...disorder, ...crystals],
  'and the path': [...disorder, ...crystals, ...path],
};
/** @typedef {keyof typeof ARMS} Arm */
const arms = /** @type {Arm[]} */ (Object.keys(ARMS));
const folderOf = (/** @type {Arm} */ arm) => arm.replaceAll(' ', '-');

/** @param {Arm} arm */
const campaign = (arm) => ({
  ...{ name: folderOf(arm), samplers: ARMS[arm], rounds: 5 },
  limits: { min_distance: 1.8 },
  label: {
    engine: {
      kind: 'lammps',
      commands: ['pair_style meam', 'pair_coeff * * library.meam Sn NULL Sn'],
      ...{ elements: ['Sn'], level: 'MEAM' },
    },
    chunk: 32,
  },
  select: { count: 80, forces: 0.2 },
  training: {
    ...{ members: 4, epochs: 150, batch: 8 },
    optimiser: { learning_rate: 0.002, schedule: 'cosine', minimum: 1e-5 },
    model: {
      radial: { cutoff: 6.5, eta: 4, shifts: 16 },
      angular: { cutoff: 5.2, eta: 2, zeta: 8, shifts: 4, sections: 6 },
      layers: [48, 32, 24],
    },
  },
});

for (const arm of arms) {
  const deck = join(work, `${folderOf(arm)}.yaml`);
  // JSON is YAML.
  writeFileSync(deck, `${JSON.stringify(campaign(arm), undefined, 1)}\n`);
  const again = existsSync(join(work, folderOf(arm), 'journal.jsonl')) ? ['--resume'] : [];
  const { status } = spawnSync(process.execPath, [main, 'learn', deck, ...again], {
    ...{ cwd: work, stdio: ['ignore', 'ignore', 'inherit'] },
  });
  if (status !== 0) throw new Error(`mlts learn ${deck} ended with ${status}`);
}

// The truth along the path: the volume at rest of each ratio.
const deck = join(work, `${folderOf('disorder')}.yaml`);
const engine = await openEngine(parseConfig(readFileSync(deck, 'utf8'), deck).label.engine);
const scratch = mkdtempSync(join(tmpdir(), 'mlts-tin-'));
const signal = new AbortController().signal;
/** @param {number} ratio @param {number} volume */
const truthAt = async (ratio, volume) =>
  (await engine.label(tetragonal(ratio, volume), { scratch, seconds: 60, signal })).energy / 4;
/** @type {{ratio: number, volume: number, energy: number}[]} */
const points = [];
for (const ratio of RATIOS) {
  let [low, high] = [23, 40];
  // Golden section.
  while (high - low > 0.01) {
    const third = 0.381966 * (high - low);
    if ((await truthAt(ratio, low + third)) < (await truthAt(ratio, high - third))) high -= third;
    else low += third;
  }
  const volume = (low + high) / 2;
  points.push({ ratio, volume, energy: await truthAt(ratio, volume) });
}
engine.close();
rmSync(scratch, { recursive: true });

/** What a curve says: over β, of the barrier and of α; and how far from the truth. @param {readonly number[]} energies eV/atom */
function barrierOf(energies) {
  const bottom = Math.min(...energies.slice(0, 4));
  const top = Math.max(...energies.slice(1, 14));
  const end = Math.min(...energies.slice(14));
  const offsets = energies.map((energy, i) => energy - bottom - (points[i].energy - points[1].energy));
  const rms = Math.sqrt(offsets.reduce((sum, x) => sum + x * x, 0) / offsets.length);
  return { barrier: 1e3 * (top - bottom), end: 1e3 * (end - bottom), rms: 1e3 * rms };
}

const frames = points.map(({ ratio, volume }) => ({
  ...tetragonal(ratio, volume),
  energy: 0,
  forces: new Float64Array(12),
}));
const own = points.map(({ energy }) => energy);
const curves = [{ name: 'MEAM', energies: own, errors: own.map(() => 0) }];
const truth = barrierOf(own);
const rows = [['MEAM', '–', truth.barrier.toFixed(0), truth.end.toFixed(0), '–', '–']];
for (const arm of arms) {
  const folder = join(work, folderOf(arm));
  const stages = readFileSync(join(folder, 'journal.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const labels = stages.reduce((sum, { stage, counts }) => sum + (stage === 'label' ? counts.labelled : 0), 0);
  const last = readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'model.mlts')))
    .sort()
    .at(-1);
  const members = await predictions(join(folder, String(last), 'model.mlts'), frames);
  const perAtom = (/** @type {import('../member-errors.mjs').Predicted} */ { energies }) =>
    Array.from(energies, (energy) => energy / 4);
  const mean = perAtom(meanOf(members));
  const each = members.map((one) => perAtom(one));
  const [found, all] = [barrierOf(mean), each.map(barrierOf)];
  const cell = (/** @type {'barrier' | 'end' | 'rms'} */ key) =>
    `${found[key].toFixed(0)} ± ${spread(all.map((one) => one[key]))[1].toFixed(0)}`;
  const sigmas = mean.map((_, i) => spread(each.map((one) => one[i]))[1]);
  const largest = RATIOS[sigmas.indexOf(Math.max(...sigmas))];
  rows.push([
    arm,
    String(labels),
    cell('barrier'),
    cell('end'),
    cell('rms'),
    `${(1e3 * Math.max(...sigmas)).toFixed(0)} at ${largest.toFixed(2)}`,
  ]);
  curves.push({ name: arm, energies: mean, errors: sigmas });
}
const head = [
  'learnt from',
  'labels',
  'barrier from β, meV/atom',
  'α − β, meV/atom',
  'RMS along the path, meV/atom',
  'largest σ_E, meV/atom, at c/a',
];
process.stdout.write(markdown([head, ...rows]));
const table = [['c/a', 'V', ...curves.map(({ name }) => name)]].concat(
  RATIOS.map((ratio, i) => [
    ratio.toFixed(2),
    points[i].volume.toFixed(2),
    ...curves.map(({ energies }) => energies[i].toFixed(4)),
  ]),
);
writeFileSync(join(work, 'path.csv'), `${table.map((line) => line.join(',')).join('\n')}\n`);
const svg = await renderSvg({
  title: 'From β-tin to α-tin at volumes at rest',
  ...{ x: 'c/a', y: 'E, eV/atom' },
  curves: curves.map(({ name, energies, errors }) => ({
    name,
    points: energies.map((energy, i) => /** @type {[number, number]} */ ([RATIOS[i], energy])),
    errors,
  })),
});
writeFileSync(join(work, 'path.svg'), svg);
