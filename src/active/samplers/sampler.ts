/** What every sampler is: settings in, structures out, the same for the same seed. */
import { closestPair } from '../../dynamics/run/closest-pair.ts';
import type { Potential } from '../../engine/potential.ts';
import type { Structure } from '../../io/structure.ts';

/** Where a range has one value, both ends are it. */
export type Range = readonly [low: number, high: number];

export interface Proposals {
  readonly frames: readonly Structure[];
  /** Frames that were made and thrown away, or ended without a proposal, by reason. */
  readonly discarded: Readonly<Record<string, number>>;
}

/** What a sampler may use. */
export interface SamplerContext {
  /** The campaign's model; undefined in the first round, in which samplers that need one are left out. */
  readonly potential: Potential | undefined;
  /** Its file. */
  readonly model: string | undefined;
  /** Uniform in [0,1), of this sampler in this round. */
  readonly random: () => number;
  /** The same for programs that want a seed: 0 … 2³¹−1. */
  readonly seed: number;
  /** Frames of a file (its path as the config has it), or what a sampler of that name draws: where dynamics begins. */
  structures(source: string): Promise<readonly Structure[]>;
  /** σ_F from which on a frame is worth a label, eV/Å; undefined without a model. */
  readonly threshold: number | undefined;
  /** An empty folder of its own, removed afterwards. */
  readonly scratch: string;
  say(text: string): void;
  readonly signal: AbortSignal;
}

export interface Sampler {
  /** By which its frames and errors are told apart. */
  readonly name: string;
  /** Whether it computes with the campaign's model. */
  readonly needsModel: boolean;
  /** Files and other samplers that it reads by `structures`. */
  readonly sources: readonly string[];
  /** @throws MltsError E_CANCELLED when `signal` fires; E_UNAVAILABLE where a program that it needs is missing */
  propose(context: SamplerContext): Promise<Proposals>;
}

/** @param random uniform in [0,1) */
export const within = ([low, high]: Range, random: () => number): number => low + (high - low) * random();

/** Whether two atoms, images included, are closer than that. @param distance Å */
export const isTight = ({ positions, cell, pbc }: Structure, distance: number): boolean =>
  closestPair(positions, cell, pbc, distance) !== undefined;
