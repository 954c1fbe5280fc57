/** What a run gives each of its stages, and what each gives back. */
import type { Potential } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import type { RunInput } from '../input/stages.ts';
import type { LogRow } from './log-table.ts';
import type { SavedDynamics } from './saved.ts';

/** Whoever watches a run. */
export interface Host {
  /** For people, a line or more. */
  say(text: string): void | Promise<void>;
  /** All walkers at one step of the log. */
  rows(stage: string, rows: readonly LogRow[]): void | Promise<void>;
  warn(text: string): void;
  /** How far the stage is. */
  progress(progress: Progress): void;
  analyse(words: readonly string[]): Promise<void>;
}

export interface Progress {
  readonly stage: string;
  readonly step: number;
  /** Undefined where nobody knows. */
  readonly steps: number | undefined;
  /** What else there is to say of this step, by name. */
  readonly values: Readonly<Record<string, string>>;
}

/** What every stage works with. */
export interface Context {
  readonly run: RunInput;
  readonly potential: Potential;
  readonly host: Host;
  /** Ends the run after the step under way. */
  readonly signal: AbortSignal;
  /** Walkers that the run began with; those that ended early are in no further stage. */
  readonly total: number;
  /** Writes a checkpoint of the stage under way. */
  readonly save: (dynamics: SavedDynamics) => void;
}

/** How a stage ended. */
export interface StageEnd {
  /** Those that go on to the next stage. */
  readonly walkers: readonly Structure[];
  /** All of the stage, as they are now or where they ended. */
  readonly states: readonly Structure[];
  /** Why no further stage follows: a fault, or a condition in words. Undefined where the stage is complete. */
  readonly stopped: MltsError | string | undefined;
}

/** `walker 3, ` where there are several. */
export const nameOf = ({ info }: Structure): string => (info.walker === undefined ? '' : `walker ${info.walker}, `);

/** The fault of one of many, with its number. */
export function ofWalker({ code, what, remedy, atom }: MltsError, walker: Structure): MltsError {
  return new MltsError(code, nameOf(walker) + what, remedy, atom === undefined ? {} : { atom });
}
