// Molecules with GFN2-xTB, active against random sampling of one pool: tools/active-learning/molecules.mjs WORK, where
// tools/default-model/pool.py has put WORK/pool and WORK/test.extxyz. A table in Markdown on stdout; compare.csv and compare.svg in WORK. Every step
// goes on where it was stopped. After `npm run setup`.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderSvg } from '../../dist/analysis/plot.js';
import { errorsOf, framesOf, markdown, meanOf, predictions, spread } from '../member-errors.mjs';

const [given] = process.argv.slice(2);
if (given === undefined) throw new Error('usage: node molecules.mjs WORK');
const work = resolve(given);
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

const SEEDS = [1, 2];
const [ROUNDS, COUNT] = [9, 150];
/** How many frames of the pool a round looks at, and what it takes of them. */
const ARMS = {
  active: { looks: 4000, select: { count: COUNT, forces: { sigma: 1e-9 }, pool: 0.1 } },
  random: { looks: COUNT, select: { count: COUNT, forces: { sigma: 1e-9 } } },
};
/** @typedef {keyof typeof ARMS} Arm */

/** @param {Arm} arm @param {number} seed */
const campaign = (arm, seed) => ({
  ...{ name: arm, folder: `${arm}-${seed}`, seed, rounds: ROUNDS },
  samplers: [{ kind: 'harvest', folder: 'pool', count: ARMS[arm].looks }],
  label: { engine: { kind: 'xtb' }, chunk: 32 },
  select: ARMS[arm].select,
  hold_out: 0.05,
  training: {
    ...{ members: 4, epochs: 120, batch: 16 },
    optimiser: { learning_rate: 0.001, schedule: 'cosine', minimum: 1e-5 },
    model: { elements: ['H', 'C', 'N', 'O'], layers: [64, 48, 32] },
  },
});

const test = await framesOf(join(work, 'test.extxyz'));
/** @typedef {{arm: Arm, seed: number, labels: number, errors: import('../member-errors.mjs').Errors}} Row of one seed and round */
/** @type {Row[]} */
const rows = [];
for (const seed of SEEDS) {
  for (const arm of /** @type {Arm[]} */ (Object.keys(ARMS))) {
    const folder = join(work, `${arm}-${seed}`);
    const deck = join(work, `${arm}-${seed}.yaml`);
    // JSON is YAML.
    writeFileSync(deck, `${JSON.stringify(campaign(arm, seed), undefined, 1)}\n`);
    const again = existsSync(join(folder, 'journal.jsonl')) ? ['--resume'] : [];
    const { status } = spawnSync(process.execPath, [main, 'learn', deck, ...again], {
      ...{ cwd: work, stdio: ['ignore', 'ignore', 'inherit'] },
    });
    if (status !== 0) throw new Error(`mlts learn ${deck} ended with ${status}`);
    let labels = 0;
    for (const line of readFileSync(join(folder, 'journal.jsonl'), 'utf8').trim().split('\n')) {
      const { round, stage, counts } = JSON.parse(line);
      if (stage === 'label') labels += counts.labelled;
      const model = join(folder, `round-${String(round).padStart(4, '0')}`, 'model.mlts');
      if (stage !== 'promote' || !existsSync(model)) continue;
      rows.push({ arm, seed, labels, errors: errorsOf(meanOf(await predictions(model, test)), test) });
    }
  }
}

/** What was proposed a second time is not labelled again: random campaigns have a few labels less. */
const COUNTS = [...new Set(rows.filter(({ arm }) => arm === 'active').map(({ labels }) => labels))];

/**
 * Between the rounds of one campaign, by logarithms; its last one beyond them.
 * @param {Row[]} curve
 * @param {(row: Row) => number} from what is given
 * @param {(row: Row) => number} to what is wanted
 * @param {number} at
 */
function between(curve, from, to, at) {
  const sign = Math.sign(from(curve[curve.length - 1]) - from(curve[0]));
  const next = curve.findIndex((row) => sign * (from(row) - at) >= 0);
  if (next === 0) return to(curve[0]);
  if (next < 0) return Number.NaN;
  const [a, b] = [curve[next - 1], curve[next]];
  const part = Math.log(at / from(a)) / Math.log(from(b) / from(a));
  return to(a) * (to(b) / to(a)) ** part;
}

/** @param {Arm} arm @param {number} seed */
const curve = (arm, seed) => rows.filter((row) => row.arm === arm && row.seed === seed);

/** @param {Arm} arm */
const curveOf = (arm) =>
  COUNTS.map((labels) => {
    const at = (/** @type {'energy' | 'forces'} */ of) =>
      SEEDS.map((seed) => {
        const own = curve(arm, seed);
        const most = own[own.length - 1].labels;
        return between(own, (row) => row.labels, ({ errors }) => errors[of], Math.min(labels, most)); // biome-ignore format: a call
      });
    return { labels, energy: spread(at('energy')), forces: spread(at('forces')) };
  });
const curves = { active: curveOf('active'), random: curveOf('random') };

/** How many labels random sampling needs for a force error. @param {number} error */
function labelsFor(error) {
  const own = SEEDS.map((seed) => curve('random', seed));
  const found = own.map((one) => between(one, ({ errors }) => errors.forces, ({ labels }) => labels, error)); // biome-ignore format: a call
  if (found.every(Number.isFinite)) return spread(found)[0].toFixed(0);
  return `more than ${Math.min(...own.map((one) => one[one.length - 1].labels))}`;
}

const value = (/** @type {readonly number[]} */ [mean, deviation], /** @type {number} */ digits) =>
  `${mean.toFixed(digits)} ± ${deviation.toFixed(digits)}`;
const head = ['labels', 'active E meV/atom', 'active F eV/Å', 'random E', 'random F', 'labels at random for this F'];
const lines = curves.active.map((row, i) => {
  const other = curves.random[i];
  const cells = [value(row.energy, 1), value(row.forces, 3), value(other.energy, 1), value(other.forces, 3)];
  return [String(row.labels), ...cells, labelsFor(row.forces[0])];
});
writeFileSync(join(work, 'compare.csv'), `${[head, ...lines].map((line) => line.join(',')).join('\n')}\n`);
process.stdout.write(markdown([head, ...lines]));
const svg = await renderSvg({
  title: 'Molecules that no training saw: force errors against labels',
  x: 'labels',
  y: 'F RMSE, eV/Å',
  logarithmic: true,
  curves: Object.entries(curves).map(([name, own]) => ({
    name,
    points: own.map(({ labels, forces }) => /** @type {[number, number]} */ ([labels, forces[0]])),
    errors: own.map(({ forces }) => forces[1]),
  })),
});
writeFileSync(join(work, 'compare.svg'), svg);
