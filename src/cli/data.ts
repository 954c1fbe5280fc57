/** `mlts data`: labelled structures in files that are read from disk frame by frame. */
import { setImmediate as signalsArrive } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { checkDataset, LIMITS } from '../dataset/check/check.ts';
import { chunksOf, type Dataset } from '../dataset/dataset.ts';
import { BLOCKS } from '../dataset/parts.ts';
import { readFrames } from '../dataset/read/read.ts';
import { Account, QUANTITIES, type Quantity, type ReadOptions } from '../dataset/read/source.ts';
import { splitDataset } from '../dataset/split.ts';
import { DatasetWriter, StoredDataset } from '../dataset/store.ts';
import { selfEnergiesOf, summarise } from '../dataset/summary.ts';
import { writeDataset } from '../dataset/write/write.ts';
import { MltsError } from '../errors.ts';
import type { EnergyUnit, LengthUnit } from '../units.ts';
import { Bar } from './bar.ts';
import { checkText, importText, infoText } from './data-text.ts';
import { above, interruption, print } from './options.ts';
import { Progress } from './progress.ts';

const EXAMPLES = `
Examples:
  mlts data import frames.extxyz -o set.mltsdata
  mlts data import ani1x-release.h5 -o ani1x.mltsdata              wB97X/6-31G* energies and forces
  mlts data import ani1x-release.h5 -o cc.mltsdata --labels 'ccsd(t)_cbs'
  mlts data import qm7.npz -o qm7.mltsdata --names positions=R,numbers=Z,energy=T --energy-unit kcal/mol
  mlts data info set.mltsdata
  mlts data check set.mltsdata -o clean.mltsdata                   units, signs, duplicates, outliers …
  mlts data split clean.mltsdata -o clean --validation 0.1 --test 0.1
  mlts data merge a.mltsdata b.mltsdata -o both.mltsdata
  mlts data export clean.mltsdata -o clean.h5                      or .extxyz, .npz

Formats that are read: extended XYZ and other structure files, HDF5 of the ANI family, hippynn .npz and folders of .npy, ASE .db.`;

const share = (text: string): number => {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('Give a share from 0 to below 1.');
};

const names = (text: string): Partial<Record<Quantity, string>> =>
  Object.fromEntries(
    text.split(',').map((pair) => {
      const [quantity, name] = pair.split('=');
      if (QUANTITIES.includes(quantity as Quantity) && name) return [quantity, name];
      throw new InvalidArgumentError(`Give QUANTITY=NAME,…; quantities are ${QUANTITIES.join(', ')}.`);
    }),
  );

const out = ['-o, --out <file>', 'what to write; appears when it is complete'] as const;
const json = ['--json', 'JSON on stdout'] as const;

export function register(program: Command): void {
  const data = program
    .command('data')
    .description('import, look at, check, split, merge and export labelled structures')
    .addHelpText('after', EXAMPLES);
  const add = (name: string, description: string, argument: string) =>
    data
      .command(name)
      .description(description)
      .argument(argument)
      .option(...json)
      .addHelpText('after', EXAMPLES);
  add('import', 'make a data set of files of other formats', '<file...>')
    .requiredOption(...out)
    .addOption(new Option('--energy-unit <unit>', 'of the files').choices(['eV', 'hartree', 'kcal/mol']))
    .addOption(new Option('--length-unit <unit>', 'of the files').choices(['angstrom', 'bohr']))
    .option('--gradient', 'what the files call forces is +∂E/∂R')
    .option('--no-gradient', 'it is −∂E/∂R, whatever their layout is known for')
    .option('--labels <name>', 'which labels of ANI-1x: wb97x_dz, wb97x_tz, ccsd(t)_cbs …')
    .option('--level <text>', 'level of theory, where the files name none')
    .option('--names <pairs>', 'which array is what: positions=R,numbers=Z', names)
    .action(importFiles);
  add('info', 'what is in a data set', '<set>').action(info);
  add('check', 'find what would spoil a training; exit code 1 where units, signs or levels are wrong', '<set>')
    .option('-o, --out <file>', 'write the frames that have no fault')
    .option('--closest <Å>', 'shortest distance of two atoms', above, LIMITS.closest)
    .option('--net-force <eV/Å>', 'largest |ΣF| for each root of an atom', above, LIMITS.netForce)
    .option('--outlier <σ>', 'of energies and largest forces, robust standard deviations', above, LIMITS.outlier)
    .action(check);
  add('split', 'cut by content: equal structures stand in one part, whatever is added later', '<set>')
    .requiredOption('-o, --out <name>', 'files are NAME-train.mltsdata …')
    .option('--validation <share>', '', share, 0.1)
    .option('--test <share>', '', share, 0.1)
    .option('--blocks', `${BLOCKS} blocks instead of training and validation, as the published ensembles were split`)
    .addOption(new Option('--by <what>', 'what is never torn apart').choices(['content', 'group']).default('content'))
    .action(split);
  add('merge', 'join data sets, all frames in their order', '<set...>')
    .requiredOption(...out)
    .action(merge);
  add('export', 'write .extxyz, .npz (hippynn) or .h5 (ANI)', '<set>')
    .requiredOption(...out)
    .action(exportSet);
}

interface ImportOptions extends Omit<ReadOptions, 'energy' | 'length'> {
  readonly out: string;
  readonly json?: boolean;
  readonly energyUnit?: EnergyUnit;
  readonly lengthUnit?: LengthUnit;
}

