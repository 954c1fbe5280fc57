import { massOf } from '../elements.ts';
import type { Potential, System } from '../engine/potential.ts';
import { AMU_ANGSTROM2_PER_FS2, BOLTZMANN } from '../units.ts';
import { evaluate, normal, randomNumbers } from './evaluate.ts';

const TEMPERATURE = 300;
const STEPS = 400;

/**
 * Drift of the total energy of a short run at constant energy, eV/atom/ps: the slope of a straight line through the
 * energies of 400 steps of velocity Verlet from a relaxed start at 300 K. Steps of 0.25 fs with hydrogen, 1 fs without.
 */
export async function energyDrift(potential: Potential, start: System): Promise<number> {
  const system = await relax(potential, start);
  const n = system.numbers.length;
  const dt = system.numbers.includes(1) ? 0.25 : 1;
  const masses = Float64Array.from(system.numbers, (number) => (massOf(number) ?? 1) * AMU_ANGSTROM2_PER_FS2);
  const random = randomNumbers(6);
  const velocities = Float64Array.from({ length: 3 * n }, (_, i) => {
    return normal(random) * Math.sqrt((BOLTZMANN * TEMPERATURE) / masses[Math.floor(i / 3)]);
  });
  const trajectory = potential.createTrajectory();
  try {
    const positions = system.positions.slice();
    const step = async () => (await evaluate(potential, [{ ...system, positions, trajectory }]))[0];
    let { forces = new Float64Array(), energy } = await step();
    const totals: number[] = [];
    const kick = () => {
      for (let i = 0; i < 3 * n; i++) velocities[i] += (0.5 * dt * forces[i]) / masses[Math.floor(i / 3)];
    };
    for (let s = 0; s < STEPS; s++) {
      const kinetic = velocities.reduce((sum, v, i) => sum + 0.5 * masses[Math.floor(i / 3)] * v * v, 0);
      totals.push((energy + kinetic) / n);
      kick();
      for (let i = 0; i < 3 * n; i++) positions[i] += dt * velocities[i];
      ({ forces = new Float64Array(), energy } = await step());
      kick();
    }
    return Math.abs(slope(totals)) / (dt / 1000);
  } finally {
    trajectory.close();
  }
}

/** Slope of the least-squares line through equally spaced values, per step. */
function slope(values: readonly number[]): number {
  const centre = (values.length - 1) / 2;
  const first = values[0];
  const up = values.reduce((sum, value, i) => sum + (i - centre) * (value - first), 0);
  const down = values.reduce((sum, _, i) => sum + (i - centre) ** 2, 0);
  return up / down;
}

/** A few damped steps downhill, so that the run does not start by falling: FIRE, doi:10.1103/PhysRevLett.97.170201. */
async function relax(potential: Potential, start: System): Promise<System> {
  const [maxSteps, smallForce, maxMove] = [150, 0.2, 0.1];
  const positions = start.positions.slice();
  const velocity = new Float64Array(positions.length);
  let [dt, mixing, downhill] = [0.05, 0.1, 0];
  for (let s = 0; s < maxSteps; s++) {
    const [{ forces = new Float64Array() }] = await evaluate(potential, [{ ...start, positions }]);
    if (forces.every((force) => Math.abs(force) < smallForce)) break;
    const power = forces.reduce((sum, force, i) => sum + force * velocity[i], 0);
    if (power > 0) {
      const ratio = Math.sqrt(square(velocity) / square(forces));
      for (let i = 0; i < velocity.length; i++) velocity[i] = (1 - mixing) * velocity[i] + mixing * ratio * forces[i];
      if (++downhill > 5) [dt, mixing] = [Math.min(1.1 * dt, 0.3), 0.99 * mixing];
    } else {
      velocity.fill(0);
      [dt, mixing, downhill] = [0.5 * dt, 0.1, 0];
    }
    for (let i = 0; i < velocity.length; i++) {
      velocity[i] += dt * forces[i];
      positions[i] += Math.max(-maxMove, Math.min(maxMove, dt * velocity[i]));
    }
  }
  return { ...start, positions };
}

const square = (values: Float64Array) => values.reduce((sum, value) => sum + value * value, 0);
