// Errors of every round's model of two campaigns on frames that neither has seen: WORK/{aluminium-active,aluminium-random}
// against WORK/{cold,crystal,liquid}.extxyz; a table in Markdown on stdout, compare.csv and compare.svg in WORK.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderSvg } from '../../dist/analysis/plot.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const [work] = process.argv.slice(2);
if (work === undefined) throw new Error('usage: node compare.mjs WORK');

const ARMS = ['active', 'random'];
const SETS = ['cold', 'crystal', 'liquid'];

/**
 * meV/atom, eV/Å
 * @param {string} model
 * @param {string} set
 * @returns {{energy: number, forces: number}}
 */
function errorsOf(model, set) {
  const args = [main, 'assess', join(work, `${set}.extxyz`), '--model', model, '--json'];
  const { energyPerAtom, forces } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
  return { energy: 1e3 * energyPerAtom.rmse, forces: forces.rmse };
}

/** @typedef {{arm: string, labels: number, errors: Record<string, {energy: number, forces: number}>}} Row */

/** @type {Row[]} */
const rows = ARMS.flatMap((arm) => {
  const folder = join(work, `aluminium-${arm}`);
  const labels = new Map();
  let total = 0;
  for (const line of readFileSync(join(folder, 'journal.jsonl'), 'utf8').trim().split('\n')) {
    const { round, stage, counts } = JSON.parse(line);
    if (stage !== 'label') continue;
    total += counts.labelled;
    labels.set(round, total);
  }
  return [...labels].flatMap(([round, count]) => {
    const model = join(folder, `round-${String(round).padStart(4, '0')}`, 'model.mlts');
    if (!existsSync(model)) return [];
    const errors = Object.fromEntries(SETS.map((set) => [set, errorsOf(model, set)]));
    return [{ arm, labels: count, errors }];
  });
});

/** @param {Row} row */
const cells = ({ errors }) => SETS.flatMap((set) => [errors[set].energy.toFixed(1), errors[set].forces.toFixed(3)]);
const head = ['campaign', 'labels', ...SETS.flatMap((set) => [`${set} E meV/atom`, `${set} F eV/Å`])];
const lines = rows.map((row) => [row.arm, String(row.labels), ...cells(row)]);
writeFileSync(join(work, 'compare.csv'), `${[head, ...lines].map((line) => line.join(',')).join('\n')}\n`);
const table = [head, head.map(() => '---'), ...lines].map((line) => `| ${line.join(' | ')} |`);
process.stdout.write(`${table.join('\n')}\n`);

/**
 * @param {string} arm
 * @param {string} set
 * @returns {[number, number][]}
 */
const points = (arm, set) =>
  rows.filter((row) => row.arm === arm).map(({ labels, errors }) => [labels, errors[set].forces]);
const svg = await renderSvg({
  title: 'Force errors against labels: aluminium from nothing',
  x: 'labels',
  y: 'F RMSE, eV/Å',
  logarithmic: true,
  curves: ['crystal', 'liquid'].flatMap((set) =>
    ARMS.map((arm) => ({ name: `${set}, ${arm}`, points: points(arm, set) })),
  ),
});
writeFileSync(join(work, 'compare.svg'), svg);
