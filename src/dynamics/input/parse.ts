/** From what a user wrote to a checked run. */
import { MltsError } from '../../errors.ts';
import { nearest } from '../../model/nearest.ts';
import { EV_PER_ANGSTROM3_IN_GPA } from '../../units.ts';
import { CELL_FREEDOMS } from '../minimise/coordinates.ts';
import { MINIMISERS } from '../minimise/relax.ts';
import { TRAJECTORY_FORMATS } from '../output/trajectory-file.ts';
import { constant, type Schedule } from '../schedule.ts';
import type { Input } from './input.ts';
import { atoms, duration, list, number, oneOf, pressure, type Rule, refuse, settings, text, whole } from './rules.ts';
import {
  type AnalyseStage,
  BAROSTATS,
  type Condition,
  type DynamicsStage,
  ENSEMBLES,
  QUANTITIES,
  REFERENCE,
  type RelaxStage,
  type RunInput,
  type Stage,
  THERMOSTATS,
} from './stages.ts';

const STAGE_KINDS = ['relax', ...ENSEMBLES, 'analyse'] as const;

/** A constant; `from:to`; `from:to:amplitude:period`; or settings of these names. */
const schedule =
  (value: Rule<number>): Rule<Schedule> =>
  (input) => {
    if (input.fields !== undefined) {
      const given = settings<Partial<Schedule> & { from: number }>(
        { from: value, to: value, amplitude: value, period: duration },
        'a schedule',
      )(input);
      return complete(input, given);
    }
    const parts = typeof input.scalar === 'string' ? input.scalar.split(':') : [input.scalar];
    if (parts.length === 3 || parts.length > 4) return refuse(input, 'a value, from:to, or from:to:amplitude:period');
    const part = (i: number) => ({ place: input.place, scalar: parts[i] });
    return complete(input, {
      from: value(part(0)),
      ...(parts.length > 1 && { to: value(part(1)) }),
      ...(parts.length > 3 && { amplitude: value(part(2)), period: duration(part(3)) }),
    });
  };

function complete(input: Input, { from, to, amplitude, period }: Partial<Schedule>): Schedule {
  if (from === undefined) return refuse(input, 'a schedule with from');
  if ((amplitude === undefined) !== (period === undefined)) return refuse(input, 'a cycle with amplitude and period');
  return { from, to: to ?? from, amplitude: amplitude ?? 0, period: period ?? 0 };
}

/** Above what matter stands, in K, and below what clocks resolve, in fs. */
const temperature = number({ least: 0, most: 1e6, unit: 'K' });
const timestep = number({ above: 0, most: 20, unit: 'fs' });
const density = number({ above: 0, most: 100, unit: 'g/cm³' });

const condition: Rule<Condition> = (input) => {
  const match = /^\s*([a-z_]+)\s*([<>])\s*([-+\d.eE]+)\s*$/.exec(String(input.scalar));
  const bound = Number(match?.[3]);
  if (match === null || !Number.isFinite(bound)) return refuse(input, "a condition like 'max_sigma_force > 0.5'");
  const [, name, sense] = match;
  const quantity = QUANTITIES.find((one) => one === name);
  if (quantity === undefined) {
    const near = nearest(name, QUANTITIES);
    return refuse(input, `of ${QUANTITIES.join(', ')}${near === undefined ? '' : ` (did you mean '${near}'?)`}`);
  }
  return { quantity, sense: sense as '<' | '>', bound };
};

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

interface DynamicsSettings {
  name?: string;
  timestep?: number;
  steps?: number;
  time?: number;
  velocities?: number;
  fix?: readonly number[];
  bonds?: readonly (readonly number[])[];
  every?: number;
  log?: number;
  stop?: readonly Condition[];
  dump?: readonly Condition[];
  temperature?: Schedule;
  thermostat?: DynamicsStage['thermostat'];
  thermostat_time?: number;
  density?: Schedule;
  pressure?: Schedule;
  barostat?: DynamicsStage['barostat'];
  barostat_time?: number;
  compressibility?: number;
  cell?: DynamicsStage['cell'];
}

