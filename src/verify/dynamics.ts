/** What a run at constant energy shows of a potential. */
import { relax } from '../dynamics/minimise/relax.ts';
import type { SimulationOptions } from '../dynamics/options.ts';
import { Simulation } from '../dynamics/simulation.ts';
import type { Walker } from '../dynamics/walker.ts';
import type { Potential, Precision, System } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { evaluate } from './evaluate.ts';

const TEMPERATURE = 300;

/** fs of the run for the drift. */
const DRIFT_TIME = 300;

/** 0.5 fs with hydrogen, 2 fs without. */
const timestepFor = ({ numbers }: System): number => (numbers.includes(1) ? 0.5 : 2);

/** A relaxed start, so that no run begins by falling. @throws MltsError where the way down cannot be evaluated */
export async function atRest(potential: Potential, start: System): Promise<System> {
  const [found] = await relax(potential, [start], { fmax: 0.05, maxSteps: 150, precision: 'double' });
  if (found instanceof MltsError) throw found;
  return found.system;
}

/** Steps of velocity Verlet from 300 K; `visit` sees each walker after its step. @throws MltsError */
async function run(
  potential: Potential,
  system: System,
  precision: Precision,
  timestep: number,
  duration: number,
  visit: (walker: Walker, step: number) => Promise<void> | void,
): Promise<void> {
  const options: SimulationOptions = {
    ...{ potential, precision, timestep, duration, draw: TEMPERATURE, seed: 6 },
    ...{ ensemble: 'nve', thermostat: 'rescale', thermostatTime: 1, barostat: 'rescale', barostatTime: 1 },
    ...{ cell: 'isotropic', compressibility: 1 },
  };
  const simulation = new Simulation([system], options);
  const [walker] = simulation.walkers;
  try {
    await simulation.start();
    while (walker.failure === undefined && simulation.time < duration) {
      await visit(walker, simulation.step);
      await simulation.advance();
    }
    if (walker.failure !== undefined) throw walker.failure;
  } finally {
    simulation.close();
  }
}

/**
 * Drift of the energy at constant energy, eV/atom/ps: the slope of a straight line through 300 fs of it, at half the
 * timestep that one would run with.
 *
 * Of the energy that velocity Verlet itself conserves to fourth order,
 *   H + dt²(v·∇∇U·v/12 − F·M⁻¹·F/24),
 * which does not swing with the vibrations as H does, so that a short run shows a slow drift. v·∇∇U·v = −v·dF/dt from the
 * forces before and after. Source: doi:10.1017/S0962492902000144 (modified equations of the Störmer–Verlet method).
 */
export async function energyDrift(
  potential: Potential,
  start: System,
  precision: Precision = 'double',
): Promise<number> {
  const system = await atRest(potential, start);
  const dt = timestepFor(system) / 2;
  const energies: number[] = [];
  let before: { forces: Float64Array; velocities: Float64Array; rest: number } | undefined;
  let older: Float64Array | undefined;
  await run(potential, system, precision, dt, DRIFT_TIME, (walker) => {
    const { velocities, mobility } = walker.state;
    const forces = walker.result!.forces!;
    if (before !== undefined && older !== undefined) {
      let power = 0;
      for (let k = 0; k < forces.length; k++) power += (before.velocities[k] * (forces[k] - older[k])) / (2 * dt);
      energies.push(before.rest - (dt * dt * power) / 12);
    }
    older = before?.forces;
    let square = 0;
    for (let k = 0; k < forces.length; k++) square += forces[k] ** 2 * mobility[Math.floor(k / 3)];
    const { kinetic, potential: energy } = walker.observe({ dt, temperature: 0, pressure: 0 });
    before = { forces, velocities: velocities.slice(), rest: kinetic + energy - (dt * dt * square) / 24 };
  });
  return Math.abs(slope(energies)) / system.numbers.length / (dt / 1000);
}

/** What `energyDrift` measures over, in words. */
export const driftRun = (system: System): string =>
  `${DRIFT_TIME} fs from ${TEMPERATURE} K at ${timestepFor(system) / 2} fs`;

/**
 * How far the swing of the total energy is from a quarter at half the timestep: |ratio/4 − 1|. Forces that are not the
 * gradient of the energy, or that jump, swing as much at any step.
 */
export async function orderError(potential: Potential, start: System): Promise<number> {
  const system = await atRest(potential, start);
  const dt = timestepFor(system);
  const [long, short] = [await swing(potential, system, dt), await swing(potential, system, dt / 2)];
  return Math.abs(long / short / 4 - 1);
}

async function swing(potential: Potential, system: System, dt: number): Promise<number> {
  const energies: number[] = [];
  await run(potential, system, 'double', dt, 100, (walker) => {
    energies.push(walker.observe({ dt, temperature: 0, pressure: 0 }).conserved);
  });
  const mean = energies.reduce((sum, energy) => sum + (energy - energies[0]), 0) / energies.length;
  return Math.sqrt(energies.reduce((sum, energy) => sum + (energy - energies[0] - mean) ** 2, 0) / energies.length);
}

/** Largest difference, eV, between energies of a run, whose neighbour list is kept and remade, and those without a list. */
export async function listError(potential: Potential, start: System): Promise<number> {
  const system = await atRest(potential, start);
  let worst = 0;
  await run(potential, system, 'double', timestepFor(system), 200, async ({ state, result }, step) => {
    if (step % 20 !== 0) return;
    const { numbers, positions, cell, pbc } = state;
    const [fresh] = await evaluate(potential, [{ numbers, positions, cell, pbc }]);
    worst = Math.max(worst, Math.abs(fresh.energy - result!.energy));
  });
  return worst;
}

/** Slope of the least-squares line through equally spaced values, per step. */
function slope(values: readonly number[]): number {
  const centre = (values.length - 1) / 2;
  const first = values[0];
  const up = values.reduce((sum, value, i) => sum + (i - centre) * (value - first), 0);
  const down = values.reduce((sum, _, i) => sum + (i - centre) ** 2, 0);
  return up / down;
}
