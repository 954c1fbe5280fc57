/** From what a user wrote to a checked run. */
import { MltsError } from '../../errors.ts';
import { nearest } from '../../model/nearest.ts';
import { CELL_FREEDOMS } from '../minimise/coordinates.ts';
import { MINIMISERS } from '../minimise/relax.ts';
import { TRAJECTORY_FORMATS } from '../output/trajectory-file.ts';
import type { Input } from './input.ts';
import { dynamicsStage } from './parse-dynamics.ts';
import { atoms, list, missing, number, oneOf, pressure, type Rule, refuse, settings, text, whole } from './rules.ts';
import { type AnalyseStage, ENSEMBLES, REFERENCE, type RelaxStage, type RunInput, type Stage } from './stages.ts';

const STAGE_KINDS = ['relax', ...ENSEMBLES, 'analyse'] as const;

interface RelaxSettings {
  name?: string;
  minimiser?: RelaxStage['minimiser'];
  fmax?: number;
  max_steps?: number;
  cell?: RelaxStage['cell'];
  pressure?: number;
  fix?: readonly number[];
}

const relaxRules = {
  name: text,
  minimiser: oneOf(MINIMISERS),
  fmax: number({ above: 0, unit: 'eV/Å' }),
  max_steps: whole(0),
  cell: oneOf(CELL_FREEDOMS),
  pressure,
  fix: atoms,
};

function relaxStage(input: Input, name: string): RelaxStage {
  // `- relax:` alone is complete.
  const given = input.scalar === null ? {} : settings<RelaxSettings>(relaxRules, 'relax')(input);
  return {
    kind: 'relax',
    name: given.name ?? name,
    minimiser: given.minimiser ?? 'lbfgs',
    fmax: given.fmax ?? 0.01,
    maxSteps: given.max_steps ?? 2000,
    cell: given.cell,
    pressure: given.pressure ?? 0,
    fixed: given.fix ?? [],
  };
}

function analyseStage(input: Input, name: string, before: ReadonlySet<string>): AnalyseStage {
  const words = input.items === undefined ? text(input).split(/\s+/) : input.items.map(text);
  for (const word of words) {
    const source = REFERENCE.exec(word)?.[1];
    if (source !== undefined && !before.has(source)) {
      const names = [...before].join(', ') || 'none';
      throw new MltsError(
        'E_USAGE',
        `${input.place} reads the stage '${source}'`,
        `The stages before it are ${names}.`,
      );
    }
  }
  return { kind: 'analyse', name, arguments: words };
}

/** `- npt: {…}`: one stage with the name of its kind. */
function stageOf(input: Input, taken: Set<string>): Stage {
  const [field, ...more] = input.fields ?? [];
  if (field === undefined || more.length > 0)
    return refuse(input, `one stage, ${STAGE_KINDS.map((kind) => `${kind}:`).join(' ')}`);
  const kind = STAGE_KINDS.find((one) => one === field.name);
  if (kind === undefined) {
    const near = nearest(field.name, STAGE_KINDS);
    throw new MltsError(
      'E_USAGE',
      `${field.place} is no stage`,
      near === undefined ? `There are ${STAGE_KINDS.join(', ')}.` : `Did you mean '${near}'?`,
    );
  }
  let name: string = kind;
  for (let i = 2; taken.has(name); i++) name = `${kind}${i}`;
  const stage = makeStage(field.input, kind, name, taken);
  if (taken.has(stage.name) || !/^[\w-]+$/.test(stage.name)) {
    throw new MltsError(
      'E_USAGE',
      `${field.place} is called '${stage.name}'`,
      'Give each stage a name of its own, of letters, digits, - and _.',
    );
  }
  taken.add(stage.name);
  return stage;
}

function makeStage(input: Input, kind: (typeof STAGE_KINDS)[number], name: string, before: ReadonlySet<string>): Stage {
  if (kind === 'relax') return relaxStage(input, name);
  if (kind === 'analyse') return analyseStage(input, name, before);
  return dynamicsStage(input, kind, name);
}

const stagesRule: Rule<readonly Stage[]> = (input) => {
  const taken = new Set<string>();
  const stages = list((item) => stageOf(item, taken))(input);
  return stages.length > 0 ? stages : refuse(input, 'one stage or more');
};

interface RunSettings {
  model?: string;
  connect?: string;
  keys?: string;
  threads?: number;
  precision?: RunInput['precision'];
  structure?: string;
  index?: string;
  build?: string;
  repeat?: readonly number[];
  seed?: number;
  output?: string;
  format?: RunInput['format'];
  checkpoint?: number;
  stages?: readonly Stage[];
}

const runRules: { readonly [K in keyof RunSettings]-?: Rule<Exclude<RunSettings[K], undefined>> } = {
  model: text,
  connect: text,
  keys: text,
  threads: whole(1, 1024),
  precision: oneOf(['single', 'double'] as const),
  structure: text,
  index: text,
  build: text,
  repeat: list(whole(1), 3),
  seed: whole(0, 999_999_999),
  output: text,
  format: oneOf(TRAJECTORY_FORMATS),
  checkpoint: whole(1),
  stages: stagesRule,
};

/** The names that belong to the run; on the command line all others belong to its one stage. */
export const RUN_SETTINGS = Object.keys(runRules);

/** @throws MltsError E_USAGE with the place of what is wrong */
export function parseRun(input: Input): RunInput {
  const given = settings<RunSettings>(runRules, 'a run')(input);
  const { stages, structure, build } = given;
  if (stages === undefined) throw missing(input, 'what to do', 'stages');
  if (structure === undefined && build === undefined) throw missing(input, 'with which atoms', 'structure', 'build');
  if (structure !== undefined && build !== undefined)
    throw missing(input, 'one of structure and build, not both', 'structure', 'build');
  if (given.model === undefined && given.connect === undefined)
    throw missing(input, 'what computes', 'model', 'connect');
  return {
    model: given.model,
    connect: given.connect,
    keys: given.keys,
    threads: given.threads,
    precision: given.precision ?? 'single',
    structure,
    index: given.index ?? ':',
    build,
    repeat: given.repeat as RunInput['repeat'],
    seed: given.seed ?? 1,
    output: given.output ?? 'md',
    format: given.format ?? 'extxyz',
    checkpoint: given.checkpoint ?? 1000,
    stages,
  };
}
