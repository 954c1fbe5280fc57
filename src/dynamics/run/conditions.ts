/** Conditions on a walker that end it or save a frame of it. */
import type { Condition } from '../input/stages.ts';
import type { State } from '../state.ts';
import type { Observables } from '../walker.ts';
import { closestPair } from './closest-pair.ts';

/** Whether a condition watches σ, which must then be evaluated each step. */
export const needsSigma = ({ quantity }: Condition): boolean => quantity.endsWith('sigma_force') || quantity === 'rho';

/** `max_sigma_force is 0.61, > 0.5` where the condition is met. */
export function met(condition: Condition, state: State, observables: Observables): string | undefined {
  const { quantity, sense, bound } = condition;
  const value = quantityOf(condition, state, observables);
  const isMet = sense === '>' ? value > bound : value < bound;
  return isMet ? `${quantity} is ${value.toPrecision(4)}, ${sense} ${bound}` : undefined;
}

function quantityOf({ quantity, bound, sense }: Condition, state: State, observables: Observables): number {
  switch (quantity) {
    case 'max_sigma_force':
      return observables.maxSigmaForce!;
    case 'mean_sigma_force':
      return observables.meanSigmaForce!;
    case 'rho':
      return observables.rho!;
    case 'temperature':
      return observables.temperature;
    case 'min_distance':
      // Up to twice the bound tells as much as any distance.
      return closestPair(state.positions, state.cell, state.pbc, sense === '<' ? bound : 2 * bound);
  }
}
