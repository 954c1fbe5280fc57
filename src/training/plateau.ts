/** What one member's validation decides: whether it is the best so far, its rate and batch, and when it ends. */
import type { Recipe } from './config/recipe.ts';

/** Plain JSON, in the checkpoint. */
export interface MemberState {
  learningRate: number;
  /** Frames a batch. */
  batch: number;
  /** Lowest validation so far, and after which epoch; 0: before the first one. */
  best: number;
  bestEpoch: number;
  /** Epochs without a better validation since the last one, or since rate or batch changed. */
  stale: number;
  /** Times it exploded and began again from the last good epoch. */
  restarts: number;
  /** Lowest loss of an epoch of training, or of the validation before the first one. */
  lowest: number;
  /** Why it trains no more here. */
  ended: 'rate' | 'stop' | 'epochs' | 'elsewhere' | undefined;
}

export const beginning = ({ optimiser, batch }: Recipe): MemberState => ({
  learningRate: optimiser.learningRate,
  batch: batch.size,
  best: Infinity,
  bestEpoch: 0,
  stale: 0,
  restarts: 0,
  lowest: Infinity,
  ended: undefined,
});

/**
 * After an epoch, from 1: on a plateau the batch is doubled up to its largest, then the rate falls (hippynn; without growth
 * this is PyTorch's ReduceLROnPlateau with threshold 0).
 * @returns whether the validation is the best so far
 */
export function judge(member: MemberState, validation: number, epoch: number, recipe: Recipe): boolean {
  const { optimiser, batch, stop, epochs } = recipe;
  const isBest = validation < member.best;
  if (isBest) {
    member.best = validation;
    member.bestEpoch = epoch;
    member.stale = 0;
  } else if (++member.stale > optimiser.patience && optimiser.schedule === 'plateau') {
    member.stale = 0;
    if (member.batch < batch.largest) member.batch = Math.min(2 * member.batch, batch.largest);
    else member.learningRate *= optimiser.factor;
  }
  if (optimiser.schedule === 'cosine') member.learningRate = cosine(member, epoch, recipe);
  else if (member.learningRate < optimiser.minimum) member.ended = 'rate';
  if (member.ended === 'rate') return isBest;
  if (epoch - member.bestEpoch >= stop) member.ended = 'stop';
  else if (epoch >= epochs) member.ended = 'epochs';
  return isBest;
}

/** The rate of the epoch after `epoch` (doi:10.48550/arXiv.1608.03983, eq. 5, without restarts), halved at each explosion so far. */
function cosine({ restarts }: MemberState, epoch: number, { optimiser, epochs }: Recipe): number {
  const { learningRate, minimum } = optimiser;
  const fallen = (1 + Math.cos((Math.PI * epoch) / epochs)) / 2;
  return (minimum + (learningRate - minimum) * fallen) / 2 ** restarts;
}

/** How far a loss may rise over the lowest one of an epoch before it is called an explosion. */
const EXPLOSION = 1000;
const MAX_RESTARTS = 5;

export const hasExploded = (member: MemberState, loss: number): boolean =>
  !(loss <= EXPLOSION * member.lowest) || !Number.isFinite(loss);

/** A smaller rate for the way from the last good epoch. @returns false where that was tried often enough */
export function restart(member: MemberState): boolean {
  member.restarts++;
  member.learningRate /= 2;
  return member.restarts <= MAX_RESTARTS;
}
