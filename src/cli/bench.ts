/** `mlts bench`: how long a step takes here, where the time goes, and how near it comes to the arithmetic's limit. */
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { NativePotential } from '../engine/native.ts';
import type { Potential, System } from '../engine/potential.ts';
import { type BackendChoice, openPotential } from '../engine/select.ts';
import { MltsError } from '../errors.ts';
import { readStructures } from '../io/read.ts';
import { parseFrameIndex } from '../io/slice.ts';
import { loadModel } from '../model/load.ts';
import type { Model } from '../model/model.ts';
import { findModel } from '../model/registry.ts';
import { firstMembers } from '../model/weights.ts';
import { evaluate, normal, randomNumbers } from '../verify/evaluate.ts';
import { defaultStructure } from '../verify/structures.ts';
import { backendOption, count, print } from './options.ts';
import { table } from './table.ts';

const REPEATS = 41;
/** Repeats before those that count go on for at least so long, ms: compilers and caches settle as in a long run. */
const WARM_UP = 300;
/** Displacement between repeats, Å: that of a step of molecular dynamics. */
const MOVE = 0.01;

const EXAMPLES = `
Examples:
  mlts bench --model ani-2x                            a box of molecules
  mlts bench water.xyz protein.xyz --model ani-2x --threads 2 --json

Energy, forces, virial and σ of all members at each of ${REPEATS} repeats; atoms move by ${MOVE} Å in between.`;

interface Options {
  model: string;
  members?: number;
  threads?: number;
  backend?: BackendChoice;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('bench')
    .description('time of a step by stages, and the fraction of the peak rate')
    .argument('[structure...]', 'structure files, the first frame of each; default one made for the model')
    .requiredOption('--model <m>', 'a .mlts file or a name from the model folders')
    .option('--members <n>', 'only the first n members', count)
    .option('--threads <n>', 'threads that compute (default: all processors)', count)
    .addOption(backendOption())
    .option('--json', 'JSON Lines on stdout')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

/** The object of `mlts bench --json`; what a backend does not measure is null. */
interface Row {
  readonly structure: string;
  readonly natoms: number;
  readonly model: string;
  readonly members: number;
  readonly backend: string;
  readonly threads: number;
  readonly precision: 'single';
  readonly repeats: number;
  readonly ms_min: number;
  readonly ms_median: number;
  readonly ms_p95: number;
  readonly stages_ms: Record<'neighbours' | 'descriptor' | 'network' | 'backward' | 'reduce', number> | null;
  readonly flops: number | null;
  readonly gemm_gflops_peak: number | null;
  readonly fraction_of_peak: number | null;
  readonly rss_mb: number;
}

async function run(files: string[], options: Options): Promise<void> {
  const whole = await loadModel(await findModel(options.model));
  const model = options.members === undefined ? whole : cutDown(whole, options.members);
  const potential = await openPotential(model, { threads: options.threads, backend: options.backend });
  try {
    const structures = files.map((file): [string, System] => {
      const [{ frame }] = readStructures(file, parseFrameIndex('0'));
      return [basename(file), frame];
    });
    if (structures.length === 0) structures.push(['built in', await defaultStructure(potential)]);
    const rows: Row[] = [];
    for (const [name, system] of structures) {
      const row = await measure(name, system, potential, options.threads);
      rows.push(row);
      if (options.json) await print(`${JSON.stringify(row)}\n`);
    }
    if (!options.json) await print(asTable(rows));
  } finally {
    potential.close();
  }
}

/** @throws MltsError E_USAGE where the ensemble has fewer members */
function cutDown(model: Model, members: number): Model {
  if (members <= model.members) return firstMembers(model, members);
  throw new MltsError('E_USAGE', `--members is ${members}, ${model.name} has ${model.members}`, 'Ask for fewer.');
}

async function measure(
  structure: string,
  system: System,
  potential: Potential,
  threads = availableParallelism(),
): Promise<Row> {
  const native = potential instanceof NativePotential ? potential : undefined;
  const random = randomNumbers(7);
  const trajectory = potential.createTrajectory();
  const times: number[] = [];
  const stages: ReturnType<NativePotential['lastStages']>[] = [];
  const peak = native ? native.gemmPeak() : null;
  try {
    const warm = performance.now() + WARM_UP;
    while (times.length < REPEATS) {
      const positions = system.positions.map((x) => x + MOVE * normal(random));
      const start = performance.now();
      await evaluate(potential, [{ ...system, positions, trajectory }], ['forces', 'virial', 'sigma'], 'single');
      if (start < warm) continue;
      times.push(performance.now() - start);
      if (native) stages.push(native.lastStages());
    }
  } finally {
    trajectory.close();
  }
  const stage = (name: keyof (typeof stages)[number]) => median(stages.map((one) => one[name]));
  const network = stage('network');
  const flops = native ? stage('flops') : null;
  return {
    structure,
    natoms: system.numbers.length,
    model: potential.model.name,
    members: potential.model.members,
    backend: potential.backend,
    threads: potential.backend === 'reference' ? 1 : threads,
    precision: 'single',
    repeats: times.length,
    ms_min: Math.min(...times),
    ms_median: median(times),
    ms_p95: quantile(times, 0.95),
    stages_ms: native
      ? {
          neighbours: stage('neighbours'),
          descriptor: stage('descriptor'),
          network,
          backward: stage('backward'),
          reduce: stage('reduce'),
        }
      : null,
    flops,
    gemm_gflops_peak: peak === null ? null : peak / 1e9,
    fraction_of_peak: flops === null || peak === null ? null : flops / (network / 1000) / peak,
    rss_mb: process.memoryUsage.rss() / 1e6,
  };
}

const median = (values: readonly number[]) => quantile(values, 0.5);

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

function asTable(rows: readonly Row[]): string {
  const number = (value: number | null | undefined, digits = 3) =>
    value === null || value === undefined ? '—' : value.toFixed(digits);
  return table(
    [
      'structure',
      'atoms',
      'members',
      'median/ms',
      'min',
      'p95',
      'neighb.',
      'descr.',
      'network',
      'backw.',
      'reduce',
      'of peak',
      'MB',
    ],
    rows.map((row) => [
      ...[
        row.structure,
        String(row.natoms),
        String(row.members),
        number(row.ms_median),
        number(row.ms_min),
        number(row.ms_p95),
      ],
      ...(['neighbours', 'descriptor', 'network', 'backward', 'reduce'] as const).map((name) =>
        number(row.stages_ms?.[name]),
      ),
      ...[number(row.fraction_of_peak, 2), number(row.rss_mb, 0)],
    ]),
  );
}
