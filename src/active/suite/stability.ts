/** A short run of dynamics: does it last, does it keep its energy, has it the g(r) that it should have? */
import { extname } from 'node:path';
import { firstFrame } from '../../analysis/frames.ts';
import { RadialDistribution } from '../../analysis/rdf.ts';
import { line } from '../../analysis/statistics.ts';
import { duration, missing, number, oneOf, type Rule, settings, text } from '../../dynamics/input/rules.ts';
import { constant } from '../../dynamics/schedule.ts';
import { Simulation } from '../../dynamics/simulation.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import { isTight } from '../samplers/sampler.ts';
import { compareRdf, type Known, knownFromTable, knownFromTrajectory, knownOf, rdfLike } from './distribution.ts';
import type { MeasureContext, Measurement, Metric } from './metric.ts';
import { fileRule } from './reference.ts';

interface Run {
  readonly name: string;
  /** Its first frame is where the run begins. */
  readonly structure: string;
  readonly ensemble: 'nve' | 'nvt';
  /** K; velocities are drawn at it. */
  readonly temperature: number;
  /** fs */
  readonly time: number;
  readonly timestep: number;
  /** Of that time, before anything is measured, fs. */
  readonly equilibration: number;
  /** A trajectory, or a table of g(r). */
  readonly rdf: string | undefined;
}

/** fs between frames that are measured. */
const INTERVAL = 10;
/** 1/friction, fs. */
const THERMOSTAT_TIME = 100;
/** Å; no two nuclei of any substance come so close, but those of a model that has a hole there do. */
const HOLE = 0.5;

/**
 * `blow-up` is 0 or Infinity, and all that the run should have given is Infinity then; `energy drift` is |d(E + K)/dt| of an NVE
 * run; `g(r)` the root mean square over r of how far g is off, of all atoms and of each pair of elements.
 */
export const stability: Rule<Measurement> = (input) => {
  const given = settings<Partial<Run> & { kind?: string }>(
    {
      ...{ kind: text, name: text, structure: fileRule, ensemble: oneOf(['nve', 'nvt'] as const) },
      temperature: number({ above: 0, most: 1e5, unit: 'K' }),
      ...{ time: duration, timestep: duration, equilibration: duration, rdf: fileRule },
    },
    'a stability run',
  )(input);
  const { name = 'stability', structure, ensemble = 'nvt', temperature, time = 5000 } = given;
  if (structure === undefined) throw missing(input, 'where the run begins', 'structure');
  if (temperature === undefined) throw missing(input, 'how hot it is', 'temperature');
  const timestep = given.timestep ?? 1;
  const equilibration = given.equilibration ?? time / 5;
  if (equilibration >= time)
    throw missing(input, `an equilibration shorter than the time, ${time} fs`, 'equilibration');
  const run = { name, structure, ensemble, temperature, time, timestep, equilibration, rdf: given.rdf };
  return { name, measure: (context) => measure(run, context) };
};

async function measure(run: Run, context: MeasureContext): Promise<readonly Metric[]> {
  const { name, ensemble } = run;
  const known = run.rdf === undefined ? undefined : knownAt(run.rdf);
  const radial = known && new RadialDistribution(rdfLike(known));
  const times: number[] = [];
  const energies: number[] = [];
  const fault = await walk(run, context, (frame, time, energy) => {
    radial?.add({ ...frame, time });
    times.push(time);
    energies.push(energy / frame.numbers.length);
  });
  if (fault !== undefined) context.say(`${name}: ${fault}`);
  const metrics: Metric[] = [{ name: `${name}: blow-up`, value: fault === undefined ? 0 : Infinity, unit: '' }];
  if (ensemble === 'nve') {
    // 1 eV/fs is 10⁶ meV/ps.
    const value = fault === undefined ? 1e6 * Math.abs(line(times, energies).slope) : Infinity;
    metrics.push({ name: `${name}: energy drift`, value, unit: 'meV/atom/ps', resolution: 0.1 });
  }
  if (radial !== undefined) {
    metrics.push(...compareRdf(name, known!, fault === undefined ? knownOf(radial.result()) : undefined));
  }
  return metrics;
}

const knownAt = (file: string): Known => (extname(file) === '.csv' ? knownFromTable(file) : knownFromTrajectory(file));

/** @param look at each frame behind the equilibration; E + K in eV @returns why the run ended early */
async function walk(
  { structure, ensemble, temperature, time, timestep, equilibration }: Run,
  { potential, seed, signal }: MeasureContext,
  look: (frame: Structure, time: number, energy: number) => void,
): Promise<string | undefined> {
  const { numbers, positions, cell, pbc } = firstFrame(structure);
  const simulation = new Simulation([{ numbers, positions, cell, pbc }], {
    ...{ potential, timestep, duration: time, seed, draw: temperature, temperature: constant(temperature) },
    ...{ ensemble, thermostat: 'langevin', thermostatTime: THERMOSTAT_TIME },
    ...{ barostat: 'rescale', barostatTime: 1, cell: 'isotropic', compressibility: 1 },
  });
  const [walker] = simulation.walkers;
  const every = Math.max(1, Math.round(INTERVAL / timestep));
  try {
    await simulation.start();
    for (const steps = Math.ceil(time / timestep - 1e-9); ; ) {
      const { step, time: now } = simulation;
      if (walker.failure !== undefined) return `ended at ${now} fs: ${walker.failure.what}`;
      if (step % every === 0) {
        const { state } = walker;
        const frame = { numbers, positions: state.positions.slice(), cell, pbc, info: {}, arrays: {} };
        if (isTight(frame, HOLE)) return `ended at ${now} fs: two atoms are closer than ${HOLE} Å`;
        const { kinetic, potential: energy } = simulation.observe(walker);
        if (now >= equilibration) look(frame, now, kinetic + energy);
      }
      if (step === steps) return undefined;
      if (signal.aborted) throw new MltsError('E_CANCELLED', 'the suite was interrupted', 'Run the stage again.');
      await simulation.advance();
    }
  } finally {
    simulation.close();
  }
}
