// Errors on molecules that no training saw, WORK/high-test.extxyz: networks trained on the labels of the high level alone, from
// the low level's network, and the low level itself. RMSE of each formula, of which the median over formulas counts: water and N₂,
// which are like nothing else, would otherwise be all there is. Tables in Markdown on stdout; compare.csv and compare.svg in WORK.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderSvg } from '../../dist/analysis/plot.js';
import { fitSelfEnergies } from '../../dist/dataset/self-energies.js';
import { errorsOf, framesOf, markdown, meanOf, predictions, spread } from '../member-errors.mjs';

/** @typedef {import('../member-errors.mjs').Labelled} Labelled */
/** @typedef {import('../member-errors.mjs').Errors} Errors */

const [work] = process.argv.slice(2);
if (work === undefined) throw new Error('usage: node compare.mjs WORK');
const at = (/** @type {string} */ name) => join(work, name);

const COUNTS = [50, 100, 200, 400];
const SYMBOLS = new Map([
  [1, 'H'],
  [6, 'C'],
  [7, 'N'],
  [8, 'O'],
]);
const symbolOf = (/** @type {number} */ z) => /** @type {string} */ (SYMBOLS.get(z));

/**
 * Energies of atoms by which the low level comes closest to the high one, by least squares over the first `count` frames.
 * @param {Float64Array} low eV
 * @param {Labelled[]} high
 * @param {number} count
 */
function shiftsBy(low, high, count) {
  const compositions = high.slice(0, count).map(({ numbers }) => {
    const counts = new Map();
    for (const z of numbers) counts.set(symbolOf(z), (counts.get(symbolOf(z)) ?? 0) + 1);
    return counts;
  });
  const natoms = Uint32Array.from(high.slice(0, count), ({ numbers }) => numbers.length);
  const found = { natoms, compositions, composition: Uint32Array.from(compositions, (_, i) => i) };
  const off = Float64Array.from(compositions, (_, i) => high[i].energy - low[i]);
  const frames = Int32Array.from(compositions, (_, i) => i);
  const { energies } = fitSelfEnergies(found, off, frames, [...SYMBOLS.values()]);
  return (/** @type {Labelled} */ { numbers }) => numbers.reduce((sum, z) => sum + energies[symbolOf(z)], 0);
}

const [test, train] = [await framesOf(at('high-test.extxyz')), await framesOf(at('high-400.extxyz'))];
const [lowTest, lowTrain] = [await framesOf(at('low-test.extxyz')), await framesOf(at('low-train.extxyz'))];
/** @param {Labelled[]} frames */
const labelsOf = (frames) => ({
  energies: Float64Array.from(frames, ({ energy }) => energy),
  forces: frames.map(({ forces }) => forces),
});

