/** How a model is trained: what a config says, checked, with every default filled in. */
import type { LossForm } from '../engine.ts';

/** Factors on a term of the loss: geometric from the first epoch to the last one. */
export interface Ramp {
  readonly from: number;
  readonly to: number;
}

interface TermWeight {
  readonly weight: Ramp;
  readonly form: LossForm;
  readonly delta: number | undefined;
}

/** A term of the loss whose weight may change with the epoch; else as `LossTerm` (../engine.ts). */
export type RecipeTerm = TermWeight &
  (
    | { readonly of: 'energy'; readonly power: number }
    | { readonly of: 'forces'; readonly mean: 'frames' | 'components' }
    | { readonly of: 'virial'; readonly per: 'total' | 'atom' | 'volume' }
    | { readonly of: 'hierarchicality' }
  );

export interface LossRecipe {
  /** How the config named it. */
  readonly name: string;
  readonly terms: readonly RecipeTerm[];
  /** Leave forces out, with a warning, where no frame has them: true where the config did not ask for them by itself. */
  readonly lenient: boolean;
}

/** Architecture of fresh ANI networks. Å, Å⁻², rad. */
export interface AniRecipe {
  readonly architecture: 'ani';
  /** Symbols; undefined: those of the data, by atomic number. */
  readonly elements: readonly string[] | undefined;
  readonly cutoffFunction: 'cosine' | 'smooth';
  readonly radial: { readonly cutoff: number; readonly eta: number; readonly shifts: readonly number[] };
  readonly angular: {
    readonly cutoff: number;
    readonly eta: number;
    readonly zeta: number;
    readonly shifts: readonly number[];
    readonly sections: readonly number[];
  };
  readonly celuAlpha: number;
  readonly minDistance: number;
  /** Widths of hidden layers: by symbol, or of every element; undefined: those of ANI-1x. */
  readonly layers: readonly number[] | Readonly<Record<string, readonly number[]>> | undefined;
}

/** Architecture of fresh HIP-NN networks. Å */
export interface HipnnRecipe {
  readonly architecture: 'hipnn';
  /** As of ANI. */
  readonly elements: readonly string[] | undefined;
  readonly cutoff: number;
  /** 1/μ of the sensitivity functions are spread between the inverses of these. */
  readonly lower: number;
  readonly upper: number;
  readonly order: 0 | 1 | 2;
  readonly sensitivities: number;
  readonly features: number;
  readonly blocks: number;
  readonly atomLayers: number;
  readonly minDistance: number;
}

export type ModelRecipe = AniRecipe | HipnnRecipe;

/** Shares of frames by content hash; frames of one group stay together where `by` says so. */
export interface FractionSplit {
  readonly kind: 'fractions';
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  readonly by: SplitUnit;
}

/** 16 blocks, of which each member takes others (spec of the published ensembles), after `test` was set aside for all. */
export interface StridedSplit {
  readonly kind: 'strided';
  /** Blocks for training, validation, test; their sum is 16. */
  readonly blocks: readonly [number, number, number];
  readonly test: number;
  readonly by: SplitUnit;
}

/** A file for each part. */
export interface FileSplit {
  readonly kind: 'files';
  readonly validation: readonly string[];
  readonly test: readonly string[];
}

/** What is never torn apart: equal structures, or frames of one group; a frame without one is a group of its own. */
export const SPLIT_UNITS = ['content', 'group'] as const;
export type SplitUnit = (typeof SPLIT_UNITS)[number];
export type SplitRecipe = FractionSplit | StridedSplit | FileSplit;

export interface OptimiserRecipe {
  readonly name: 'adam' | 'adamw';
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** How the rate falls: at plateaus, or from the first to the last epoch as half a cosine, down to `minimum`. */
  readonly schedule: 'plateau' | 'cosine';
  /** Plateau: after more than `patience` epochs without a better validation the rate is multiplied by `factor`. */
  readonly factor: number;
  readonly patience: number;
  /** Training ends below this rate; a cosine's last rate. */
  readonly minimum: number;
  /** λ of all layers, or by layer, first one first; a layer beyond the list has none. */
  readonly weightDecay: number | readonly number[];
  readonly clip: number | undefined;
  /** d of the running average of weights; undefined: none. */
  readonly average: number | undefined;
}

export interface Replay {
  readonly data: readonly string[];
  /** Weight of its frames against those of the new level. */
  readonly weight: number;
}

export const METRICS = ['loss', 'energy', 'forces'] as const;

export interface Recipe {
  readonly data: readonly string[];
  /** What all files of the training are called, without suffix. */
  readonly output: string;
  /** Name of the model; default the last part of `output`. */
  readonly name: string;
  /** A model to start from. */
  readonly init: string | undefined;
  readonly model: ModelRecipe | undefined;
  /** undefined: those of `init`. */
  readonly members: number | undefined;
  readonly seed: number;
  readonly threads: number | undefined;
  readonly precision: 'single' | 'double';
  readonly split: SplitRecipe;
  /** eV by symbol; undefined: least squares over the training frames. */
  readonly selfEnergies: Readonly<Record<string, number>> | undefined;
  readonly loss: LossRecipe;
  readonly optimiser: OptimiserRecipe;
  readonly batch: { readonly size: number; readonly largest: number };
  /** Layers that stay as they are, from 1. */
  readonly freeze: readonly number[];
  readonly replay: Replay | undefined;
  readonly epochs: number;
  /** Epochs after the best one. */
  readonly stop: number;
  readonly metric: (typeof METRICS)[number];
  /** Bytes that frames may take in memory; undefined: half of the machine's. */
  readonly memory: number | undefined;
  /** ms between checkpoints. */
  readonly checkpoint: number;
  /** For the card. */
  readonly level: string | undefined;
  readonly licence: string | undefined;
  readonly citation: string | undefined;
}

/** With the number of threads settled, on which the last bits of every sum depend. */
export type FixedRecipe = Recipe & { readonly threads: number };
