/** What a campaign is: its config, checked, with every default filled in. */
import { createHash } from 'node:crypto';
import { basename, extname, resolve } from 'node:path';
import { type Field, type Input, parseYaml } from '../dynamics/input/input.ts';
import { list, missing, number, type Rule, refuse, settings, text, whole } from '../dynamics/input/rules.ts';
import { isModelName } from '../model/card.ts';
import { recipeOf } from '../training/config/parse.ts';
import type { Recipe } from '../training/config/recipe.ts';
import { engineRule } from './engines/parse.ts';
import type { EngineSettings } from './engines/settings.ts';
import { executorRule } from './executors/parse.ts';
import type { ExecutorSettings, SlurmSettings } from './executors/settings.ts';
import { samplerRule } from './samplers/parse.ts';
import type { Sampler } from './samplers/sampler.ts';
import { checkGuard, type GuardSettings, guardRule } from './suite/guard.ts';
import type { Measurement } from './suite/metric.ts';
import { suiteRule } from './suite/parse.ts';
import type { Threshold } from './threshold.ts';

export interface Selection {
  /** Frames labelled in a round, and in the first one, in which nothing is known of σ. */
  readonly count: number;
  readonly first: number;
  /** On the largest σ_F of a frame, eV/Å. */
  readonly forces: Threshold;
  /** On ρ = σ_E/√N, eV; undefined: only forces decide. */
  readonly energy: Threshold | undefined;
  /** Share of the candidates of a round, the most uncertain ones, among which unlike ones are looked for. */
  readonly pool: number;
}

export interface Labelling {
  readonly engine: EngineSettings;
  /** Wall-time limit of a label, s. */
  readonly seconds: number;
  /** Structures a worker takes at once. */
  readonly chunk: number;
  /** Share of failed labels in a round above which the campaign stops. */
  readonly failures: number;
  /** Labels with a larger force on an atom are thrown away, eV/Å. */
  readonly maxForce: number;
}

/** Labelled structures of all rounds. */
export interface TrainingFiles {
  readonly train: readonly string[];
  readonly validation: readonly string[];
}

/** Written by another program: `my-trainer --train {train} --model {model} --seed {seed}`. */
export interface OutsideTrainer {
  readonly command: readonly string[];
}

export interface Config {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  readonly seed: number;
  readonly rounds: number;
  readonly samplers: readonly Sampler[];
  readonly limits: Limits;
  readonly select: Selection;
  readonly label: Labelling;
  readonly executor: ExecutorSettings;
  /** Share of the labels of each sampler in each round that no training sees. */
  readonly holdOut: number;
  /** The recipe of a round, or another program. */
  readonly training: ((data: TrainingFiles, output: string, seed: number) => Recipe) | OutsideTrainer;
  /** Where members train, a task each; undefined: all of them here, side by side. */
  readonly trainOn: SlurmSettings | undefined;
  readonly suite: readonly Measurement[];
  readonly guard: GuardSettings;
  /** A promoted model is put there by renaming: where a daemon finds it. Absolute. */
  readonly publish: string | undefined;
  /** Rounds in a row with fewer uncertain frames than `fewer` that end a campaign. */
  readonly stop: { readonly fewer: number; readonly rounds: number };
  /** SHA-256 of the text, hex. */
  readonly hash: string;
}

/** Frames beyond these are never labelled. */
export interface Limits {
  /** Å */
  readonly minDistance: number;
  readonly maxAtoms: number;
}

const share = number({ least: 0, most: 1 });

const threshold =
  (unit: string): Rule<Threshold> =>
  (input) => {
    if (input.fields === undefined) return { kind: 'error', value: number({ above: 0, unit })(input) };
    const given = settings<{ sigma?: number; error?: number; percentile?: number }>(
      {
        sigma: number({ above: 0, unit }),
        error: number({ above: 0, unit }),
        percentile: number({ least: 0, most: 100 }),
      },
      'a threshold',
    )(input);
    const [[kind, value], ...more] = Object.entries(given);
    return more.length > 0 || value === undefined
      ? refuse(input, 'one of sigma, error and percentile')
      : { kind: kind as Threshold['kind'], value };
  };

