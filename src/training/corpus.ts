/** All labelled structures of a training under one numbering: first the data, then what other files add. */
import { createHash } from 'node:crypto';
import { MltsError } from '../errors.ts';
import type { TrainingFrame } from './engine.ts';

/** A frame as data sets give it. eV and Å; energy NaN or absent where there is none. */
export interface LabelledFrame {
  readonly numbers: Int32Array;
  readonly positions: Float64Array;
  readonly cell?: Float64Array | undefined;
  readonly pbc?: readonly [boolean, boolean, boolean] | undefined;
  readonly energy?: number | undefined;
  readonly forces?: Float64Array | undefined;
  readonly virial?: Float64Array | undefined;
  readonly level?: string | undefined;
  readonly group?: string | undefined;
}

/** What training asks of a data set (src/dataset). */
export interface LabelledSet {
  readonly length: number;
  /** Of all its content, hex. */
  readonly hash: string;
  read(indices: ArrayLike<number>): LabelledFrame[] | Promise<LabelledFrame[]>;
}

export const ROLES = ['data', 'validation', 'test', 'replay'] as const;
export type Role = (typeof ROLES)[number];

export interface Part {
  readonly role: Role;
  /** How messages call it. */
  readonly name: string;
  readonly set: LabelledSet;
}

export class Corpus {
  readonly parts: readonly Part[];
  /** Number of the first frame of each part, and of all at the end. */
  readonly #starts: number[] = [0];

  constructor(parts: readonly Part[]) {
    this.parts = parts;
    for (const { set } of parts) this.#starts.push(this.#starts.at(-1)! + set.length);
  }

  get length(): number {
    return this.#starts.at(-1)!;
  }

  /** Of the content of all parts and the roles that they have. */
  get hash(): string {
    const hash = createHash('sha256');
    for (const { role, set } of this.parts) hash.update(`${role} ${set.hash}\n`);
    return hash.digest('hex');
  }

  partOf(frame: number): Part {
    return this.parts[this.#starts.findLastIndex((start) => start <= frame)];
  }

  /** `frames.extxyz, frame 12`, counted from 0. */
  nameOf(frame: number): string {
    const part = this.#starts.findLastIndex((start) => start <= frame);
    return `${this.parts[part].name}, frame ${frame - this.#starts[part]}`;
  }

  /** Numbers of the frames of parts in that role. */
  *framesOf(role: Role): Generator<number> {
    for (const [k, part] of this.parts.entries()) {
      if (part.role === role) for (let i = this.#starts[k]; i < this.#starts[k + 1]; i++) yield i;
    }
  }

  /** In the order of `frames`. */
  async read(frames: ArrayLike<number>): Promise<LabelledFrame[]> {
    const found = new Array<LabelledFrame>(frames.length);
    for (const [k, { set }] of this.parts.entries()) {
      const [start, end] = [this.#starts[k], this.#starts[k + 1]];
      const places: number[] = [];
      for (let i = 0; i < frames.length; i++) if (frames[i] >= start && frames[i] < end) places.push(i);
      if (places.length === 0) continue;
      const read = await set.read(Int32Array.from(places, (i) => frames[i] - start));
      for (const [i, place] of places.entries()) found[place] = read[i];
    }
    return found;
  }
}

/**
 * Frames as the trainer takes them. Replayed ones, labelled at the level of the model to start from, get the per-element
 * energies of the new level in place of the old ones, so that what is left for the networks is what they learnt.
 */
export function forTrainer(
  corpus: Corpus,
  weight: number,
  shift: ReadonlyMap<number, number>,
): (frames: Int32Array) => Promise<TrainingFrame[]> {
  return async (frames) => {
    const read = await corpus.read(frames);
    return read.map((frame, i) => {
      if (corpus.partOf(frames[i]).role !== 'replay') return frame;
      const moved = frame.numbers.reduce((sum, number) => sum + (shift.get(number) ?? 0), 0);
      return { ...frame, weight, ...(frame.energy !== undefined && { energy: frame.energy + moved }) };
    });
  };
}

/** @throws MltsError E_USAGE where frames of several levels of theory would be learnt as one */
export function theLevel(role: string, levels: ReadonlyMap<string, number>): string | undefined {
  if (levels.size > 1) {
    const counts = [...levels].map(([level, count]) => `${count} of ${level || 'no named level'}`).join(', ');
    throw new MltsError(
      'E_USAGE',
      `${role} mixes levels of theory: ${counts}`,
      'Train on one level; another one can be the level of a model to start from (init, replay).',
    );
  }
  return [...levels.keys()][0] || undefined;
}
