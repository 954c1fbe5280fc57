import type { MltsError } from '../errors.ts';
import type { ModelInfo } from '../model/model.ts';

export type Precision = 'single' | 'double';

/**
 * One system to evaluate: *whole* (with or without a cell) or a *domain*.
 *
 * A domain is what a rank of a parallel engine holds: its own atoms first, then ghosts, no
 * periodicity left. Energies and the virial count the owned atoms' energies only; forces are
 * returned for owned **and** ghost atoms, to be summed by the engine's reverse communication.
 * Ghosts must reach `model.reach` beyond every owned atom.
 */
export interface System {
  /** [n] atomic numbers. */
  readonly numbers: Int32Array;
  /** [n,3] Å, row-major; borrowed until the promise settles. Need not be wrapped into the cell. */
  readonly positions: Float64Array;
  /** [3,3] Å, rows are lattice vectors, right-handed. Needed where pbc has a true. */
  readonly cell?: Float64Array | undefined;
  /** Periodic directions; default none. */
  readonly pbc?: readonly [boolean, boolean, boolean] | undefined;
  /** Makes this system a domain: atoms 0 … owned−1 are owned, the rest are ghosts. May be 0. */
  readonly owned?: number | undefined;
  /** Neighbour list kept by the backend across the steps of one trajectory (`createTrajectory`). */
  readonly trajectory?: Trajectory | undefined;
}

/** A backend's memory of one trajectory (Verlet list, buffers). Opaque; freed by `close` or the collector. */
export interface Trajectory {
  close(): void;
}

/**
 * What to compute beside the energy, which is always there.
 * - `forces` mean forces; `virial` W = −∂E/∂ε; `energies` per-atom mean energies
 * - `virials` per-atom virial, Σ = virial: each term −D⊗∂E_i/∂D goes to the neighbour at the end of D
 * - `sigma` sigmaEnergy, rho, sigmaEnergies, sigmaForces: standard deviations over members, ddof 1
 *   (all 0 for one member). For a domain sigmaForces is not defined; take `forceDeviations`.
 * - `memberEnergies`, `memberForces` each member's own
 * - `hierarchicality` how much of an atom's energy comes from the later layers, mean over members: HIP-NN's own sign of
 *   extrapolation. Only models with layers of energies have it; with others it is absent from the result.
 * - `forceDeviations` F_m − F̄ in single precision: additive over domains, so an engine can reverse-
 *   communicate them and take the standard deviation afterwards
 */
export type Want =
  | 'forces'
  | 'virial'
  | 'energies'
  | 'virials'
  | 'sigma'
  | 'memberEnergies'
  | 'memberForces'
  | 'forceDeviations'
  | 'hierarchicality';

/** Results of one system; arrays are newly owned. n atoms, M members. */
export interface Result {
  /** eV, self energies included. */
  energy: number;
  /** [n,3] eV/Å */
  forces?: Float64Array;
  /** [3,3] eV, W = −∂E/∂ε. stress = −W/V. */
  virial?: Float64Array;
  /** [n] eV; ghosts 0 */
  energies?: Float64Array;
  /** [n,3,3] eV */
  virials?: Float64Array;
  /** eV */
  sigmaEnergy?: number;
  /** sigmaEnergy/√n (n = owned atoms), eV */
  rho?: number;
  /** [n] eV */
  sigmaEnergies?: Float64Array;
  /** [n] eV/Å, √(Σ_xyz var) */
  sigmaForces?: Float64Array;
  /** [M] eV */
  memberEnergies?: Float64Array;
  /** [M,n,3] eV/Å */
  memberForces?: Float64Array;
  /** [M,n,3] eV/Å */
  forceDeviations?: Float32Array;
  /** [n] R_i = Σ_n (E_i^n)² / [(E_i^n)² + (E_i^{n−1})²], from 0 to the number of layers; ghosts 0. HIP-NN only. */
  hierarchicality?: Float64Array;
}

/** One system's outcome: an evaluation fails alone, never with its batch. */
export type Outcome = Result | MltsError;

export interface EvaluateOptions {
  /** Default single. */
  readonly precision?: Precision;
  readonly signal?: AbortSignal;
}

/** Wall time of one `evaluate` by stage, ms (docs of `mlts bench`). */
export interface Stages {
  neighbours: number;
  descriptor: number;
  network: number;
  backward: number;
  reduce: number;
}

/** A loaded ensemble that computes. Every backend passes test/laws/potential.ts unchanged. */
export interface Potential {
  /** What computes: `native`, `reference`, `tensorflow`; `server` for a daemon that does not tell. */
  readonly backend: string;
  readonly model: ModelInfo;
  /**
   * Energies and what else is wanted, one outcome a system, in order.
   * @param batch any number of systems of any sizes, whole and domains mixed
   * @throws MltsError E_EMPTY for an empty batch, E_CANCELLED when `signal` fires; all faults of a
   *   single system (E_SPECIES, E_NONFINITE, E_OVERLAP, E_CELL, E_SHAPE, E_EMPTY, E_LIMIT) are its outcome
   */
  evaluate(batch: readonly System[], want: ReadonlySet<Want>, options?: EvaluateOptions): Promise<Outcome[]>;
  /** Memory for one trajectory: the same numbers, pbc and owned count at each step; they may change, at the cost of a new list. */
  createTrajectory(): Trajectory;
  /** Bytes held by weights and buffers of this potential, where the backend counts them. */
  memoryBytes(): number;
  /** Stage times of the last evaluation, where the backend measures them. */
  lastStages?(): Stages;
  close(): void;
}
