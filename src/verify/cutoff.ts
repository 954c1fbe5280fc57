import type { Potential, System } from '../engine/potential.ts';
import type { Model } from '../model/model.ts';
import { evaluate, largestDifference } from './evaluate.ts';

/** Å on either side of a cutoff. */
const DELTA = 1e-6;

/**
 * Largest jump of a force component (eV/Å) as an atom crosses a cutoff of the model, over all elements and all of
 * the model's cutoffs: two atoms at rest, the third passes.
 */
/** Distances at which a term of the model ends, Å. */
export const cutoffsOf = (model: Model): number[] =>
  model.architecture === 'ani' ? [model.descriptor.radial.cutoff, model.descriptor.angular.cutoff] : [model.cutoff];

export async function cutoffJump(potential: Potential, cutoffs: readonly number[]): Promise<number> {
  const { elements } = potential.model;
  const at = (number: number, distance: number): System => ({
    numbers: Int32Array.of(elements[0], number, elements.at(-1) ?? number),
    positions: Float64Array.of(0, 0, 0, distance, 0, 0, 0.4, 2.2, 0.3),
  });
  const systems = elements.flatMap((number) =>
    cutoffs.flatMap((cutoff) => [at(number, cutoff - DELTA), at(number, cutoff + DELTA)]),
  );
  const results = await evaluate(potential, systems);
  const jumps = results
    .filter((_, i) => i % 2 === 0)
    .map((inside, i) => largestDifference(inside.forces ?? [], results[2 * i + 1].forces ?? []));
  return Math.max(...jumps);
}

/** Largest force (eV/Å), or departure of the energy from the sum of both (eV), of two atoms beyond the model's reach. */
export async function distantError(potential: Potential): Promise<number> {
  const { elements, reach } = potential.model;
  const pair = (a: number, b: number): System => ({
    numbers: Int32Array.of(a, b),
    positions: Float64Array.of(0, 0, 0, reach + 1e-3, 0, 0),
  });
  const single = (a: number): System => ({ numbers: Int32Array.of(a), positions: new Float64Array(3) });
  const results = await evaluate(potential, [...elements.map(single), ...elements.map((b) => pair(elements[0], b))]);
  const alone = results.slice(0, elements.length);
  const pairs = results.slice(elements.length);
  const errors = pairs.map(({ energy, forces = [] }, i) =>
    Math.max(Math.abs(energy - alone[0].energy - alone[i].energy), largestDifference(forces, new Float64Array(6))),
  );
  return Math.max(...errors);
}
