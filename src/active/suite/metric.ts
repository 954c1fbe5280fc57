/** What a candidate is measured by beside its held-out errors. */
import type { Potential } from '../../engine/potential.ts';

export interface Metric {
  /** `al-fcc: cold curve`, unique in a suite. */
  readonly name: string;
  /** Smaller is better: an error, a deviation from a reference, a share that failed. */
  readonly value: number;
  readonly unit: string;
  /** A difference that says nothing: noise of sampling, or less than anybody would care for. Default 0. */
  readonly resolution?: number;
}

export interface MeasureContext {
  readonly potential: Potential;
  /** Draws nothing else: the same for the same seed. */
  readonly seed: number;
  say(text: string): void;
  readonly signal: AbortSignal;
}

/** A test of the built-in suite. */
export interface Measurement {
  readonly name: string;
  /**
   * What cannot be measured because the model fails (a run that blows up, a minimum that is not found) is a metric too: it
   * is Infinity.
   * @throws MltsError E_CANCELLED when `signal` fires
   */
  measure(context: MeasureContext): Promise<readonly Metric[]>;
}
