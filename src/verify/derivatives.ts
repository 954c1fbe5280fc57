import type { Potential, System } from '../engine/potential.ts';
import { evaluate, largestDifference, randomNumbers, timesMatrix } from './evaluate.ts';

/**
 * Å, and strain, which moves distant atoms further. The second derivative of CELU jumps at 0: stepping across it leaves an
 * error in proportion to the step, so steps are as small as the rounding of energies of 10⁵ eV allows.
 */
const STEP = 5e-5;
const STRAIN_STEP = 2e-5;
/** Fourth-order central difference: f' ≈ Σ w f(x + k·h)/h. */
const STENCIL = [
  [-2, 1 / 12],
  [-1, -2 / 3],
  [1, 2 / 3],
  [2, -1 / 12],
] as const;
const MAX_COMPONENTS = 36;

/** Largest |F + ∂E/∂r| over up to 36 components, eV/Å. */
export async function forceError(potential: Potential, system: System): Promise<number> {
  const [{ forces = new Float64Array() }] = await evaluate(potential, [system]);
  const components = choose(forces.length, MAX_COMPONENTS);
  const displaced = components.flatMap((component) =>
    STENCIL.map(([k]): System => {
      const positions = system.positions.slice();
      positions[component] += k * STEP;
      return { ...system, positions };
    }),
  );
  const slopes = await derivatives(potential, displaced, STEP);
  return largestDifference(
    components.map((component) => forces[component]),
    slopes.map((slope) => -slope),
  );
}

/** Largest |W + ∂E/∂ε| over the nine strains, eV. */
export async function virialError(potential: Potential, system: System): Promise<number> {
  const [{ virial = new Float64Array() }] = await evaluate(potential, [system], ['virial']);
  const strained = Array.from({ length: 9 }, (_, component) =>
    STENCIL.map(([k]): System => {
      const strain = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
      strain[component] += k * STRAIN_STEP;
      const cell = system.cell && timesMatrix(system.cell, strain);
      return { ...system, positions: timesMatrix(system.positions, strain), cell };
    }),
  ).flat();
  const slopes = await derivatives(potential, strained, STRAIN_STEP);
  return largestDifference(
    virial,
    slopes.map((slope) => -slope),
  );
}

async function derivatives(potential: Potential, systems: readonly System[], step: number): Promise<number[]> {
  const results = await evaluate(potential, systems, []);
  const points = STENCIL.length;
  return Array.from({ length: results.length / points }, (_, i) =>
    STENCIL.reduce((sum, [, weight], k) => sum + (weight * results[points * i + k].energy) / step, 0),
  );
}

/** Up to `count` different indices below `n`. */
function choose(n: number, count: number): number[] {
  const all = Array.from({ length: n }, (_, i) => i);
  const random = randomNumbers(2);
  for (let i = 0; i < Math.min(n, count); i++) {
    const j = i + Math.floor(random() * (n - i));
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all.slice(0, count);
}
