/** Melting points by coexistence of crystal and liquid. */
import type { Ensemble } from '../dynamics/integrators/choose.ts';
import { product } from '../dynamics/minimise/coordinates.ts';
import type { Start } from '../dynamics/options.ts';
import { constant } from '../dynamics/schedule.ts';
import { Simulation } from '../dynamics/simulation.ts';
import { volume } from '../dynamics/state.ts';
import type { Walker } from '../dynamics/walker.ts';
import { determinant, inverse } from '../engine/cell.ts';
import type { Potential } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import type { Compute } from './evaluate.ts';
import type { Crystal } from './oriented.ts';
import { analyse, type Estimate, line } from './statistics.ts';

export interface MeltingOptions extends Compute {
  /** K, two or more around the melting point. */
  readonly temperatures: readonly number[];
  /** eV/Å³; default 0. */
  readonly pressure?: number | undefined;
  /** fs; default 2. */
  readonly timestep?: number | undefined;
  /** fs of each of the four parts of the preparation; default 2000. */
  readonly preparation?: number | undefined;
  /** fs that are measured; default 10000. */
  readonly duration?: number | undefined;
  readonly seed?: number | undefined;
  /** Told of steps done and all. */
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

export interface MeltingPoint {
  /** K; undefined where the crystal grew at all temperatures, or melted at all. */
  readonly melting: Estimate | undefined;
  readonly points: readonly CoexistencePoint[];
}

export interface CoexistencePoint {
  /** K */
  readonly temperature: number;
  /** dH/dt, eV per atom and ps: above 0 the crystal melts, below it grows. */
  readonly rate: Estimate;
  /** fs, and enthalpy in eV per atom. */
  readonly enthalpy: readonly (readonly [time: number, enthalpy: number])[];
}

/** One half is melted at this multiple of the temperature. */
const HOT = 3;
/** The liquid's atoms have left their sites by this part of their mean distance, root mean square. */
const LEFT = 0.5;
/** fs; Å³/eV: 0.02/GPa. */
const BATHS = {
  thermostat: 'rescale',
  thermostatTime: 100,
  barostat: 'rescale',
  barostatTime: 500,
  compressibility: 3.2,
} as const;
const NVT: Ensemble = { ...BATHS, ensemble: 'nvt', cell: 'isotropic' };
const NPT: Ensemble = { ...BATHS, ensemble: 'npt', cell: 'isotropic' };
/** Each edge takes its own length, so that the crystal is not strained by the growing liquid. */
const NPT_EDGES: Ensemble = { ...BATHS, ensemble: 'npt', cell: 'anisotropic' };
/** Steps between records of the enthalpy. */
const EVERY = 10;

/**
 * At each temperature: the crystal at rest, its upper half (along c) molten while the lower is held, cooled, and both let go at
 * constant temperature and pressure. The enthalpy then rises with the liquid or falls with the crystal; the melting point is where
 * the rate is 0, by a line through the rates weighted by their errors.
 * Source: Morris et al., doi:10.1103/PhysRevB.49.3109; rates as Sun, Asta and Hoyt, doi:10.1103/PhysRevB.69.024108.
 * @param crystal a supercell, about twice as long along c as along a and b
 * @throws MltsError E_USAGE for fewer than two temperatures, E_UNSTABLE and faults of the potential
 */
export async function meltingPoint(
  potential: Potential,
  crystal: Crystal,
  options: MeltingOptions,
): Promise<MeltingPoint> {
  const { temperatures, timestep = 2, preparation = 2000, duration = 10_000 } = options;
  if (new Set(temperatures).size < 2 || temperatures.some((one) => !(one > 0))) {
    throw new MltsError(
      'E_USAGE',
      `the temperatures are ${temperatures.join(', ')} K`,
      'Give two or more around the melting point.',
    );
  }
  const all = temperatures.length * Math.ceil((4 * preparation + duration) / timestep);
  let done = 0;
  const count = () => options.onProgress?.(++done, all);
  const points: CoexistencePoint[] = [];
  for (const temperature of temperatures)
    points.push(await coexistence(potential, crystal, temperature, options, count));
  return { melting: crossing(points), points };
}

async function coexistence(
  potential: Potential,
  crystal: Crystal,
  temperature: number,
  options: MeltingOptions,
  count: () => void,
): Promise<CoexistencePoint> {
  const { pressure = 0, timestep = 2, preparation = 2000, duration = 10_000, seed = 1, signal } = options;
  const n = crystal.numbers.length;
  const run = async (start: Start, time: number, kelvin: number, part: Part) => {
    const simulation = new Simulation([start], {
      ...{ ...part.ensemble, potential, timestep, duration: time, seed },
      ...{ temperature: constant(kelvin), pressure: constant(pressure), fixed: part.fixed, draw: part.draw },
    });
    try {
      await simulation.start(part.ensemble.ensemble === 'npt' ? ['virial'] : []);
      const [walker] = simulation.walkers;
      while (simulation.time < time) {
        signal?.throwIfAborted();
        if (walker.failure) throw walker.failure;
        await simulation.advance();
        if (simulation.step % EVERY === 0) part.record?.(simulation.time, walker);
        count();
      }
      if (walker.failure) throw walker.failure;
      const { numbers, positions, velocities, cell, pbc } = walker.state;
      return { numbers, positions, velocities, cell, pbc };
    } finally {
      simulation.close();
    }
  };
  // A crystal shares the energy of its velocities with its potential energy: half of it is lost.
  const rested = await run(crystal, preparation, temperature, { ensemble: NPT, draw: 2 * temperature });
  const { solid, lower } = withRoom(rested);
  const molten = await run(solid, preparation, HOT * temperature, {
    ensemble: NVT,
    fixed: lower,
    draw: HOT * temperature,
  });
  checkMolten(solid, molten, lower, temperature);
  const cooled = await run(molten, preparation, temperature, { ensemble: NVT, fixed: lower, draw: temperature });
  const settled = await run(cooled, preparation, temperature, { ensemble: NPT_EDGES, draw: temperature });
  const enthalpy: [number, number][] = [];
  const record = (time: number, { result, state }: Walker) => {
    enthalpy.push([time, (result!.energy + pressure * volume(state)!) / n]);
  };
  await run(settled, duration, temperature, { ensemble: NPT_EDGES, record });
  return { temperature, rate: slopeOf(enthalpy), enthalpy };
}

interface Part {
  readonly ensemble: Ensemble;
  readonly fixed?: readonly number[];
  /** K; undefined keeps the velocities. */
  readonly draw?: number;
  readonly record?: (time: number, walker: Walker) => void;
}

/** The upper half gets this much more volume, so that it can melt: a liquid is less dense. */
const ROOM = 0.1;

/** The crystal stretched along c in its upper half, and the atoms of the lower one. */
function withRoom<T extends Start>(crystal: T): { solid: T; lower: number[] } {
  const cell = crystal.cell!;
  const fractions = product(crystal.positions, inverse(cell));
  const lower: number[] = [];
  for (let i = 0; i < crystal.numbers.length; i++) {
    const along = fractions[3 * i + 2] - Math.floor(fractions[3 * i + 2]);
    if (along < 0.5) lower.push(i);
    fractions[3 * i + 2] = (along + Math.max(0, along - 0.5) * ROOM) / (1 + ROOM / 2);
  }
  const longer = cell.map((x, k) => (k < 6 ? x : x * (1 + ROOM / 2)));
  return { solid: { ...crystal, cell: longer, positions: product(fractions, longer) }, lower };
}

/** @throws MltsError E_LIMIT where the upper half is still a crystal: what follows would not be coexistence */
function checkMolten(solid: Start, molten: Start, lower: readonly number[], temperature: number): void {
  const n = solid.numbers.length;
  let squares = 0;
  for (let k = 0; k < 3 * n; k++) squares += (molten.positions[k] - solid.positions[k]) ** 2;
  const moved = Math.sqrt(squares / (n - lower.length));
  const wanted = LEFT * Math.cbrt(determinant(solid.cell!) / n);
  if (moved > wanted) return;
  throw new MltsError(
    'E_LIMIT',
    `the upper half did not melt at ${(HOT * temperature).toFixed(0)} K: its atoms moved by ${moved.toFixed(2)} Å, a liquid's by more than ${wanted.toFixed(2)} Å`,
    'Prepare for longer (--preparation).',
  );
}

const FS_PER_PS = 1000;

/** A line through correlated points: its slope has the variance 12 σ²/t² where σ is the error of the mean of the residuals. */
function slopeOf(points: readonly (readonly [number, number])[]): Estimate {
  const [x, y] = [points.map(([time]) => time / FS_PER_PS), points.map(([, value]) => value)];
  const { intercept, slope } = line(x, y);
  const { error } = analyse(y.map((value, i) => value - intercept - slope * x[i]));
  return { mean: slope, error: (Math.sqrt(12) * error) / (x[x.length - 1] - x[0]) };
}

/** Where a line through the rates is 0; undefined where they have one sign, or do not rise with temperature. */
export function crossing(points: readonly Pick<CoexistencePoint, 'temperature' | 'rate'>[]): Estimate | undefined {
  const rates = points.map(({ rate }) => rate.mean);
  if (rates.every((rate) => rate > 0) || rates.every((rate) => rate < 0)) return undefined;
  const weights = points.map(({ rate }) => 1 / rate.error ** 2);
  const sum = (of: (k: number) => number) => weights.reduce((total, weight, k) => total + weight * of(k), 0);
  const total = sum(() => 1);
  const centre = sum((k) => points[k].temperature) / total;
  const square = sum((k) => (points[k].temperature - centre) ** 2);
  const [height, slope] = [
    sum((k) => rates[k]) / total,
    sum((k) => (points[k].temperature - centre) * rates[k]) / square,
  ];
  if (!(slope > 0)) return undefined;
  const chi = sum((k) => (rates[k] - height - slope * (points[k].temperature - centre)) ** 2);
  // Points that lie farther from the line than their errors say have larger errors.
  const scale = points.length > 2 ? Math.max(1, Math.sqrt(chi / (points.length - 2))) : 1;
  const mean = centre - height / slope;
  return { mean, error: (scale * Math.sqrt(1 / total + (mean - centre) ** 2 / square)) / slope };
}