const pair: Rule<readonly number[]> = (input) => {
  const parts = typeof input.scalar === 'string' ? input.scalar.split('-') : [];
  return list(
    whole(0),
    2,
  )(parts.length === 2 ? { ...input, items: parts.map((scalar) => ({ ...input, scalar })) } : input);
};

const commonRules = {
  name: text,
  timestep,
  steps: whole(1),
  time: duration,
  velocities: temperature,
  fix: atoms,
  bonds: list(pair),
  every: whole(1),
  log: whole(1),
  stop: list(condition),
  dump: list(condition),
};
const thermostatRules = {
  ...commonRules,
  temperature: schedule(temperature),
  thermostat: oneOf(THERMOSTATS),
  thermostat_time: duration,
};
const DYNAMICS_RULES = {
  nve: commonRules,
  nvt: { ...thermostatRules, density: schedule(density) },
  npt: {
    ...thermostatRules,
    pressure: schedule(pressure),
    barostat: oneOf(BAROSTATS),
    barostat_time: duration,
    compressibility: number({ above: 0, unit: '1/GPa' }),
    cell: oneOf(CELL_FREEDOMS),
  },
};

function dynamicsStage(input: Input, ensemble: DynamicsStage['ensemble'], name: string): DynamicsStage {
  const rules = DYNAMICS_RULES[ensemble] as {
    readonly [K in keyof DynamicsSettings]-?: Rule<Exclude<DynamicsSettings[K], undefined>>;
  };
  const given = settings<DynamicsSettings>(rules, ensemble)(input);
  const { steps, time, temperature: target } = given;
  if (steps === undefined && time === undefined) throw missing(input, 'how long it runs', 'steps or time');
  if (steps !== undefined && time !== undefined)
    throw missing(input, 'one of steps and time, not both', 'steps or time');
  if (ensemble !== 'nve' && target === undefined) throw missing(input, 'a temperature', 'temperature');
  if (target !== undefined && !(target.from > 0 && target.to > 0)) {
    throw new MltsError(
      'E_USAGE',
      `${input.place}: the temperature of ${ensemble} reaches 0 K`,
      'Give temperatures above 0 K, or relax instead.',
    );
  }
  if (ensemble === 'npt' && given.pressure === undefined) throw missing(input, 'a pressure', 'pressure');
  return {
    kind: 'dynamics',
    name: given.name ?? name,
    ensemble,
    timestep: given.timestep,
    duration: steps === undefined ? { time: time! } : { steps },
    temperature: target,
    thermostat: given.thermostat ?? 'rescale',
    thermostatTime: given.thermostat_time ?? 100,
    pressure: given.pressure ?? constant(0),
    barostat: given.barostat ?? 'rescale',
    barostatTime: given.barostat_time ?? 1000,
    cell: given.cell ?? 'isotropic',
    compressibility: (given.compressibility ?? 0.02) * EV_PER_ANGSTROM3_IN_GPA,
    density: given.density,
    velocities: given.velocities,
    fixed: given.fix ?? [],
    bonds: (given.bonds ?? []) as readonly (readonly [number, number])[],
    every: given.every ?? 100,
    log: given.log ?? 100,
    stop: given.stop ?? [],
    dump: given.dump ?? [],
  };
}

const missing = ({ place }: Input, what: string, name: string) =>
  new MltsError('E_USAGE', `${place} must say ${what}`, `Give it ${name}.`);

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
  if (structure === undefined && build === undefined) throw missing(input, 'with which atoms', 'structure or build');
  if (structure !== undefined && build !== undefined)
    throw missing(input, 'one of structure and build, not both', 'structure or build');
  if (given.model === undefined && given.connect === undefined)
    throw missing(input, 'what computes', 'model or connect');
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
