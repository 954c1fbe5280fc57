/**
 * The training engine: exact gradients of losses in energies, forces and virials with respect to all weights and
 * biases, and the optimiser, in native code (native/src/training/). Members train side by side.
 *
 * Everything is in eV and Å. The model's per-element energies are subtracted from the labels and are not trained.
 */
import type { MltsError } from '../errors.ts';

/** A labelled structure, as `Dataset.read` gives it; what is missing takes no part in the loss. */
export interface TrainingFrame {
  /** [n] atomic numbers. */
  readonly numbers: Int32Array;
  /** [n,3] Å */
  readonly positions: Float64Array;
  /** [3,3] Å, rows are lattice vectors. */
  readonly cell?: Float64Array | undefined;
  readonly pbc?: readonly [boolean, boolean, boolean] | undefined;
  /** eV, total energy. */
  readonly energy?: number | undefined;
  /** [n,3] eV/Å */
  readonly forces?: Float64Array | undefined;
  /** [3,3] eV, W = −∂E/∂ε. */
  readonly virial?: Float64Array | undefined;
  /** Weight of this frame in every mean; default 1. */
  readonly weight?: number | undefined;
}

/**
 * How residuals x with weights ω (Σω = 1 over the batch) become one number:
 * - `squared` Σ ω x²  - `absolute` Σ ω |x|  - `rms` √(Σ ω x²)
 * - `huber` Σ ω h(x), h = ½x² for |x| ≤ δ, else δ(|x| − ½δ)
 */
export type LossForm = 'squared' | 'absolute' | 'rms' | 'huber';

/**
 * One term; the loss is the sum of all, each times its weight. Frames without the label are left out of its means.
 *
 * Sources: TorchANI, mean of (ΔE)²/√N: energy, squared, power ¼; its mean of Σ|ΔF|²/N: forces, squared, frames, times 3.
 * hippynn's RMSE + MAE: two terms, rms and absolute; its energies per atom: power 1; its forces: components.
 */
export type LossTerm = {
  readonly weight: number;
  readonly form: LossForm;
  /** δ of `huber`, in the residual's unit. */
  readonly delta?: number;
} & (
  | {
      readonly of: 'energy';
      /** x = ΔE/N^power: 0 total, 1 per atom, ½ per √atom. */
      readonly power: number;
    }
  | {
      readonly of: 'forces';
      /** `frames`: each frame's mean over its 3N components, then over frames; `components`: over all components. */
      readonly mean: 'frames' | 'components';
    }
  | {
      readonly of: 'virial';
      /** x = ΔW, ΔW/N, or ΔW/V (the stress); mean over 9 components, then over frames. */
      readonly per: 'total' | 'atom' | 'volume';
    }
  | {
      /**
       * x = Σ_i R_i/N of a HIP-NN, R_i = Σ_n (Eⁿ)²/[(Eⁿ)² + (Eⁿ⁻¹)²] over its blocks n, E⁰ the self energy: later blocks shall
       * have less to say (doi:10.1063/1.5011181). For ANI x = 0.
       */
      readonly of: 'hierarchicality';
    }
);

/** Settings of one layer of every element's network, first layer first. */
export interface LayerSettings {
  /** Leave weights and biases as they are. */
  readonly frozen?: boolean;
  /** Factor on the learning rate; default 1. */
  readonly learningRate?: number;
  /** Weight decay λ; biases have none. */
  readonly decay?: number;
}

/** Adam (doi:10.48550/arXiv.1412.6980), with decoupled decay AdamW (doi:10.48550/arXiv.1711.05101). */
export interface OptimiserSettings {
  /** One for all members, or one for each. */
  readonly learningRate: number | readonly number[];
  /** Default 0.9, 0.999, 1e-8. */
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** `decoupled` (AdamW): θ −= η λ θ; `l2`: λθ is added to the gradient. Default decoupled. */
  readonly decay?: 'decoupled' | 'l2';
  readonly layers?: readonly LayerSettings[];
  /** Scales a member's gradient down to this norm over all that is not frozen. */
  readonly clipNorm?: number;
  /** d of the running average θ̄ ← d θ̄ + (1−d) θ after each step; it starts from θ before the first step that has it. */
  readonly averageDecay?: number;
}

