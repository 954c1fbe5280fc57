// The campaign of espresso.yaml, and what its last model knows of crystals that it was never shown, against pw.x itself:
// tools/active-learning/espresso.mjs WORK. Two tables in Markdown on stdout. Every step goes on where it was stopped. After
// `npm run setup` and `apt-get install quantum-espresso`; about ten minutes on two cores.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { parseConfig } from '../../dist/active/config.js';
import { openEngine } from '../../dist/active/engines/open.js';
import { fitEquation } from '../../dist/analysis/equation-of-state.js';
import { crystal } from '../../dist/dynamics/structures/crystal.js';
import { markdown, meanOf, predictions, spread } from '../member-errors.mjs';

const [given] = process.argv.slice(2);
if (given === undefined) throw new Error('usage: node espresso.mjs WORK');
const work = resolve(given);
mkdirSync(work, { recursive: true });
const deck = fileURLToPath(new URL('espresso.yaml', import.meta.url));
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const folder = join(work, parse(readFileSync(deck, 'utf8')).name);

const begun = existsSync(join(folder, 'journal.jsonl'));
const { status } = spawnSync(process.execPath, [main, 'learn', deck, ...(begun ? ['--resume'] : [])], {
  ...{ cwd: work, stdio: ['ignore', 'ignore', 'inherit'] },
});
if (status !== 0) throw new Error(`mlts learn espresso.yaml ended with ${status}`);

const stages = readFileSync(join(folder, 'journal.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const of = (/** @type {string} */ stage) => stages.filter((one) => one.stage === stage);
let labels = 0;
const rounds = of('assess').map(({ round, counts }) => {
  const { labelled, failed, label_seconds: seconds } = of('label')[round].counts;
  labels += labelled;
  const uncertain = of('select')[round].counts.uncertain;
  const cells = [round, labels, failed, (seconds / labelled).toFixed(1), uncertain ?? '–', counts.held_out];
  const errors = [counts.energy_rmse_mev_per_atom.toFixed(1), (counts.force_rmse_mev_per_angstrom / 1e3).toFixed(3)];
  return [...cells.map(String), ...errors];
});
const head = ['round', 'labels', 'failed', 's a label', 'uncertain', 'held out', 'E meV/atom', 'F eV/Å'];
process.stdout.write(`${markdown([head, ...rounds])}\n`);

/** Where to look, Å, and atoms of the cell. */
const LATTICES = /** @type {const} */ ([
  ['fcc', 3.97, 4],
  ['bcc', 3.16, 2],
  ['hcp', 2.8, 2],
]);
/** GPa of 1 eV/Å³. */
const GPA = 160.2176634;
const SCALES = [0.88, 0.92, 0.96, 1, 1.04, 1.08, 1.12];
const engine = await openEngine(parseConfig(readFileSync(deck, 'utf8'), deck).label.engine);
const model = join(
  folder,
  readdirSync(folder)
    .filter((name) => name.startsWith('round-'))
    .sort()
    .at(-1) ?? '',
  'model.mlts',
);
const rows = [];
/** @type {Record<string, number[]>} Lowest energies by fcc, bcc …: of pw.x, of the members' mean, of each member. */
const lowest = {};
for (const [lattice, a, atoms] of LATTICES) {
  const frames = SCALES.map((scale) => ({
    ...crystal(lattice, [13], a * Math.cbrt(scale)),
    energy: 0,
    forces: new Float64Array(3 * atoms),
  }));
  const truth = [];
  for (const frame of frames) {
    const scratch = mkdtempSync(join(tmpdir(), 'mlts-espresso-'));
    const { energy } = await engine.label(
      { ...frame, info: {}, arrays: {} },
      { scratch, seconds: 600, signal: new AbortController().signal },
    );
    rmSync(scratch, { recursive: true });
    truth.push(energy / atoms);
  }
  const members = await predictions(model, frames);
  const volumes = frames.map(({ cell }) => Math.abs(determinant(/** @type {Float64Array} */ (cell))) / atoms);
  const stateOf = (/** @type {number[]} */ energies) => fitEquation('birch-murnaghan', volumes, energies);
  const each = members.flatMap(({ energies }) => {
    try {
      return [stateOf([...energies].map((energy) => energy / atoms))];
    } catch (error) {
      // A member to whom this lattice is unstable.
      process.stderr.write(`${lattice}: ${error instanceof Error ? error.message : error}\n`);
      return [];
    }
  });
  const [own, mean] = [stateOf(truth), stateOf([...meanOf(members).energies].map((energy) => energy / atoms))];
  const [truthMean, ...ofMembers] = [meanOf(members), ...members].map(({ energies }) => Math.min(...energies) / atoms);
  lowest[lattice] = [Math.min(...truth), truthMean, ...ofMembers];
  const cell = (
    /** @type {(fit: import('../../dist/analysis/equation-of-state.js').EquationOfState) => number} */ value,
    /** @type {number} */ digits,
  ) => `${value(mean).toFixed(digits)} ± ${spread(each.map(value))[1].toFixed(digits)}`;
  rows.push([
    `${lattice} (${each.length} of ${members.length})`,
    own.volume.toFixed(2),
    cell((one) => one.volume, 2),
    (GPA * own.modulus).toFixed(0),
    cell((one) => GPA * one.modulus, 0),
  ]);
}
engine.close();
for (const row of rows) {
  const above = lowest[row[0].slice(0, 3)].map((energy, i) => 1e3 * (energy - lowest.fcc[i]));
  row.push(above[0].toFixed(0), `${above[1].toFixed(0)} ± ${spread(above.slice(2))[1].toFixed(0)}`);
}
const crystals = [
  'lattice (members with a minimum)',
  'V₀ Å³ pw.x',
  'V₀ model',
  'B₀ GPa pw.x',
  'B₀ model',
  'E − E(fcc) meV pw.x',
  'E − E(fcc) model',
];
process.stdout.write(markdown([crystals, ...rows]));

/** @param {Float64Array} m */
function determinant(m) {
  return m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6]);
}
