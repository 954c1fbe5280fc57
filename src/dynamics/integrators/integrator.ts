/** What moves one walker from one evaluation of its forces to the next. */
import type { Constraints } from '../constraints.ts';
import type { Random } from '../random.ts';
import type { State } from '../state.ts';

/** Plain JSON. */
export type Saved = Readonly<Record<string, unknown>>;

/** What the potential said at the present positions. */
export interface Forces {
  /** eV */
  readonly energy: number;
  /** [n,3] eV/Å */
  readonly forces: Float64Array;
  /** [3,3] eV, W = −∂E/∂ε; there where the integrator asked for it */
  readonly virial?: Float64Array | undefined;
}

/** What a step is to reach. */
export interface Targets {
  /** fs */
  readonly dt: number;
  /** K */
  readonly temperature: number;
  /** eV/Å³ */
  readonly pressure: number;
}

export interface Integrator {
  /** It changes the cell, and needs the virial for that. */
  readonly movesCell: boolean;
  /** Total momentum stays what it is. */
  readonly keepsMomentum: boolean;
  /** From forces at the present positions to the positions of the next evaluation. */
  begin(state: State, at: Forces, targets: Targets): void;
  /** From forces there to the end of the step. */
  end(state: State, at: Forces, targets: Targets): void;
  /** What kinetic and potential energy lack of the quantity that stays constant as dt → 0, eV. */
  reservoir(state: State, targets: Targets): number;
  save(): Saved;
  restore(saved: Saved): void;
}

/** What every integrator is made with. */
export interface Means {
  readonly constraints: Constraints;
  readonly random: Random;
}