/** Sums over residuals prediction − label. */
export interface ErrorSums {
  count: number;
  squared: number;
  absolute: number;
  /** Largest |residual|. */
  largest: number;
}

/** One member's part in a batch. */
export interface BatchReport {
  /** Frames of its batch. */
  frames: number;
  loss: number;
  /** Each term, its weight included. */
  terms: number[];
  /** eV */
  energy: ErrorSums;
  /** eV per atom, one residual a frame. */
  energyPerAtom: ErrorSums;
  /** eV/Å, one residual a component. */
  forces: ErrorSums;
  /** eV, one residual a component. */
  virial: ErrorSums;
}

export interface StepReport extends BatchReport {
  /** Norm of the gradient of all that is not frozen, before clipping. */
  gradientNorm: number;
  /** False where the batch was empty or the gradient not finite: this member stays as it was. */
  applied: boolean;
}

/** Which weights: those being trained, or their running average. */
export type WhichWeights = 'current' | 'average';

/** Predictions for a list of frames; N = all their atoms, in order. Energies include the per-element energies. */
export interface Predictions {
  /** [members, frames] eV */
  energies: Float64Array;
  /** [members, N, 3] eV/Å */
  forces?: Float64Array;
  /** [members, frames, 3, 3] eV */
  virials?: Float64Array;
}

export interface TrainerOptions {
  /** Threads of its own; default all processors. Results are the same bits at the same number. */
  readonly threads?: number;
  /** Of weights and arithmetic; default single. */
  readonly precision?: 'single' | 'double';
  /** Descriptors of frames are kept, not computed each time, until all frames together take so much memory; default 2e9. */
  readonly descriptorBytes?: number;
  /** Instruction set; default the best one. */
  readonly isa?: string;
}

export interface Trainer {
  readonly members: number;
  /** Numbers in one member: weights and biases. */
  readonly parameters: number;

  /**
   * Keeps frames and their neighbour lists in native memory.
   * @returns for each frame its id, or why it cannot be used (E_SPECIES, E_NONFINITE, E_OVERLAP, E_CELL, E_SHAPE, E_EMPTY, E_LIMIT)
   */
  load(frames: readonly TrainingFrame[]): Promise<(number | MltsError)[]>;
  /** Frees frames; their ids may be given out again. */
  unload(ids: Int32Array): Promise<void>;
  /** Bytes held by frames. */
  frameBytes(): number;

  /**
   * One step of the optimiser for each member whose batch is not empty.
   * @param batches [members] ids; frames that members share are cheaper than others
   * @throws MltsError E_CANCELLED, with all weights as they were
   */
  step(
    batches: readonly Int32Array[],
    loss: readonly LossTerm[],
    optimiser: OptimiserSettings,
    signal?: AbortSignal,
  ): Promise<StepReport[]>;

  /** Losses and errors without a step, for validation. */
  errors(
    batches: readonly Int32Array[],
    loss: readonly LossTerm[],
    which?: WhichWeights,
    signal?: AbortSignal,
  ): Promise<BatchReport[]>;

  /** The loss and its gradient, [members, parameters] in the order of `flatten`. */
  gradient(
    batches: readonly Int32Array[],
    loss: readonly LossTerm[],
    signal?: AbortSignal,
  ): Promise<{ reports: BatchReport[]; gradients: Float64Array }>;

  /** Every member's predictions. */
  evaluate(
    ids: Int32Array,
    want: ReadonlySet<'forces' | 'virial'>,
    which?: WhichWeights,
    signal?: AbortSignal,
  ): Promise<Predictions>;

  /** [members, parameters] in full precision: the tensors of a model file one after the other, eV and Å. */
  values(which?: WhichWeights): Float64Array;
  /** Replaces the weights; moments, step counts and average are left. */
  setValues(values: Float64Array): void;

  /** Weights, moments, step counts and average, to the bit. */
  state(): Uint8Array;
  /** @throws MltsError E_SHAPE where it is not the state of a trainer like this one */
  restore(state: Uint8Array): void;

  /** Waits for work under way; the trainer is of no use afterwards. */
  close(): void;
}