/** @param {Labelled} frame */
function formulaOf({ numbers }) {
  const count = (/** @type {number} */ z) => numbers.filter((other) => other === z).length;
  return [6, 1, 7, 8].map((z) => (count(z) === 0 ? '' : `${symbolOf(z)}${count(z) === 1 ? '' : count(z)}`)).join('');
}
const formulas = [...new Set(test.map(formulaOf))];
const median = (/** @type {number[]} */ values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/**
 * @param {import('../member-errors.mjs').Predicted} got
 * @param {string} formula
 * @param {(frame: Labelled) => number} [shift]
 */
function errorsIn({ energies, forces }, formula, shift) {
  const own = test.flatMap((frame, i) => (formulaOf(frame) === formula ? [i] : []));
  const part = { energies: Float64Array.from(own, (i) => energies[i]), forces: own.map((i) => forces[i]) };
  return errorsOf(part, own.map((i) => test[i]), shift); // biome-ignore format: a call
}

/**
 * Medians over the formulas.
 * @param {import('../member-errors.mjs').Predicted} got
 * @param {(frame: Labelled) => number} [shift]
 * @returns {Errors}
 */
function mediansOf(got, shift) {
  const all = formulas.map((formula) => errorsIn(got, formula, shift));
  return { energy: median(all.map(({ energy }) => energy)), forces: median(all.map(({ forces }) => forces)) };
}

/** @typedef {{how: string, count: number, mean: Errors, members: Errors[]}} Row */
/** @type {Row[]} */
const rows = [];
const [networks, taught] = [await predictions(at('low.mlts'), test), await predictions(at('low.mlts'), train)];
for (const count of COUNTS) {
  const xtb = mediansOf(labelsOf(lowTest), shiftsBy(labelsOf(lowTrain).energies, train, count));
  rows.push({ how: 'GFN2-xTB', count, mean: xtb, members: [] });
  rows.push({
    ...{ how: 'low network', count },
    mean: mediansOf(meanOf(networks), shiftsBy(meanOf(taught).energies, train, count)),
    members: networks.map((one, m) => mediansOf(one, shiftsBy(taught[m].energies, train, count))),
  });
  for (const how of ['scratch', 'transfer']) {
    const members = await predictions(at(`${how}-${count}.mlts`), test);
    rows.push({ how, count, mean: mediansOf(meanOf(members)), members: members.map((one) => mediansOf(one)) });
  }
}

/** @param {Row} row @param {'energy' | 'forces'} of @param {number} digits */
function cells({ mean, members }, of, digits) {
  const [middle, deviation] = spread(members.map((one) => one[of]));
  const each = members.length === 0 ? '–' : `${middle.toFixed(digits)} ± ${deviation.toFixed(digits)}`;
  return [each, mean[of].toFixed(digits)];
}
const head = ['labels', 'by', 'E of a member meV/atom', 'E of the mean', 'F of a member eV/Å', 'F of the mean'];
const lines = rows.map((row) => [String(row.count), row.how, ...cells(row, 'energy', 1), ...cells(row, 'forces', 3)]);
writeFileSync(at('compare.csv'), `${[head, ...lines].map((line) => line.join(',')).join('\n')}\n`);
process.stdout.write(`${test.length} test frames of ${formulas.length} formulas\n\n${markdown([head, ...lines])}\n`);

/** Of the members' mean, by formula. */
const best = COUNTS[COUNTS.length - 1];
const shift = shiftsBy(meanOf(taught).energies, train, best);
const scratch = meanOf(await predictions(at(`scratch-${best}.mlts`), test));
const transfer = meanOf(await predictions(at(`transfer-${best}.mlts`), test));
const cellOf = (/** @type {Errors} */ { energy, forces }) => `${energy.toFixed(0)}, ${forces.toFixed(2)}`;
const byFormula = formulas.map((formula) => [
  ...[formula, String(test.filter((frame) => formulaOf(frame) === formula).length)],
  cellOf(errorsIn(labelsOf(lowTest), formula, shiftsBy(labelsOf(lowTrain).energies, train, best))),
  cellOf(errorsIn(meanOf(networks), formula, shift)),
  ...[cellOf(errorsIn(scratch, formula)), cellOf(errorsIn(transfer, formula))],
]);
const names = ['formula', 'frames', 'GFN2-xTB', 'low network', `scratch, ${best}`, `transfer, ${best}`];
process.stdout.write(markdown([names, ...byFormula]));

/** @param {string} how */
function curveOf(how) {
  const own = rows.filter((row) => row.how === how);
  const drawn = own.map(({ mean, members }) =>
    members.length === 0 ? [mean.forces, 0] : spread(members.map(({ forces }) => forces)),
  );
  const points = own.map(({ count }, i) => /** @type {[number, number]} */ ([count, drawn[i][0]]));
  return { name: how, points, errors: drawn.map(([, deviation]) => deviation) };
}
const svg = await renderSvg({
  title: 'Forces of molecules that no training saw',
  x: 'labels of the high level',
  y: 'F RMSE, eV/Å (median over formulas)',
  logarithmic: true,
  curves: ['GFN2-xTB', 'low network', 'scratch', 'transfer'].map(curveOf),
});
writeFileSync(at('compare.svg'), svg);
