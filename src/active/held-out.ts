/** Errors on frames that no training saw, beside σ: what thresholds are made of. */
import type { Scatter } from '../analysis/assess/reliability.ts';
import { FILES } from './folder.ts';
import type { Context } from './stage.ts';
import type { Metric } from './suite/metric.ts';
import { sigmaOf } from './threshold.ts';

export interface FrameErrors {
  readonly frames: number;
  readonly energy_rmse_mev_per_atom: number;
  /** Over components, eV/Å. */
  readonly force_rmse: number;
}

/** How a model does: `assessment.json` has that of the candidate and, on the same frames, of the campaign's model. */
export interface Measured {
  /** Of the suite; null where the model was too bad to be measured. */
  readonly metrics: readonly (Omit<Metric, 'value'> & { readonly value: number | null })[];
  readonly errors: { readonly all: FrameErrors; readonly bySampler: Readonly<Record<string, FrameErrors>> };
  /** One value a frame. */
  readonly heldOut: {
    /** Largest σ_F against the largest |ΔF| of an atom, eV/Å. */
    readonly forces: Scatter;
    /** ρ against |ΔE|/√N, eV. */
    readonly energy: Scatter;
  };
}

export interface Assessment extends Measured {
  readonly current: Measured | null;
}

/** σ from which on a frame is worth a label. */
export interface Thresholds {
  /** On max σ_F, eV/Å. */
  readonly forces: number;
  /** On ρ, eV. */
  readonly energy: number | undefined;
}

/**
 * Of the model that was promoted in a round.
 * @throws MltsError E_EMPTY where σ cannot be compared with errors
 */
export function thresholdsOf({ config, folder }: Context, round: number): Thresholds {
  const { heldOut } = folder.json<Assessment>(folder.of(round, FILES.assessment));
  const { forces, energy } = config.select;
  return { forces: sigmaOf(forces, heldOut.forces), energy: energy && sigmaOf(energy, heldOut.energy) };
}
