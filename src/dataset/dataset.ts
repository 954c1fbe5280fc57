/** Labelled structures, and what everybody who reads them may ask. Å, eV, e. */
import { createHash } from 'node:crypto';

export interface Frame {
  /** [n] atomic numbers. */
  readonly numbers: Int32Array;
  /** [n,3] Å, row-major. */
  readonly positions: Float64Array;
  /** [3,3] Å, rows are lattice vectors. */
  readonly cell?: Float64Array;
  /** Absent: along no direction. */
  readonly pbc?: readonly [boolean, boolean, boolean];
  /** Total, eV. */
  readonly energy?: number;
  /** [n,3] −∂E/∂R, eV/Å. */
  readonly forces?: Float64Array;
  /** [3,3] W = −∂E/∂ε, eV. */
  readonly virial?: Float64Array;
  /** [n] e. */
  readonly charges?: Float64Array;
  /** [3] e Å. */
  readonly dipole?: Float64Array;
  /** Level of theory of the labels, like `wB97X/6-31G*`. */
  readonly level?: string;
  /** What this frame belongs to: a molecule, a trajectory. */
  readonly group?: string;
}

export interface Dataset {
  /** Frames. */
  readonly length: number;
  /** Of all its content in its order, SHA-256 in hex. */
  readonly hash: string;
  natoms(frame: number): number;
  /** `structureHash` of a frame, in hex, without reading it. */
  structure(frame: number): string;
  /** In the order of `frames`; arrays are newly owned. @throws MltsError E_FILE where its bytes are damaged */
  read(frames: ArrayLike<number>): Frame[];
}

/**
 * SHA-256 of what is computed, not of what came out: numbers, positions, cell and periodicity, all bits of them. Equal
 * structures have equal hashes whatever their labels and files.
 */
export function structureHash({ numbers, positions, cell, pbc = [false, false, false] }: Frame): Buffer {
  const hash = createHash('sha256').update(`${numbers.length} ${pbc.map(Number).join('')} `);
  hash.update(numbers).update(positions);
  if (cell !== undefined) hash.update(cell);
  return hash.digest();
}
