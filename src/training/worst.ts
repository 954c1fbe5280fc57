/** The structures that a model does worst on, and what speaks for the cause. */
import { quantile } from '../analysis/assess/flagging.ts';
import type { Assessment, FrameError } from './assessment.ts';

export interface Worst {
  readonly error: FrameError;
  readonly reasons: readonly string[];
}

const COUNT = 10;

/**
 * By the error of forces, or of energies where there are no forces.
 * @param learnt formulas of the training frames
 */
export function worstOf({ all, calibration }: Assessment, learnt: ReadonlySet<string>): readonly Worst[] {
  const byForces = all.some(({ forces }) => forces !== undefined);
  const size = (one: FrameError) => Math.abs((byForces ? one.forces : one.energy) ?? 0);
  const sigma = (one: FrameError) =>
    byForces ? one.sigmaForces * (calibration?.sigmaForce ?? 1) : one.sigmaEnergy * (calibration?.sigmaEnergy ?? 1);
  const strong = quantile(
    all.map(({ largestForce }) => largestForce),
    0.95,
  );
  const close = quantile(
    all.map(({ closest }) => closest),
    0.05,
  );
  const unsure = quantile(all.map(sigma), 0.95);
  const reasonsFor = (one: FrameError): string[] => {
    const reasons: string[] = [];
    if (!learnt.has(one.formula)) reasons.push(`no structure of the formula ${one.formula} was trained on`);
    if (one.largestForce >= strong && strong > 0) {
      reasons.push(`strong forces: ${one.largestForce.toFixed(1)} eV/Å, 95 % have less than ${strong.toFixed(1)}`);
    }
    if (one.closest <= close && Number.isFinite(one.closest)) {
      reasons.push(`close atoms: ${one.closest.toFixed(2)} Å, 95 % are farther apart than ${close.toFixed(2)} Å`);
    }
    if (calibration === undefined) return reasons;
    if (sigma(one) >= unsure) reasons.push('the members disagree: too little like it was trained on');
    else if (size(one) > 4 * sigma(one)) {
      reasons.push('the members agree on another value, more than 4 calibrated σ away: look at the label');
    }
    return reasons;
  };
  return [...all]
    .sort((a, b) => size(b) - size(a))
    .slice(0, COUNT)
    .map((error) => ({ error, reasons: reasonsFor(error) }));
}
