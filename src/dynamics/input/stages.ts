/** What a run is made of: settings of the whole run, and its stages in order. */
import type { Precision } from '../../engine/potential.ts';
import type { CellFreedom } from '../minimise/coordinates.ts';
import type { MinimiserName } from '../minimise/relax.ts';
import type { TrajectoryFormat } from '../output/trajectory-file.ts';
import type { Schedule } from '../schedule.ts';

export const ENSEMBLES = ['nve', 'nvt', 'npt'] as const;
export const THERMOSTATS = ['rescale', 'langevin', 'nose-hoover'] as const;
export const BAROSTATS = ['rescale', 'mtk'] as const;

export interface RelaxStage {
  readonly kind: 'relax';
  readonly name: string;
  readonly minimiser: MinimiserName;
  /** eV/Å */
  readonly fmax: number;
  readonly maxSteps: number;
  readonly cell: CellFreedom | undefined;
  /** eV/Å³ */
  readonly pressure: number;
  readonly fixed: readonly number[];
}

export interface DynamicsStage {
  readonly kind: 'dynamics';
  readonly name: string;
  readonly ensemble: (typeof ENSEMBLES)[number];
  /** fs; undefined: 0.5 with hydrogen, 1 without */
  readonly timestep: number | undefined;
  readonly duration: { readonly steps: number } | { readonly time: number };
  /** K */
  readonly temperature: Schedule | undefined;
  /** eV/Å³ */
  readonly pressure: Schedule;
  /** g/cm³, imposed by scaling the cell */
  readonly density: Schedule | undefined;
  readonly thermostat: (typeof THERMOSTATS)[number];
  /** fs */
  readonly thermostatTime: number;
  readonly barostat: (typeof BAROSTATS)[number];
  /** fs */
  readonly barostatTime: number;
  /** What the barostat may strain. */
  readonly cell: CellFreedom;
  /** Å³/eV */
  readonly compressibility: number;
  /** Velocities drawn at the start: at this temperature, K; undefined: kept where there are any, else at `temperature`. */
  readonly velocities: number | undefined;
  readonly fixed: readonly number[];
  /** Pairs of atoms whose distance is kept. */
  readonly bonds: readonly (readonly [number, number])[];
  /** Steps between frames, and between rows of the log. */
  readonly every: number;
  readonly log: number;
  readonly stop: readonly Condition[];
  readonly dump: readonly Condition[];
}

export interface AnalyseStage {
  readonly kind: 'analyse';
  readonly name: string;
  /** Arguments of `mlts analyze`; `{nvt}` is the trajectory of the stage nvt, `{nvt.log}` its log. */
  readonly arguments: readonly string[];
}

/** `{stage}` or `{stage.log}` */
export const REFERENCE = /^\{([\w-]+)(\.log)?\}$/;

export type Stage = RelaxStage | DynamicsStage | AnalyseStage;

/** What conditions may watch. */
export const QUANTITIES = ['max_sigma_force', 'mean_sigma_force', 'rho', 'min_distance', 'temperature'] as const;

/** Which of them are σ: evaluated only where it is asked for, and what a calibration is of. */
export const isUncertainty = (quantity: (typeof QUANTITIES)[number]): boolean =>
  quantity.endsWith('sigma_force') || quantity === 'rho';

/** `max_sigma_force > 0.5`, `max_sigma_force > 0.5 calibrated` */
export interface Condition {
  readonly quantity: (typeof QUANTITIES)[number];
  readonly sense: '>' | '<';
  readonly bound: number;
  /** Compares the error that σ stands for, σ × the model's calibration, instead of σ. */
  readonly calibrated?: true;
}

/** Settings of a whole run. */
export interface RunInput {
  readonly model: string | undefined;
  readonly connect: string | undefined;
  readonly keys: string | undefined;
  readonly threads: number | undefined;
  readonly precision: Precision;
  readonly structure: string | undefined;
  readonly index: string;
  readonly build: string | undefined;
  readonly repeat: readonly [number, number, number] | undefined;
  readonly seed: number;
  /** What all files of the run are called, without suffix. */
  readonly output: string;
  readonly format: TrajectoryFormat;
  /** Steps between checkpoints. */
  readonly checkpoint: number;
  readonly stages: readonly Stage[];
}
