/** One stage of dynamics, from what a user wrote. */
import { MltsError } from '../../errors.ts';
import { nearest } from '../../model/nearest.ts';
import { EV_PER_ANGSTROM3_IN_GPA } from '../../units.ts';
import { CELL_FREEDOMS } from '../minimise/coordinates.ts';
import { constant, type Schedule } from '../schedule.ts';
import type { Input } from './input.ts';
import {
  atoms,
  duration,
  list,
  missing,
  number,
  oneOf,
  pressure,
  type Rule,
  refuse,
  settings,
  text,
  whole,
} from './rules.ts';
import { BAROSTATS, type Condition, type DynamicsStage, isUncertainty, QUANTITIES, THERMOSTATS } from './stages.ts';

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
  const match = /^\s*([a-z_]+)\s*([<>])\s*([-+\d.eE]+)(\s+calibrated)?\s*$/.exec(String(input.scalar));
  const bound = Number(match?.[3]);
  if (match === null || !Number.isFinite(bound)) return refuse(input, "a condition like 'max_sigma_force > 0.5'");
  const [, name, sense, , calibrated] = match;
  const quantity = QUANTITIES.find((one) => one === name);
  if (quantity === undefined) {
    const near = nearest(name, QUANTITIES);
    return refuse(input, `of ${QUANTITIES.join(', ')}${near === undefined ? '' : ` (did you mean '${near}'?)`}`);
  }
  if (calibrated === undefined) return { quantity, sense: sense as '<' | '>', bound };
  if (!isUncertainty(quantity)) return refuse(input, `without 'calibrated', for ${quantity} is no uncertainty`);
  return { quantity, sense: sense as '<' | '>', bound, calibrated: true };
};

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

export function dynamicsStage(input: Input, ensemble: DynamicsStage['ensemble'], name: string): DynamicsStage {
  const rules = DYNAMICS_RULES[ensemble] as {
    readonly [K in keyof DynamicsSettings]-?: Rule<Exclude<DynamicsSettings[K], undefined>>;
  };
  const given = settings<DynamicsSettings>(rules, ensemble)(input);
  const { steps, time, temperature: target } = given;
  if (steps === undefined && time === undefined) throw missing(input, 'how long it runs', 'steps', 'time');
  if (steps !== undefined && time !== undefined)
    throw missing(input, 'one of steps and time, not both', 'steps', 'time');
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
