/** Samplers from what a user wrote: `{kind: disorder, name: …, …}`. */
import {
  duration,
  list,
  missing,
  number,
  oneOf,
  type Rule,
  settings,
  text,
  whole,
} from '../../dynamics/input/rules.ts';
import { clustersKind } from './clusters.ts';
import { conformersKind } from './conformers.ts';
import { type DisorderSettings, disorder } from './disorder.ts';
import { type DynamicsSettings, explore, type ScheduleRanges } from './dynamics.ts';
import { harvestKind } from './harvest.ts';
import { type Kind, someOf, sourcesOf } from './kind.ts';
import { lammpsKind } from './lammps.ts';
import { modesKind } from './normal-modes.ts';
import { pathsKind } from './paths.ts';
import { type PerturbationSettings, perturb } from './perturbation.ts';
import { composition, durations, length, range } from './rules.ts';
import { saddlesKind } from './saddles.ts';
import type { Range, Sampler, SamplerContext } from './sampler.ts';
import { spaceGroupsKind } from './space-groups.ts';
import { torsionsKind } from './torsions.ts';

const density = number({ above: 0, most: 100, unit: 'g/cm³' });
const temperature = number({ least: 0, most: 1e5, unit: 'K' });

const disorderKind: Kind = (input, name) => {
  const given = settings<{
    kind?: string;
    name?: string;
    composition?: DisorderSettings['composition'];
    density?: Range;
    min_distance?: number;
    smallest_box?: number;
    aspect?: number;
    count?: number;
  }>(
    {
      ...{ kind: text, name: text, min_distance: length, smallest_box: length },
      composition: composition(range(whole(0, 100_000))),
      density: range(density),
      aspect: number({ least: 1, most: 10 }),
      count: whole(1, 1_000_000),
    },
    'disorder',
  )(input);
  const { composition: atoms, density: range_, min_distance: minDistance } = given;
  if (atoms === undefined) throw missing(input, 'how many atoms of which elements', 'composition');
  if (range_ === undefined) throw missing(input, 'a range of densities, g/cm³', 'density');
  if (minDistance === undefined) throw missing(input, 'how close atoms may be, Å', 'min_distance');
  const sampler: DisorderSettings = {
    ...{ composition: atoms, density: range_, minDistance },
    ...{ smallestBox: given.smallest_box ?? 0, aspect: given.aspect ?? 1.5, count: given.count ?? 100 },
  };
  const propose = async ({ random }: SamplerContext) => disorder(sampler, random);
  return { name, needsModel: false, sources: [], propose };
};

const perturbationKind: Kind = (input, name) => {
  const given = settings<{
    kind?: string;
    name?: string;
    from?: readonly string[];
    displacement?: number;
    stretch?: Range;
    shear?: number;
    vacancies?: Range;
    interstitials?: Range;
    min_distance?: number;
    count?: number;
  }>(
    {
      ...{ kind: text, name: text, from: list(text), displacement: length, min_distance: length },
      stretch: range(number({ least: 0.5, most: 2 })),
      shear: number({ least: 0, most: 0.5 }),
      vacancies: range(whole(0, 1000)),
      interstitials: range(whole(0, 1000)),
      count: whole(1, 1_000_000),
    },
    'perturbation',
  )(input);
  if (given.from === undefined) throw missing(input, 'which crystals: files', 'from');
  const { from } = given;
  const sampler: PerturbationSettings = {
    displacement: given.displacement ?? 0.25,
    stretch: given.stretch ?? [0.95, 1.05],
    shear: given.shear ?? 0.02,
    vacancies: given.vacancies ?? [0, 0],
    interstitials: given.interstitials ?? [0, 0],
    minDistance: given.min_distance ?? 1,
    count: given.count ?? 100,
  };
  const propose = async (context: SamplerContext) => perturb(await sourcesOf(context, from), sampler, context.random);
  return { name, needsModel: false, sources: from, propose };
};

interface ScheduleSettings {
  start?: Range;
  end?: Range;
  amplitude?: Range;
  period?: Range;
}

const schedule =
  (each: Rule<number>): Rule<ScheduleRanges> =>
  (input) => {
    if (input.fields === undefined) {
      const both = range(each)(input);
      return { start: both, end: both, amplitude: [0, 0], period: [1000, 1000] };
    }
    const one = range(each);
    const given = settings<ScheduleSettings>(
      { start: one, end: one, amplitude: range(number({ least: 0, most: 1e5 })), period: durations },
      'a schedule',
    )(input);
    const { start, end } = given;
    if (start === undefined && end === undefined) throw missing(input, 'where it begins', 'start');
    return {
      start: start ?? end!,
      end: end ?? start!,
      amplitude: given.amplitude ?? [0, 0],
      period: given.period ?? [1000, 10_000],
    };
  };

const dynamicsKind: Kind = (input, name) => {
  const given = settings<{
    kind?: string;
    name?: string;
    from?: readonly string[];
    walkers?: number;
    timestep?: number;
    duration?: number;
    every?: number;
    thermostat_time?: number;
    temperature?: ScheduleRanges;
    density?: ScheduleRanges;
    sigma_force?: number;
    min_distance?: number;
  }>(
    {
      ...{ kind: text, name: text, from: list(text), duration, thermostat_time: duration, min_distance: length },
      walkers: whole(1, 100_000),
      timestep: number({ above: 0, most: 20, unit: 'fs' }),
      every: whole(1, 1_000_000),
      temperature: schedule(temperature),
      density: schedule(density),
      sigma_force: number({ above: 0, unit: 'eV/Å' }),
    },
    'dynamics',
  )(input);
  const { from, sigma_force } = given;
  if (from === undefined) throw missing(input, 'where it begins: files, or the name of another sampler', 'from');
  if (given.temperature === undefined) throw missing(input, 'a temperature, K, or a schedule', 'temperature');
  const sampler: Omit<DynamicsSettings, 'uncertain'> = {
    timestep: given.timestep ?? 1,
    duration: given.duration ?? 5000,
    every: given.every ?? 5,
    thermostatTime: given.thermostat_time ?? 100,
    temperature: given.temperature,
    density: given.density,
    minDistance: given.min_distance ?? 0.5,
  };
  const propose = async (context: SamplerContext) => {
    const { random, seed, signal, threshold, potential } = context;
    const starts = someOf(await sourcesOf(context, from), given.walkers ?? 20, random);
    const bound = sigma_force ?? threshold!;
    const uncertain = [{ quantity: 'max_sigma_force', sense: '>', bound }] as const;
    return explore(potential!, starts, { ...sampler, uncertain }, { random, seed, signal });
  };
  return { name, needsModel: true, sources: from, propose };
};

const KINDS = {
  disorder: disorderKind,
  'space-groups': spaceGroupsKind,
  perturbation: perturbationKind,
  dynamics: dynamicsKind,
  conformers: conformersKind,
  'normal-modes': modesKind,
  torsions: torsionsKind,
  clusters: clustersKind,
  paths: pathsKind,
  saddles: saddlesKind,
  lammps: lammpsKind,
  harvest: harvestKind,
} as const;

export const samplerRule: Rule<Sampler> = (input) => {
  const field = (name: string) => input.fields?.find((one) => one.name === name)?.input;
  const kind = field('kind');
  if (kind === undefined) throw missing(input, 'which sampler', 'kind');
  const found = oneOf(Object.keys(KINDS) as (keyof typeof KINDS)[])(kind);
  const name = field('name');
  return KINDS[found](input, name === undefined ? found : text(name));
};
