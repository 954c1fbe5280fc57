/** `npm run bench`: every section in turn, then bench/results/latest.json and docs/benchmarks.md. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { machine } from './lib/machine.ts';
import { type BenchModel, makeModel, type Shape } from './lib/models.ts';
import { type BenchOptions, benchOptions, USAGE } from './lib/options.ts';
import { ROOT } from './lib/process.ts';
import { Prototype } from './lib/prototype.ts';
import type { Context, Outcome, Section } from './lib/section.ts';
import { generate, type Recipe, readStructures, type Structure } from './lib/structures.ts';
import { page, type Results } from './lib/table.ts';
import { batches } from './sections/batches.ts';
import { type ClientsCase, clients } from './sections/clients.ts';
import { hipnn } from './sections/hipnn.ts';
import { lammps } from './sections/lammps.ts';
import { memory } from './sections/memory.ts';
import { scaling } from './sections/scaling.ts';
import { speed } from './sections/speed.ts';
import { start } from './sections/start.ts';
import { training } from './sections/training.ts';
import { wire } from './sections/wire.ts';

interface Cases {
  readonly models: Readonly<Record<string, Shape>>;
  readonly structures: Readonly<Record<string, Recipe>>;
  readonly speed: readonly string[];
  readonly hipnn: readonly string[];
  readonly scaling: readonly string[];
  readonly memory: Readonly<Record<string, number>>;
  readonly wire: readonly string[];
  readonly lammps: readonly string[];
  readonly clients: ClientsCase;
  readonly start: string;
}

const cases = JSON.parse(readFileSync(join(ROOT, 'bench', 'cases.json'), 'utf8')) as Cases;
const LATEST = join(ROOT, 'bench', 'results', 'latest.json');
const folder = join(ROOT, 'build', 'bench', 'work');
const python = join(ROOT, '.venv', 'bin', 'python');
// $MLTS_COMMAND: another build than the checkout's, for comparisons.
const mlts = process.env.MLTS_COMMAND?.split(' ') ?? [process.execPath, join(ROOT, 'dist', 'cli', 'main.js')];
const say = (text: string) => process.stderr.write(`${text}\n`);

/** Generated structures, and those of the folder that the user names or that lies beside the checkout. */
function structures(named: string | undefined): { all: Map<string, Structure>; external: string[] } {
  const all = new Map<string, Structure>();
  const shared = join(ROOT, '..', 'shared', 'bench', 'structures');
  const directory = named ?? (existsSync(shared) ? shared : undefined);
  const external = directory === undefined ? [] : readStructures(directory);
  for (const [name, recipe] of Object.entries(cases.structures))
    all.set(name, generate(join(folder, 'structures'), name, recipe));
  for (const structure of external) all.set(structure.name, structure);
  return { all, external: external.map(({ name }) => name) };
}

async function main(options: BenchOptions): Promise<void> {
  const { threads, rounds, quick } = options;
  const { all, external } = structures(options.structures);
  const models = new Map<string, BenchModel>();
  for (const [name, shape] of Object.entries(cases.models)) {
    models.set(name, await makeModel(mlts, join(folder, 'models'), name, shape));
  }
  const prototype = quick ? undefined : await Prototype.build(join(folder, 'prototype'), python);
  const context: Context = { mlts, threads, rounds, models, structures: all, prototype, folder, quick, say };

  const sections: readonly Section[] = [
    speed(external.length > 0 ? external : cases.speed),
    hipnn(external.length > 0 ? external : cases.hipnn),
    training,
    scaling(cases.scaling),
    memory(cases.memory),
    wire(cases.wire),
    lammps(cases.lammps),
    clients(cases.clients),
    start(cases.start),
    batches(options.backend),
  ];
  const isAll = options.sections.length === 0;
  const chosen = sections.filter(({ name }) => isAll || options.sections.includes(name));
  const done: Record<string, Outcome & { title: string }> = isAll || quick ? {} : before();
  const results: Results = { machine: machine(), threads, rounds, compared: prototype !== undefined, sections: done };
  for (const section of chosen) {
    say(`── ${section.title}`);
    done[section.name] = { title: section.title, ...(await section.run(context)) };
    if (!quick) write(results);
  }
  process.stdout.write(page(results));
}

/** The sections of the last run. */
const before = (): Results['sections'] =>
  existsSync(LATEST) ? (JSON.parse(readFileSync(LATEST, 'utf8')) as Results).sections : {};

function write(results: Results): void {
  mkdirSync(dirname(LATEST), { recursive: true });
  writeFileSync(LATEST, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(ROOT, 'docs', 'benchmarks.md'), page(results));
}

let options: BenchOptions | 'help' | undefined;
try {
  options = benchOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
  process.exitCode = 2;
}
if (options === 'help') process.stdout.write(USAGE);
else if (options !== undefined) await main(options);
