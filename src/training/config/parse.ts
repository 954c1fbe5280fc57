/** From the YAML that a user wrote to a checked recipe. */
import { basename } from 'node:path';
import { BLOCKS } from '../../dataset/parts.ts';
import { type Input, parseYaml } from '../../dynamics/input/input.ts';
import { list, missing, number, oneOf, type Rule, refuse, settings, text, whole } from '../../dynamics/input/rules.ts';
import { MltsError } from '../../errors.ts';
import { isModelName } from '../../model/card.ts';
import { DEFAULT_LOSS, lossRule } from './parse-loss.ts';
import { parseModel } from './parse-model.ts';
import { optimiserOf } from './parse-optimiser.ts';
import {
  type LossRecipe,
  METRICS,
  type ModelRecipe,
  type Recipe,
  type Replay,
  SPLIT_UNITS,
  type SplitRecipe,
} from './recipe.ts';
import { bySymbol } from './symbols.ts';

const GIB = 2 ** 30;

/** ms; with its unit. */
const duration: Rule<number> = (input) => {
  const match = /^\s*([\d.]+)\s*(s|min|h)\s*$/.exec(String(input.scalar));
  const value = Number(match?.[1]) * ({ s: 1e3, min: 6e4, h: 3.6e6 }[match?.[2] ?? ''] ?? Number.NaN);
  return value > 0 ? value : refuse(input, 'a time like 30s, 5min or 1h');
};

const bytes: Rule<number> = (input) => number({ above: 0, most: 1e6, unit: 'GiB' })(input) * GIB;
const share = number({ least: 0, most: 1 });

interface SplitSettings {
  train?: number;
  validation?: number | readonly string[];
  test?: number | readonly string[];
  strided?: readonly number[];
  by?: (typeof SPLIT_UNITS)[number];
}

/** A share, or files. */
const part: Rule<number | readonly string[]> = (input) =>
  typeof input.scalar === 'number' ? share(input) : list(text)(input);

const splitRule: Rule<SplitRecipe> = (input) => {
  const given = settings<SplitSettings>(
    { train: share, validation: part, test: part, strided: list(whole(0, BLOCKS), 3), by: oneOf(SPLIT_UNITS) },
    'a split',
  )(input);
  const { train, validation, test, strided, by = 'group' } = given;
  if (typeof validation === 'object' || typeof test === 'object') {
    if (typeof validation !== 'object' || typeof test === 'number' || train !== undefined || strided !== undefined) {
      return refuse(input, 'files for validation and, if wanted, test, alone');
    }
    return { kind: 'files', validation, test: test ?? [] };
  }
  if (strided !== undefined) {
    if (train !== undefined || validation !== undefined) return refuse(input, 'strided with test and by alone');
    const [a, b, c] = strided;
    if (a + b + c !== BLOCKS || a === 0 || b === 0) {
      return refuse(
        input,
        `strided into blocks for training, validation and test that make ${BLOCKS}, like [14, 1, 1]`,
      );
    }
    return { kind: 'strided', blocks: [a, b, c], test: test ?? 0.05, by };
  }
  const [v, t] = [validation ?? 0.1, test ?? 0.1];
  const rest = train ?? 1 - v - t;
  if (!(rest > 0) || Math.abs(rest + v + t - 1) > 1e-9) {
    return refuse(input, 'shares for train, validation and test that make 1, train more than 0');
  }
  if (v === 0) return refuse(input, 'a split with frames for validation: by them training knows when to stop');
  return { kind: 'fractions', train: rest, validation: v, test: t, by };
};

const batchRule: Rule<Recipe['batch']> = (input) => {
  if (input.fields === undefined) {
    const size = whole(1, 1_000_000)(input);
    return { size, largest: size };
  }
  const given = settings<{ size?: number; largest?: number }>(
    { size: whole(1, 1_000_000), largest: whole(1, 1_000_000) },
    'a batch',
  )(input);
  const size = given.size ?? 32;
  const largest = given.largest ?? size;
  return largest < size ? refuse(input, 'a batch whose largest size is no less than its size') : { size, largest };
};

