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

/** What of a frame is computed. */
export interface Computed {
  readonly numbers: Int32Array;
  readonly positions: Float64Array;
  readonly cell?: Float64Array | undefined;
  readonly pbc?: Frame['pbc'] | undefined;
}

/**
 * SHA-256 of what is computed, not of what came out: numbers, positions and, along periodic directions, the cell, all in single
 * precision, so that a structure keeps its hash through files of either precision. Equal structures have equal hashes whatever
 * their labels and files.
 */
export function structureHash({ numbers, positions, cell, pbc }: Computed): Buffer {
  const hash = createHash('sha256').update(numbers).update(Float32Array.from(positions));
  if (cell !== undefined && pbc?.includes(true)) {
    hash.update(Float32Array.from(cell));
    if (pbc.includes(false)) hash.update(pbc.join());
  }
  return hash.digest();
}

/** 48 bits of a structure's hash as a whole number. */
export const keyOf = (hash: Buffer): number => hash.readUIntLE(0, 6);

/** The same of a text. */
export const textKeyOf = (text: string): number => keyOf(createHash('sha256').update(text).digest());

const CHUNK = 512;

/** All frames, or those given, some at a time. */
export function* chunksOf(set: Dataset, frames?: ArrayLike<number>): Generator<Frame[]> {
  const count = frames?.length ?? set.length;
  for (let at = 0; at < count; at += CHUNK) {
    const size = Math.min(CHUNK, count - at);
    yield set.read(Array.from({ length: size }, (_, i) => frames?.[at + i] ?? at + i));
  }
}
