/** Values of a namelist of pw.x by key. */
export type Namelist = Readonly<Record<string, string | number | boolean>>;

/** pw.x of Quantum ESPRESSO. Names and units of keys are its own (Ry); paths are absolute. */
export interface EspressoSettings {
  readonly kind: 'espresso';
  readonly level: string;
  /** File by element, in `pseudo_folder`. */
  readonly pseudopotentials: Readonly<Record<string, string>>;
  readonly pseudo_folder: string;
  /** `pw.x`, or `mpirun -np 4 pw.x`. */
  readonly command: readonly string[];
  /** Ry */
  readonly ecutwfc: number;
  /** Largest distance of k-points along each reciprocal vector, 1/Å, 2π included. */
  readonly kpoint_spacing: number;
  /** Further keys of &SYSTEM and &ELECTRONS. */
  readonly system: Namelist;
  readonly electrons: Namelist;
  /** Keys of &ELECTRONS of each attempt after one that came to nothing: how the answer is found, not which. */
  readonly retries: readonly Namelist[];
  /** Closer atoms are not computed, Å. */
  readonly min_distance: number;
  /** Largest mean stress of either sign, GPa: beyond it pw.x has converged to nonsense. */
  readonly max_pressure: number;
}
