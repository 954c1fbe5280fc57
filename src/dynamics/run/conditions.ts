/** Conditions on a walker that end it or save a frame of it. */
import { symbolOf } from '../../elements.ts';
import type { Condition } from '../input/stages.ts';
import type { Observables, Walker } from '../walker.ts';
import { closestPair } from './closest-pair.ts';

/** Whether a condition watches σ, which must then be evaluated each step. */
export const needsSigma = ({ quantity }: Condition): boolean => quantity.endsWith('sigma_force') || quantity === 'rho';

/** `max_sigma_force is 0.61 (atom 12, O), > 0.5` where the condition is met. */
export function met(condition: Condition, walker: Walker, observables: Observables): string | undefined {
  const { quantity, sense, bound } = condition;
  const { value, where = '' } = quantityOf(condition, walker, observables);
  const isMet = sense === '>' ? value > bound : value < bound;
  return isMet ? `${quantity} is ${value.toPrecision(4)}${where}, ${sense} ${bound}` : undefined;
}

interface Found {
  readonly value: number;
  /** Which atoms, in words; they are numbered from 0. */
  readonly where?: string;
}

function quantityOf({ quantity, bound, sense }: Condition, { state, result }: Walker, observables: Observables): Found {
  const name = (atom: number) => `${atom}, ${symbolOf(state.numbers[atom])}`;
  switch (quantity) {
    case 'max_sigma_force': {
      const value = observables.maxSigmaForce!;
      return { value, where: ` (atom ${name(result!.sigmaForces!.indexOf(value))})` };
    }
    case 'mean_sigma_force':
      return { value: observables.meanSigmaForce! };
    case 'rho':
      return { value: observables.rho! };
    case 'temperature':
      return { value: observables.temperature };
    case 'min_distance': {
      // Up to twice the bound tells as much as any distance.
      const pair = closestPair(state.positions, state.cell, state.pbc, sense === '<' ? bound : 2 * bound);
      if (pair === undefined) return { value: Number.POSITIVE_INFINITY };
      return { value: pair.distance, where: ` (atoms ${name(pair.first)} and ${name(pair.second)})` };
    }
  }
}
