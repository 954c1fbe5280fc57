/** Throughput of one backend, in process: many small molecules at once, and water up to a million atoms. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { numberOf } from '../../src/elements.ts';
import type { Potential, System, Want } from '../../src/engine/potential.ts';
import type { BackendChoice } from '../../src/engine/select.ts';
import { loadModel } from '../../src/model/load.ts';
import { firstMembers } from '../../src/model/weights.ts';
import { ROOT } from '../lib/process.ts';
import { type Context, modelFor, ms, type Outcome, type Row, type Section } from '../lib/section.ts';
import { median } from '../lib/statistics.ts';
import { generate, type Recipe, type Structure, uniform } from '../lib/structures.ts';

const FORCES: ReadonlySet<Want> = new Set(['forces']);
const BATCHES = [1, 10, 100, 1000, 10_000, 100_000];
/** Molecules of water along each edge: 1500 to 1 000 188 atoms. */
const BOXES: readonly (readonly [number, number, number])[] = [
  ...([[10, 10, 5], [20, 10, 10], [20, 20, 20], [33, 33, 31], [69, 69, 70]] as const), // biome-ignore format: a box each
];
/** Of alcohols with 9 to 27 atoms. */
const CARBONS = [2, 4, 6, 8];
/** What would take longer is not measured, s. */
const LONGEST = 60;

export const batches = (backend: BackendChoice): Section => ({
  name: 'batches',
  title: `Throughput, ${backend} backend`,
  async run(context): Promise<Outcome> {
    const recipe = (kind: Recipe, name: string) => generate(join(context.folder, 'structures'), name, kind);
    const chains = CARBONS.map((carbons) => recipe({ kind: 'chain', carbons }, `alcohol_${carbons}c`));
    // As built: backends find their native parts beside them.
    const { openPotential } = (await import(
      join(ROOT, 'dist', 'engine', 'select.js')
    )) as typeof import('../../src/engine/select.ts');
    const model = await loadModel(modelFor(context, chains[0]).path);
    const rows: Row[] = [];
    for (const members of [1, model.members]) {
      const options = { backend, threads: context.threads };
      const potential = await openPotential(firstMembers(model, members), options);
      try {
        rows.push(...(await conformers(context, potential, chains)));
        for (const box of context.quick ? BOXES.slice(0, 1) : BOXES) {
          const structure = recipe({ kind: 'water', molecules: [...box] }, `water_${box.join('x')}`);
          const row = await water(context, potential, structure);
          rows.push(row);
          if (row.ms === '–') break;
        }
      } finally {
        potential.close();
      }
    }
    const notes = [
      `Energies and forces in single precision, ${modelFor(context, chains[0]).name}; conformers of 9 to 27 atoms. Device: ${device(backend)}.`,
      `– would have taken more than ${LONGEST} s.`,
    ];
    return { rows, checks: [], notes };
  },
});

async function conformers(context: Context, potential: Potential, chains: readonly Structure[]): Promise<Row[]> {
  const random = uniform(7);
  const rows: Row[] = [];
  let each = 0;
  for (const count of context.quick ? BATCHES.slice(0, 2) : BATCHES) {
    const batch = Array.from({ length: count }, (_, i) => moved(chains[i % chains.length], random));
    const time = (count * each) / 1000 > LONGEST ? undefined : await timeOf(context, potential, () => batch);
    each = time === undefined ? each : time / count;
    rows.push({
      ...{ system: 'conformers', members: potential.model.members, 'batch or atoms': count },
      ms: time === undefined ? '–' : ms(time),
      'µs a conformer': time === undefined ? '' : ms((1000 * time) / count),
      'a second': time === undefined ? '' : thousands((1000 * count) / time),
    });
    context.say(`${count} conformers`);
  }
  return rows;
}

async function water(context: Context, potential: Potential, structure: Structure): Promise<Row> {
  const random = uniform(9);
  const atoms = structure.symbols.length;
  context.say(structure.name);
  const time = await timeOf(context, potential, () => [moved(structure, random)]);
  return {
    ...{ system: 'water', members: potential.model.members, 'batch or atoms': atoms },
    ms: time === undefined ? '–' : ms(time),
    'a second': time === undefined ? '' : `${thousands((1000 * atoms) / time)} atoms·steps`,
  };
}

/** Median of some evaluations after a first one, ms; undefined where the first took too long. */
async function timeOf({ rounds }: Context, potential: Potential, next: () => System[]): Promise<number | undefined> {
  const once = async () => {
    const batch = next();
    const start = performance.now();
    for (const outcome of await potential.evaluate(batch, FORCES)) if (outcome instanceof Error) throw outcome;
    return performance.now() - start;
  };
  const first = await once();
  if (first > 1000 * LONGEST) return undefined;
  const times: number[] = [];
  const until = performance.now() + 300 * rounds;
  do times.push(await once());
  while (times.length < rounds || performance.now() < until);
  return median(times);
}

const moved = ({ symbols, positions, cell }: Structure, random: () => number): System => ({
  numbers: Int32Array.from(symbols, (symbol) => numberOf(symbol) ?? 0),
  positions: positions.map((x) => x + 0.02 * (random() - 0.5)),
  ...(cell && { cell, pbc: [true, true, true] as const }),
});

const thousands = (value: number): string =>
  value > 1e6 ? `${(value / 1e6).toFixed(2)} M` : `${(value / 1e3).toFixed(1)} k`;

/** What computes, as the driver names it. */
function device(backend: BackendChoice): string {
  if (backend !== 'tensorflow') return 'processors';
  try {
    return execFileSync('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], { encoding: 'utf8' }).trim();
  } catch {
    return 'processors (no NVIDIA driver)';
  }
}
