/** What a stage of a round is: files in, files out, the same out for the same in. */
import type { Potential } from '../engine/potential.ts';
import type { Config } from './config.ts';
import { FILES, type Folder } from './folder.ts';

/** In the order of a round. */
export const STAGE_NAMES = ['propose', 'score', 'select', 'label', 'append', 'train', 'assess', 'promote'] as const;
export type StageName = (typeof STAGE_NAMES)[number];

/** Who watches a campaign. */
export interface Host {
  say(text: string): void;
  warn(text: string): void;
  /** Of the stage at work. */
  progress(done: number, total: number, what: string): void;
}

export interface Context {
  readonly config: Config;
  readonly folder: Folder;
  /** From 0, in which there is no model yet. */
  readonly round: number;
  /** The round whose model is the campaign's at the beginning of this one; undefined before the first. */
  readonly current: number | undefined;
  readonly host: Host;
  readonly signal: AbortSignal;
  /** A model of the campaign, ready to compute, by the path of its file in the folder. */
  open(relative: string): Promise<Potential>;
}

export interface Outcome {
  /** Files that were written, relative to the folder. */
  readonly outputs: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

export interface Stage {
  readonly name: StageName;
  /** Files that it reads, relative to the folder. */
  inputs(context: Context): readonly string[];
  /**
   * Writes its files, each whole or not at all. Killed anywhere and run again it writes the same.
   * @throws MltsError E_CANCELLED when `signal` fires
   */
  run(context: Context): Promise<Outcome>;
}

/** Files of the model by which a round samples and selects: the model, and its errors, of which thresholds are made. */
export const samplingModel = ({ current, folder }: Context): readonly string[] =>
  current === undefined ? [] : [folder.of(current, FILES.model), folder.of(current, FILES.assessment)];