const selectRule = settings<{
  count?: number;
  first?: number;
  forces?: Threshold;
  energy?: Threshold;
  pool?: number;
}>(
  {
    count: whole(1, 1_000_000),
    first: whole(1, 1_000_000),
    forces: threshold('eV/Å'),
    energy: threshold('eV'),
    pool: number({ above: 0, most: 1 }),
  },
  'a selection',
);

const labelRule = settings<{
  engine?: EngineSettings;
  seconds?: number;
  chunk?: number;
  failures?: number;
  max_force?: number;
}>(
  {
    engine: engineRule,
    seconds: number({ above: 0, unit: 's' }),
    chunk: whole(1, 100_000),
    failures: share,
    max_force: number({ above: 0, unit: 'eV/Å' }),
  },
  'labelling',
);

const limitsRule = settings<{ min_distance?: number; max_atoms?: number }>(
  { min_distance: number({ least: 0, most: 10, unit: 'Å' }), max_atoms: whole(1, 1_000_000) },
  'limits',
);

const stopRule = settings<{ fewer?: number; rounds?: number }>(
  { fewer: whole(1, 1_000_000), rounds: whole(1, 1000) },
  'a stop',
);

/** Settings that the campaign gives itself. */
const OURS = ['data', 'output', 'name', 'level', 'seed'];

interface OwnTraining {
  /** Settings of `mlts train`. */
  readonly input: Input;
  readonly trainOn: SlurmSettings | undefined;
}

const trainingRule: Rule<OwnTraining | OutsideTrainer> = (input) => {
  const { fields } = input;
  if (fields === undefined) return refuse(input, 'settings as of `mlts train`, or {command: …}');
  if (fields.some(({ name }) => name === 'command')) {
    const { command } = settings<{ command?: readonly string[] }>(
      { command: (value) => (value.items ? list(text)(value) : text(value).split(/\s+/)) },
      'another trainer',
    )(input);
    return { command: command! };
  }
  const taken = fields.find(({ name }) => OURS.includes(name));
  if (taken !== undefined) return refuse({ ...taken.input, place: taken.place }, 'left out: the campaign gives it');
  const executor = fields.find(({ name }) => name === 'executor');
  const trainOn = executor === undefined ? undefined : executorRule(executor.input);
  if (trainOn !== undefined && trainOn.kind !== 'slurm') {
    return refuse(executor!.input, 'an executor of kind slurm; without any, members train where `mlts learn` runs');
  }
  return { input: { ...input, fields: fields.filter((one) => one !== executor) }, trainOn };
};

interface Settings {
  name?: string;
  folder?: string;
  seed?: number;
  rounds?: number;
  samplers?: readonly Sampler[];
  limits?: { min_distance?: number; max_atoms?: number };
  select?: ReturnType<typeof selectRule>;
  label?: ReturnType<typeof labelRule>;
  executor?: ExecutorSettings;
  hold_out?: number;
  training?: OwnTraining | OutsideTrainer;
  suite?: readonly Measurement[];
  guard?: GuardSettings;
  publish?: string;
  stop?: ReturnType<typeof stopRule>;
}

const rules: { readonly [K in keyof Settings]-?: Rule<Exclude<Settings[K], undefined>> } = {
  name: text,
  folder: text,
  seed: whole(0, 999_999_999),
  rounds: whole(1, 100_000),
  samplers: list(samplerRule),
  limits: limitsRule,
  select: selectRule,
  label: labelRule,
  executor: executorRule,
  hold_out: number({ above: 0, most: 0.9 }),
  training: trainingRule,
  suite: suiteRule,
  guard: guardRule,
  publish: text,
  stop: stopRule,
};

