/** What a simulation takes, and what it is refused for before its first step. */
import type { Potential, Precision, System } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import type { Ensemble } from './integrators/choose.ts';
import type { Schedule } from './schedule.ts';

export interface SimulationOptions extends Ensemble {
  readonly potential: Potential;
  readonly precision?: Precision | undefined;
  /** fs */
  readonly timestep: number;
  /** t_end of the schedules, fs */
  readonly duration: number;
  /** K */
  readonly temperature?: Schedule | undefined;
  /** eV/Å³; default 0 */
  readonly pressure?: Schedule | undefined;
  /** g/cm³; the cell is scaled to it */
  readonly density?: Schedule | undefined;
  /** Draws velocities at this temperature, K; undefined: those of the systems, or the schedule's where they have none. */
  readonly draw?: number | undefined;
  /** Atoms that do not move. */
  readonly fixed?: readonly number[] | undefined;
  /** Pairs of atoms whose distance is kept. */
  readonly bonds?: readonly (readonly [number, number])[] | undefined;
  /** Walker w draws from seed + w. */
  readonly seed: number;
}

export interface Start extends System {
  /** [n,3] Å/fs */
  readonly velocities?: Float64Array | undefined;
  /** [n] amu; default those of the elements */
  readonly masses?: Float64Array | undefined;
  /** Of this walker, in place of those of the options: K, and g/cm³. */
  readonly temperature?: Schedule | undefined;
  readonly density?: Schedule | undefined;
}

/** @throws MltsError E_USAGE with the name, the value and the bound */
export function checkOptions(options: SimulationOptions): void {
  const { ensemble, temperature, pressure, density, thermostat, draw, seed } = options;
  above('timestep', options.timestep, 0, 'fs');
  above('duration', options.duration, 0, 'fs');
  if (!Number.isSafeInteger(seed)) refuse('seed', seed, 'a whole number');
  if (draw !== undefined && !(draw >= 0 && draw < Number.POSITIVE_INFINITY)) refuse('draw', draw, 'at least 0 K');
  if (density !== undefined) above('density', least(density), 0, 'g/cm³');
  if (ensemble === 'nve') return;
  if (temperature === undefined) {
    throw new MltsError('E_USAGE', `${ensemble} without a temperature`, 'Say which, in K.');
  }
  above('temperature', least(temperature), 0, 'K');
  above(`time of the thermostat '${thermostat}'`, options.thermostatTime, 0, 'fs');
  if (ensemble === 'nvt') return;
  above('barostatTime', options.barostatTime, 0, 'fs');
  above('compressibility', options.compressibility, 0, 'Å³/eV');
  if (pressure !== undefined && !Number.isFinite(least(pressure))) refuse('pressure', least(pressure), 'finite');
}

/** @throws MltsError E_USAGE, E_SHAPE */
export function checkStart(start: Start, { fixed = [] }: SimulationOptions): void {
  const { numbers, velocities, masses, temperature, density } = start;
  const n = numbers.length;
  if (temperature !== undefined) above('temperature', least(temperature), 0, 'K');
  if (density !== undefined) above('density', least(density), 0, 'g/cm³');
  const bad = fixed.find((atom) => !(Number.isInteger(atom) && atom >= 0 && atom < n));
  if (bad !== undefined) {
    throw new MltsError('E_USAGE', `atom ${bad} is to be fixed, there are atoms 0 to ${n - 1}`, 'Correct the list.');
  }
  for (const [name, values, length] of [
    ['velocities', velocities, 3 * n],
    ['masses', masses, n],
  ] as const) {
    if (values === undefined) continue;
    if (values.length !== length) {
      const what = `${values.length} ${name} for ${n} atoms`;
      throw new MltsError('E_SHAPE', what, `Give ${length / n} an atom.`);
    }
    const at = values.findIndex((value) => !Number.isFinite(value) || (name === 'masses' && value <= 0));
    if (at < 0) continue;
    const atom = Math.floor((at * n) / length);
    throw new MltsError('E_USAGE', `${name} of atom ${atom}: ${values[at]}`, 'Give finite velocities, masses above 0.');
  }
}

/** The lowest value on the way; NaN where one of them is none. */
const least = ({ from, to, amplitude, period }: Schedule): number =>
  Math.min(from, to) + Math.min(0, amplitude) + 0 * Math.max(from, to, amplitude, period);

function above(name: string, value: number, bound: number, unit: string): void {
  if (!(value > bound && value < Number.POSITIVE_INFINITY)) refuse(name, value, `above ${bound} ${unit}`);
}

function refuse(name: string, value: number, expected: string): never {
  throw new MltsError('E_USAGE', `${name} is ${value}, must be ${expected}`, 'Give another value.');
}
