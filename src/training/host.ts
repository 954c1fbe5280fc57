/** Who watches a training. */
import type { EpochRow } from './history.ts';

export interface TrainingHost {
  say(text: string): void | Promise<void>;
  warn(text: string): void;
  /** After each epoch, the members that took part. */
  epoch(rows: readonly EpochRow[], rate: number): void | Promise<void>;
  progress(at: TrainingProgress): void;
}

export interface TrainingProgress {
  readonly epoch: number;
  readonly epochs: number;
  /** Frames, all members together, in this epoch. */
  readonly done: number;
  readonly total: number;
  /** Frames a second. */
  readonly rate: number;
  /** Until the last epoch, if none ends before. */
  readonly secondsLeft: number;
}