/** A setting as if the user had written it. */
const field = (name: string, scalar: unknown): Field => {
  const place = `'${name}' of the campaign`;
  const input = Array.isArray(scalar)
    ? { place, items: scalar.map((item) => ({ place, scalar: item })) }
    : { place, scalar };
  return { name, place, input };
};

/**
 * @param file for places in messages, and for the name of the campaign where it gives none
 * @throws MltsError E_USAGE with the place of what is wrong
 */
export function parseConfig(content: string, file: string): Config {
  const input = parseYaml(content, file);
  const given = settings<Settings>(rules, 'a campaign')(input);
  const { samplers = [], label = {}, training } = given;
  const stem = basename(file, extname(file));
  const name = given.name ?? stem;
  if (!isModelName(name)) throw missing(input, 'what its models are called: letters, digits, dots, - and _', 'name');
  if (samplers.length === 0) throw missing(input, 'where structures come from', 'samplers');
  const twice = samplers.find((one, i) => samplers.findIndex((other) => other.name === one.name) < i);
  if (twice !== undefined) throw missing(input, `another name for the second sampler '${twice.name}'`, 'name');
  if (samplers.every(({ needsModel }) => needsModel)) {
    throw missing(input, 'a sampler that begins without a model, like disorder', 'samplers');
  }
  if (label.engine === undefined) throw missing(input, 'which engine labels', 'label: {engine: …}');
  if (training === undefined) throw missing(input, 'how to train', 'training');
  const executor = given.executor ?? executorRule({ place: '', fields: [field('kind', 'local')] });
  const longest = executor.kind === 'slurm' ? executor.time : Infinity;
  if ((label.seconds ?? 0) > longest) {
    throw missing(input, `a time of the executor that a label of ${label.seconds} s fits in, not ${longest} s`, 'time');
  }
  const count = given.select?.count ?? 50;
  const recipe = ({ train, validation }: TrainingFiles, output: string, seed: number): Recipe => {
    const own = (training as OwnTraining).input;
    // A split of the user's is one of all frames.
    const files = own.fields!.some((one) => one.name === 'split')
      ? [field('data', [...train, ...validation])]
      : [field('data', train), split(validation)];
    const ours = [field('output', output), field('name', name), field('seed', seed)];
    return recipeOf({ ...own, fields: [...own.fields!, ...files, ...ours] });
  };
  // What is wrong in it is said now, not after the first labels.
  if ('input' in training) recipe({ train: ['data'], validation: ['data'] }, name, 0);
  const { suite = [], guard = guardRule({ place: '', fields: [] }) } = given;
  checkGuard(guard, ['held-out', ...suite.map((one) => one.name)]);
  return {
    name,
    folder: resolve(given.folder ?? stem),
    seed: given.seed ?? 1,
    rounds: given.rounds ?? 20,
    samplers,
    limits: { minDistance: given.limits?.min_distance ?? 0.5, maxAtoms: given.limits?.max_atoms ?? 1000 },
    select: {
      count,
      first: given.select?.first ?? count,
      forces: given.select?.forces ?? { kind: 'error', value: 0.2 },
      energy: given.select?.energy,
      pool: given.select?.pool ?? 0.5,
    },
    label: {
      engine: label.engine,
      seconds: label.seconds ?? Math.min(3600, longest),
      chunk: label.chunk ?? 8,
      failures: label.failures ?? 0.5,
      maxForce: label.max_force ?? 100,
    },
    executor,
    holdOut: given.hold_out ?? 0.1,
    training: 'input' in training ? recipe : training,
    trainOn: 'input' in training ? training.trainOn : undefined,
    ...{ suite, guard },
    publish: given.publish === undefined ? undefined : resolve(given.publish),
    stop: { fewer: given.stop?.fewer ?? 1, rounds: given.stop?.rounds ?? 1 },
    hash: createHash('sha256').update(content).digest('hex'),
  };
}

const split = (validation: readonly string[]): Field => {
  const { name, place } = field('split', '');
  return { name, place, input: { place, fields: [field('validation', validation)] } };
};
