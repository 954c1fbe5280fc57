/** The structures that a verb works on: frames of files, or one that is built. */
import { type Command, InvalidArgumentError } from 'commander';
import { Random } from '../dynamics/random.ts';
import { BUILD_HELP, build, repeated } from '../dynamics/structures/build.ts';
import { MltsError } from '../errors.ts';
import { readStructures } from '../io/read.ts';
import { type FrameIndex, parseFrameIndex } from '../io/slice.ts';
import type { Structure } from '../io/structure.ts';

export interface Framed {
  readonly file: string;
  readonly index: number;
  readonly structure: Structure;
}

export interface StructureOptions {
  readonly build?: string;
  readonly repeat?: readonly number[];
  readonly index: string;
  readonly seed: number;
}

/** Adds the options that `readOrBuild` reads. */
export function structureOptions(command: Command): Command {
  return command
    .option('--build <what>', 'build a structure instead of reading one (below)')
    .option('--repeat <n...>', 'copies along each cell vector: 8 8 8', triple)
    .option('--index <i:j:k>', 'which frames of each file, as in Python', ':')
    .option('--seed <n>', 'of everything random', seed, 1)
    .addHelpText('after', `\n${BUILD_HELP}`);
}

/** Three counts, given one by one or as `8,8,8`. */
function triple(text: string, before: readonly number[] = []): readonly number[] {
  const counts = [...before, ...text.split(',').map(Number)];
  if (counts.length <= 3 && counts.every((count) => Number.isSafeInteger(count) && count >= 1)) return counts;
  throw new InvalidArgumentError('Give three whole numbers of 1 or more, like 8 8 8.');
}

function seed(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number from 0 to 999999999.');
}

/** @throws MltsError E_USAGE where both files and a structure to build are given, or neither */
export function readOrBuild(
  files: readonly string[],
  { build: what, repeat, index, seed }: StructureOptions,
): Iterable<Framed> {
  if ((what === undefined) === (files.length === 0)) {
    throw new MltsError(
      'E_USAGE',
      what === undefined ? 'no structure is given' : `both ${files[0]} and --build ${what} are given`,
      'Name a file, or say what to build with --build.',
    );
  }
  const random = new Random(seed);
  const framed =
    what === undefined
      ? readFiles(files, parseFrameIndex(index))
      : [{ file: what, index: 0, structure: build(what, seed, () => random.uniform()) }];
  if (repeat === undefined) return framed;
  if (repeat.length !== 3)
    throw new MltsError('E_USAGE', `--repeat has ${repeat.length} numbers`, 'Give three, like 8 8 8.');
  return repeats(framed, repeat as [number, number, number]);
}

function* repeats(framed: Iterable<Framed>, times: readonly [number, number, number]): Generator<Framed> {
  for (const { structure, ...rest } of framed) yield { ...rest, structure: repeated(structure, times) };
}

export function* readFiles(files: readonly string[], index: FrameIndex): Generator<Framed> {
  for (const file of files) {
    for (const { index: frame, frame: structure } of readStructures(file, index))
      yield { file, index: frame, structure };
  }
}

/** Structures go to the backend in batches of about this size. */
const BATCH_ATOMS = 4096;
const BATCH_STRUCTURES = 256;

export function* batches(framed: Iterable<Framed>): Generator<Framed[]> {
  let batch: Framed[] = [];
  let atoms = 0;
  for (const one of framed) {
    batch.push(one);
    atoms += one.structure.numbers.length;
    if (atoms < BATCH_ATOMS && batch.length < BATCH_STRUCTURES) continue;
    yield batch;
    [batch, atoms] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}
