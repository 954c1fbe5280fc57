/** Conditions on a walker that end it or save a frame of it. */
import { symbolOf } from '../../elements.ts';
import { MltsError } from '../../errors.ts';
import type { Calibration, ModelInfo } from '../../model/model.ts';
import type { Condition } from '../input/stages.ts';
import type { Observables, Walker } from '../walker.ts';
import { closestPair } from './closest-pair.ts';

/** @throws MltsError E_USAGE where a condition is on calibrated σ and the model's σ was never compared with errors */
export function checkCalibration(stage: string, conditions: readonly Condition[], model: ModelInfo): void {
  const condition = conditions.find(({ calibrated }) => calibrated);
  if (condition === undefined || model.calibration !== undefined) return;
  const { quantity, sense, bound } = condition;
  throw new MltsError(
    'E_USAGE',
    `${stage}: '${quantity} ${sense} ${bound} calibrated' needs a calibration, and ${model.name} has none`,
    `Compare σ itself: '${quantity} ${sense} ${bound}'.`,
  );
}

/**
 * `max_sigma_force is 0.61 (atom 12, O), > 0.5` where the condition is met.
 * @param calibration of the model, for conditions on calibrated σ
 */
export function met(
  condition: Condition,
  walker: Walker,
  observables: Observables,
  calibration?: Calibration,
): string | undefined {
  const { quantity, sense, bound, calibrated } = condition;
  const { value: sigma, where = '' } = quantityOf(condition, walker, observables);
  const factor = quantity === 'rho' ? calibration?.sigmaEnergy : calibration?.sigmaForce;
  const value = calibrated ? factor! * sigma : sigma;
  const isMet = sense === '>' ? value > bound : value < bound;
  const words = calibrated ? ' calibrated' : '';
  return isMet ? `${quantity} is ${value.toPrecision(4)}${words}${where}, ${sense} ${bound}` : undefined;
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
