/** What every sampler is: settings in, structures out, the same for the same seed. */
import { closestPair } from '../../dynamics/run/closest-pair.ts';
import type { Structure } from '../../io/structure.ts';

/** Where a range has one value, both ends are it. */
export type Range = readonly [low: number, high: number];

export interface Proposals {
  readonly frames: readonly Structure[];
  /** Frames that were made and thrown away, or ended without a proposal, by reason. */
  readonly discarded: Readonly<Record<string, number>>;
}

/** @param random uniform in [0,1) */
export const within = ([low, high]: Range, random: () => number): number => low + (high - low) * random();

/** Whether two atoms, images included, are closer than that. @param distance Å */
export const isTight = ({ positions, cell, pbc }: Structure, distance: number): boolean =>
  closestPair(positions, cell, pbc, distance) !== undefined;
