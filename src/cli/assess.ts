/** `mlts assess`: a model against labelled structures. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Assessment, Assessor } from '../analysis/assess/assessment.ts';
import { assessmentPage, sectionsOf, trustLines } from '../analysis/assess/report.ts';
import type { Frame } from '../dataset/dataset.ts';
import { readFrames } from '../dataset/read/read.ts';
import { Account } from '../dataset/read/source.ts';
import type { Potential, Precision } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { OutputFile } from '../io/write.ts';
import { interruption, print } from './options.ts';
import { Progress } from './progress.ts';
import { openSource } from './source.ts';
import { table } from './table.ts';

interface Options {
  model?: string;
  connect?: string;
  keys?: string;
  precision: Precision;
  bad?: number;
  report?: string;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  mlts assess test.extxyz --model ani-2x                          tables
  mlts assess test.mltsdata --model my.mlts --report my.html      a page with plots
  mlts assess s66x8_wb97x6-31gd.h5 --model ani-2x --json          COMP6, as it is
  mlts assess new.extxyz --connect tcp://127.0.0.1:5588 --bad 0.5 which structures with errors above 0.5 eV/Å does σ find?

Structures of one formula and one group (in HDF5: molecule) are conformers; differences are those of all their pairs.
Calibration is RMS error over RMS σ. AUROC: the probability that a bad structure has a larger σ than a good one; bad is the worst
twentieth unless --bad says otherwise. A structure that fails is told on stderr; the rest go on.`;

export function register(program: Command): void {
  program
    .command('assess')
    .description('errors of a model against labels: by size, element, force, conformers; calibration of σ')
    .argument('<data...>', 'data set of mlts data, extended XYZ, HDF5, npz, ASE database: energies and forces')
    .option('--model <m>', 'a .mlts file or a name from the model folders')
    .option('--connect <endpoint>', 'ask a server instead of computing here')
    .option('--keys <file>', 'CURVE key file for a server on another machine (mlts keys)')
    .addOption(new Option('--precision <p>', 'arithmetic').choices(['single', 'double']).default('single'))
    .option('--bad <eV/Å>', 'an error of the force on an atom that makes a structure bad', positive)
    .option('--report <file>', 'write a page with tables and plots: .html')
    .option('--json', 'one JSON object on stdout instead of tables')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Give a number above 0.');
}

async function run(files: string[], options: Options): Promise<void> {
  const { precision, bad, report, json } = options;
  const signal = interruption();
  const potential = await openSource(options);
  const file = report === undefined ? undefined : new OutputFile(report);
  try {
    const assessor = new Assessor();
    const failed = await assess(files, potential, assessor, { precision, signal });
    const found = assessor.result({ bad });
    if (file !== undefined) {
      file.write(await assessmentPage(found, potential.model.name, files));
      file.commit();
    }
    await print(json ? `${JSON.stringify(jsonOf(found, potential, files, failed))}\n` : textOf(found));
    if (failed > 0) process.exitCode = 1;
  } finally {
    file?.discard();
    potential.close();
  }
}

interface Named {
  readonly name: string;
  readonly frame: Frame;
}

/** @returns how many structures failed */
async function assess(
  files: readonly string[],
  potential: Potential,
  assessor: Assessor,
  options: { precision: Precision; signal: AbortSignal },
): Promise<number> {
  const account = new Account();
  const progress = new Progress('structures');
  let [done, failed] = [0, 0];
  for await (const batch of batches(files, account)) {
    const systems = batch.map(({ frame: { numbers, positions, cell, pbc } }) => ({
      ...{ numbers, positions },
      ...(cell !== undefined && { cell }),
      ...(pbc !== undefined && { pbc }),
    }));
    const outcomes = await potential.evaluate(systems, new Set(['forces', 'sigma']), options);
    options.signal.throwIfAborted();
    for (const [i, outcome] of outcomes.entries()) {
      const { name, frame } = batch[i];
      if (outcome instanceof MltsError) {
        progress.clear();
        process.stderr.write(`${name}: ${outcome.message}\n`);
        failed++;
      } else assessor.add(name, frame, outcome);
    }
    done += batch.length;
    progress.update(done);
  }
  progress.clear();
  for (const note of account.notes) process.stderr.write(`${note}\n`);
  for (const [reason, { count, example }] of account.excluded) {
    process.stderr.write(`${count} left out: ${reason} (first ${example})\n`);
  }
  return failed;
}

const BATCH_ATOMS = 4096;

async function* batches(files: readonly string[], account: Account): AsyncGenerator<Named[]> {
  let [batch, atoms] = [[] as Named[], 0];
  for (const file of files) {
    let index = 0;
    for await (const frame of readFrames(file, {}, account)) {
      batch.push({ name: `${file}[${index++}]`, frame });
      atoms += frame.numbers.length;
      if (atoms < BATCH_ATOMS) continue;
      yield batch;
      [batch, atoms] = [[], 0];
    }
  }
  if (batch.length > 0) yield batch;
}

function textOf(found: Assessment): string {
  const [first, ...others] = sectionsOf(found);
  const lines = trustLines(found);
  return [
    `${first.title}\n${table(first.head, first.rows)}`,
    ...(lines.length > 0 ? [`${lines.join('\n')}\n`] : []),
    ...others.map(({ title, head, rows }) => `${title}\n${table(head, rows)}`),
  ].join('\n');
}

function jsonOf(found: Assessment, { model }: Potential, data: readonly string[], failed: number): object {
  const { byElement, bySize, byForce, ...rest } = found;
  const open = <R extends { to: number }>({ to, ...range }: R) => ({ ...range, to: to === Infinity ? null : to });
  return {
    ...{ model: model.name, sha256: model.sha256, data, failed, units: { energy: 'eV', length: 'angstrom' } },
    ...rest,
    byElement: Object.fromEntries(byElement),
    bySize: bySize.map(open),
    byForce: byForce.map(open),
  };
}
