/** What every label engine is: a structure in, energy, forces and stress out, or a reason why not. */
import type { Structure } from '../io/structure.ts';

export interface Label {
  /** Total, eV. */
  readonly energy: number;
  /** [n,3] eV/Å */
  readonly forces: Float64Array;
  /** [3,3] W = −∂E/∂ε, eV; absent where the engine has none. */
  readonly virial?: Float64Array | undefined;
  /** Wall time, s. */
  readonly seconds: number;
  /** What the engine was given and what it wrote, kept beside the label: text by the name of a file. */
  readonly raw: Readonly<Record<string, string>>;
}

export const FAILURES = {
  'not-converged': 'the engine came to no self-consistent answer',
  'time-out': 'the wall-time limit passed',
  crashed: 'the engine ended with an error, or died',
  unphysical: 'the answer cannot be right: not finite, forces or pressures beyond the bounds',
  refused: 'the engine cannot compute such a structure',
} as const;

export type FailureKind = keyof typeof FAILURES;

/** One structure has no label. The campaign goes on. */
export class LabelFailure extends Error {
  readonly kind: FailureKind;
  /** The value and the bound, or the engine's own words; one sentence, no full stop at its end. */
  readonly what: string;
  readonly raw: Readonly<Record<string, string>>;

  constructor(kind: FailureKind, what: string, raw: Readonly<Record<string, string>> = {}) {
    super(`${kind}: ${what}`);
    this.name = 'LabelFailure';
    this.kind = kind;
    this.what = what;
    this.raw = raw;
  }
}

export interface LabelOptions {
  /** An empty folder of its own for this label; removed afterwards by who made it. */
  readonly scratch: string;
  /** Wall-time limit. */
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** One label at a time; as many engines are opened as labels shall be computed side by side. */
export interface LabelEngine {
  /** Level of theory of all its labels, as in data sets: `PBE/def2-SVP`. Labels of two levels never mix. */
  readonly level: string;
  /** Program and version: `tblite 0.5.0`. */
  readonly program: string;
  /**
   * @throws LabelFailure for this structure
   * @throws MltsError E_CANCELLED when `signal` fires; E_UNAVAILABLE where the engine itself is gone or not set up: no
   *   structure would ever be labelled
   */
  label(structure: Structure, options: LabelOptions): Promise<Label>;
  close(): void;
}