/** Frames that are read without a look at Ctrl-C. */
const FRAMES_BETWEEN = 256;

async function importFiles(files: string[], given: ImportOptions): Promise<void> {
  const { out: file, json: asJson = false, energyUnit, lengthUnit, ...rest } = given;
  const options = {
    ...rest,
    ...(energyUnit !== undefined && { energy: energyUnit }),
    ...(lengthUnit !== undefined && { length: lengthUnit }),
  };
  const signal = interruption();
  const account = new Account();
  const progress = new Progress('frames');
  const writer = new DatasetWriter(file);
  try {
    for (const source of files) {
      let index = 0;
      for await (const frame of readFrames(source, options, account)) {
        if (index % FRAMES_BETWEEN === 0) {
          await signalsArrive();
          stopIf(signal);
        }
        if (frame.numbers.length === 0) account.exclude('no atoms', `${source}, frame ${index}`);
        else writer.add(frame);
        progress.update(++index, source);
      }
    }
    writer.commit();
  } finally {
    writer.discard();
    progress.clear();
  }
  await print(importText(file, writer.length, account, asJson));
}

async function info(file: string, { json: asJson = false }: { json?: boolean }): Promise<void> {
  await withSet(file, async (set) => {
    const summary = await withBar(set.length, (update) => summarise(set, update));
    await print(infoText(file, set.hash, summary, selfEnergiesOf(summary), asJson));
  });
}

interface CheckOptions {
  readonly out?: string;
  readonly json?: boolean;
  readonly closest: number;
  readonly netForce: number;
  readonly outlier: number;
}

async function check(file: string, { out: clean, json: asJson = false, ...limits }: CheckOptions): Promise<void> {
  await withSet(file, async (set) => {
    const report = await withBar(set.length, (update) => checkDataset(set, limits, update));
    if (clean !== undefined)
      await withBar(report.clean.length, (update) => write(clean, [[set, report.clean]], update, interruption()));
    await print(checkText(file, clean, report, asJson));
    if (report.problems.length > 0) process.exitCode = 1;
  });
}

interface SplitOptions {
  readonly out: string;
  readonly json?: boolean;
  readonly validation: number;
  readonly test: number;
  readonly blocks?: boolean;
  readonly by: 'content' | 'group';
}

async function split(file: string, options: SplitOptions): Promise<void> {
  const { out: name, json: asJson = false, validation, test, blocks = false, by } = options;
  if (!blocks && validation + test >= 1) {
    const what = `--validation ${validation} and --test ${test} leave nothing for training`;
    throw new MltsError('E_USAGE', what, 'Make their sum less than 1.');
  }
  await withSet(file, async (set) => {
    const parts = splitDataset(set, { validation, test, blocks, by });
    const written = [...parts].map(([part, frames]) => ({ file: `${name}-${part}.mltsdata`, frames: frames.length }));
    const signal = interruption();
    await withBar(set.length, async (update) => {
      let before = 0;
      for (const [part, frames] of parts) {
        await write(`${name}-${part}.mltsdata`, [[set, frames]], (done) => update(before + done), signal);
        before += frames.length;
      }
    });
    await print(
      asJson ? `${JSON.stringify(written)}\n` : written.map((part) => `${part.file}  ${part.frames} frames\n`).join(''),
    );
  });
}

async function merge(
  files: string[],
  { out: file, json: asJson = false }: { out: string; json?: boolean },
): Promise<void> {
  const sets: StoredDataset[] = [];
  try {
    for (const one of files) sets.push(new StoredDataset(one));
    const total = sets.reduce((sum, { length }) => sum + length, 0);
    await withBar(total, (update) =>
      write(
        file,
        sets.map((set) => [set, undefined]),
        update,
        interruption(),
      ),
    );
    await print(asJson ? `${JSON.stringify({ file, frames: total })}\n` : `${file}  ${total} frames\n`);
  } finally {
    for (const set of sets) set.close();
  }
}

async function exportSet(
  file: string,
  { out: to, json: asJson = false }: { out: string; json?: boolean },
): Promise<void> {
  await withSet(file, async (set) => {
    await withBar(set.length, (update) => writeDataset(to, set, update));
    await print(asJson ? `${JSON.stringify({ file: to, frames: set.length })}\n` : `${to}  ${set.length} frames\n`);
  });
}

async function write(
  file: string,
  parts: readonly (readonly [set: Dataset, frames: Int32Array | undefined])[],
  update: (frames: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const writer = new DatasetWriter(file);
  try {
    for (const [set, chosen] of parts) {
      for (const frames of chunksOf(set, chosen)) {
        await signalsArrive();
        stopIf(signal);
        for (const frame of frames) writer.add(frame);
        update(writer.length);
      }
    }
    writer.commit();
  } finally {
    writer.discard();
  }
}

async function withSet(file: string, use: (set: StoredDataset) => Promise<void>): Promise<void> {
  const set = new StoredDataset(file);
  try {
    await use(set);
  } finally {
    set.close();
  }
}

async function withBar<T>(total: number, work: (update: (done: number) => void) => T | Promise<T>): Promise<T> {
  const bar = new Bar(total, 'frames');
  try {
    return await work((done) => bar.update(done));
  } finally {
    bar.end();
  }
}

function stopIf(signal: AbortSignal): void {
  if (signal.aborted) throw new MltsError('E_CANCELLED', 'interrupted', 'Nothing was written.');
}
