/** From which σ on a frame is worth a label, following the model from round to round. */

import { calibrationOf, type Scatter } from '../analysis/assess/reliability.ts';
import { MltsError } from '../errors.ts';

/**
 * - `sigma` σ itself
 * - `error` σ at which errors of that size are to be expected, by the calibration of the model
 * - `percentile` σ at which errors are to be expected that this share of the held-out errors, in %, do not exceed
 */
export type Threshold =
  | { readonly kind: 'sigma'; readonly value: number }
  | { readonly kind: 'error'; readonly value: number }
  | { readonly kind: 'percentile'; readonly value: number };

/**
 * A threshold as σ. The calibration is RMS error over RMS σ, as on the model's card.
 * @param heldOut σ and error of the same quantity on frames that no member was trained on
 * @throws MltsError E_EMPTY where they are needed and there are none, or σ is 0 on all of them
 */
export function sigmaOf({ kind, value }: Threshold, heldOut: Scatter): number {
  if (kind === 'sigma') return value;
  const calibration = calibrationOf(heldOut);
  if (calibration === undefined) {
    throw new MltsError(
      'E_EMPTY',
      `σ was not compared with errors on any of ${heldOut.error.length} held-out values`,
      'Hold out labelled frames, train two members or more, or give the threshold as σ itself.',
    );
  }
  return (kind === 'error' ? value : percentile(heldOut.error, value)) / calibration;
}

/** Linear between the two nearest ranks: 0 is the least, 100 the greatest. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (percent / 100) * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}
