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
  readonly architecture: 'ani';
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

export type Model = AniModel;
