/**
 * A validated model in memory: what `load.ts` makes of a `.mlts` file and what every backend takes.
 * Energies are already in eV and lengths in Å (units are converted once, at load).
 */

/** What clients are told of a model (`hello`, `models`, `mlts model show --json`). */
export interface ModelInfo {
  /** As users write it: `ani-2x`. */
  readonly name: string;
  /** SHA-256 of the file, hex: the model's identity. */
  readonly sha256: string;
  readonly architecture: 'ani' | 'hipnn';
  /** Atomic numbers in the model's own order. */
  readonly elements: readonly number[];
  readonly members: number;
  /** Largest distance between an atom and those its energy depends on within one layer, Å. */
  readonly cutoff: number;
  /** cutoff × message layers, Å: how far ghosts must reach. */
  readonly reach: number;
  /** Atoms closer than this are refused (E_OVERLAP), Å. */
  readonly minDistance: number;
  /** Where it was measured on test structures. */
  readonly calibration?: Calibration;
}

/** RMS error over RMS σ: what a σ is multiplied with to compare it with an error. */
export interface Calibration {
  readonly sigmaForce: number;
  readonly sigmaEnergy: number;
}

/** Radial and angular symmetry functions of ANI; spec: docs/maths.md. Å, rad, Å⁻². */
export interface AniDescriptor {
  readonly cutoffFunction: 'cosine' | 'smooth';
  readonly radial: { readonly cutoff: number; readonly eta: number; readonly shifts: Float64Array };
  readonly angular: {
    readonly cutoff: number;
    readonly eta: number;
    readonly zeta: number;
    readonly shifts: Float64Array;
    readonly sections: Float64Array;
  };
}

/** One layer of one element's networks, all members stacked. */
export interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  /** [members, outputs, inputs], in the file's own energy unit for the last layer (see energyScale). */
  readonly weights: Float32Array;
  /** [members, outputs] */
  readonly biases: Float32Array;
}

/** The networks of one element; hidden layers CELU(α), last layer linear with one output. */
export interface ElementNetwork {
  readonly layers: readonly Layer[];
}

/** A model ready for a backend. */
export interface AniModel extends ModelInfo {
  readonly architecture: 'ani';
  readonly descriptor: AniDescriptor;
  /** α of CELU_α(x) = max(0,x) + min(0, α(e^{x/α} − 1)). */
  readonly celuAlpha: number;
  /** In the order of `elements`. */
  readonly networks: readonly ElementNetwork[];
  /** [elements] eV, added once per atom. */
  readonly selfEnergies: Float64Array;
  /** eV per unit of network output. */
  readonly energyScale: number;
}

/** A dense map x → W x + b, all members stacked. */
export interface Affine {
  /** [members, outputs, inputs] */
  readonly weights: Float32Array;
  /** [members, outputs] */
  readonly biases: Float32Array;
}

/** An on-site layer of HIP-NN in its residual wrapper: z + R softplus(W z + b) + b_R. */
export interface AtomLayer extends Affine {
  readonly residual: Affine;
}

/** One interaction layer of HIP-NN and the on-site layers after it; docs/maths.md, eq. 17–22. */
export interface HipnnBlock {
  /** Features that come in: the number of elements in the first block, `features` in the others. */
  readonly inputs: number;
  /** [members, sensitivities] centres μ, Å; not 0. */
  readonly mu: Float32Array;
  /** [members, sensitivities] σ, Å: its inverse is the width in 1/r. Of either sign. */
  readonly sigma: Float32Array;
  /** V: [members, sensitivities, features, inputs] */
  readonly interaction: Float32Array;
  readonly self: Affine;
  /** t: [members, features], order ≥ 1. */
  readonly vectorScales?: Float32Array;
  /** q: [members, features], order 2. */
  readonly quadraticScales?: Float32Array;
  readonly residual: Affine;
  /** A: [members, features, inputs] where inputs ≠ features; otherwise A is the identity. */
  readonly adjust?: Float32Array;
  readonly atomLayers: readonly AtomLayer[];
}

/**
 * HIP-NN (doi:10.1063/1.5011181) and, of order 1 and 2, HIP-NN-TS (doi:10.1063/5.0142127). `cutoff` is the hard
 * cutoff of its sensitivity functions, `reach` is cutoff × blocks.
 */
export interface HipnnModel extends ModelInfo {
  readonly architecture: 'hipnn';
  /** Highest tensor order ℓ of the environments. */
  readonly order: 0 | 1 | 2;
  /** ε under the roots of orders 1 and 2. */
  readonly cusp: number;
  /** Features of an atom after each block. */
  readonly features: number;
  /** Sensitivity functions of each block. */
  readonly sensitivities: number;
  readonly blocks: readonly HipnnBlock[];
  /** One a block: weights [members, features], biases [members], in the file's own energy unit (see energyScale). */
  readonly heads: readonly Affine[];
  /** [elements] eV: the head of order 0. */
  readonly selfEnergies: Float64Array;
  /** eV per unit of the heads. */
  readonly energyScale: number;
}

export type Model = AniModel | HipnnModel;