const replayRule: Rule<Replay> = (input) => {
  if (input.fields === undefined) return { data: list(text)(input), weight: 1 };
  const given = settings<{ data?: readonly string[]; weight?: number }>(
    { data: list(text), weight: number({ above: 0, most: 1e6 }) },
    'a replay',
  )(input);
  if (given.data === undefined) throw missing(input, 'which data it repeats', 'data');
  return { data: given.data, weight: given.weight ?? 1 };
};

interface RecipeSettings {
  data?: readonly string[];
  output?: string;
  name?: string;
  init?: string;
  model?: ModelRecipe;
  members?: number;
  seed?: number;
  threads?: number;
  precision?: Recipe['precision'];
  split?: SplitRecipe;
  self_energies?: Readonly<Record<string, number>>;
  loss?: LossRecipe;
  optimiser?: Input;
  batch?: Recipe['batch'];
  freeze?: readonly number[];
  replay?: Replay;
  epochs?: number;
  stop?: number;
  metric?: Recipe['metric'];
  memory?: number;
  checkpoint?: number;
  level?: string;
  licence?: string;
  citation?: string;
}

const rules: { readonly [K in keyof RecipeSettings]-?: Rule<Exclude<RecipeSettings[K], undefined>> } = {
  data: list(text),
  output: text,
  name: (input) => {
    const name = text(input);
    return isModelName(name) ? name : refuse(input, 'the name of a model: letters, digits, dots, - and _');
  },
  init: text,
  model: parseModel,
  members: whole(1, 64),
  seed: whole(0, 999_999_999),
  threads: whole(1, 1024),
  precision: oneOf(['single', 'double'] as const),
  split: splitRule,
  self_energies: bySymbol(number({ unit: 'eV' })),
  loss: lossRule,
  optimiser: (input) => input,
  batch: batchRule,
  freeze: list(whole(1, 9)),
  replay: replayRule,
  epochs: whole(1, 10_000_000),
  stop: whole(1, 10_000_000),
  metric: oneOf(METRICS),
  memory: bytes,
  checkpoint: duration,
  level: text,
  licence: text,
  citation: text,
};

/**
 * @param file for places in messages
 * @throws MltsError E_USAGE with the place of what is wrong
 */
export const parseRecipe = (content: string, file: string): Recipe => recipeOf(parseYaml(content, file));

/** The same of settings that stand in another config. */
export function recipeOf(input: Input): Recipe {
  const given = settings<RecipeSettings>(rules, 'a training')(input);
  const { data, output, init, model, loss = DEFAULT_LOSS } = given;
  if (data === undefined || data.length === 0) throw missing(input, 'which labelled structures to learn from', 'data');
  if (output === undefined) throw missing(input, 'what the model and its files are called', 'output');
  if (init !== undefined && model !== undefined) {
    throw missing(input, 'one of init and model, not both: a model to start from keeps its architecture', 'init');
  }
  if (given.replay !== undefined && init === undefined) {
    throw missing(input, 'where the level of the replayed data was learnt', 'init');
  }
  const name = given.name ?? basename(output);
  if (!isModelName(name)) {
    throw new MltsError(
      'E_USAGE',
      `${input.place}: 'output' is '${output}', which names no model`,
      'Give the model a name.',
    );
  }
  return {
    data,
    output,
    name,
    init,
    model: init === undefined ? (model ?? parseModel({ place: '', fields: [] })) : undefined,
    members: given.members ?? (init === undefined ? 4 : undefined),
    seed: given.seed ?? 1,
    threads: given.threads,
    precision: given.precision ?? 'single',
    split: given.split ?? { kind: 'fractions', train: 0.8, validation: 0.1, test: 0.1, by: 'group' },
    selfEnergies: given.self_energies,
    loss,
    optimiser: optimiserOf(given.optimiser, loss.name),
    batch: given.batch ?? { size: 32, largest: 32 },
    freeze: given.freeze ?? [],
    replay: given.replay,
    epochs: given.epochs ?? 1000,
    stop: given.stop ?? 100,
    metric: given.metric ?? 'loss',
    memory: given.memory,
    checkpoint: given.checkpoint ?? 60_000,
    level: given.level,
    licence: given.licence,
    citation: given.citation,
  };
}
