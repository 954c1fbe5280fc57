/** One pass over the frames: with steps of the optimiser, or for the errors alone. */
import type { Recipe } from './config/recipe.ts';
import type { LayerSettings, LossTerm, OptimiserSettings, Trainer, WhichWeights } from './engine.ts';
import type { FrameStore } from './frame-store.ts';
import type { MemberState } from './plateau.ts';
import { randomStream, shuffle } from './random-stream.ts';
import { addReport, noSums, type Sums } from './sums.ts';

/** How far an epoch is; plain JSON, in the checkpoint. */
export interface Position {
  window: number;
  /** Steps done in this window. */
  step: number;
  /** Steps of all epochs before, and of this one. */
  readonly before: number;
  taken: number;
  /** [members] */
  sums: Sums[];
}

/** @param before steps of all epochs before */
export const atStart = (members: number, before: number): Position => ({
  ...{ window: 0, step: 0, before, taken: 0, sums: Array.from({ length: members }, noSums) },
});

/** [members] numbers of frames, ascending. */
export type Lists = readonly Int32Array[];

export interface EpochTask {
  readonly trainer: Trainer;
  readonly store: FrameStore;
  readonly recipe: Recipe;
  readonly members: readonly MemberState[];
  readonly lists: Lists;
}

/** The layers' settings of the optimiser. @param depth layers of the deepest network */
export function layerSettings({ freeze, optimiser: { weightDecay } }: Recipe, depth: number): LayerSettings[] {
  return Array.from({ length: depth }, (_, layer) => ({
    frozen: freeze.includes(layer + 1),
    decay: typeof weightDecay === 'number' ? weightDecay : (weightDecay[layer] ?? 0),
  }));
}

/** Members whose loss or gradient stopped being finite. */
export class Exploded extends Error {
  readonly members: readonly number[];
  constructor(members: readonly number[]) {
    super(`members ${members.join(', ')} exploded`);
    this.members = members;
  }
}

/**
 * Trains every member that has not ended once on each of its frames, in an order of its own. Orders depend on seed, epoch and
 * member alone, so that an epoch goes on from any of its steps.
 * @param position where it goes on; updated with each step
 * @param afterStep may throw, then `position` is where to go on
 * @throws Exploded
 */
export async function trainEpoch(
  { trainer, store, recipe, members, lists }: EpochTask,
  epoch: number,
  loss: readonly LossTerm[],
  layers: readonly LayerSettings[],
  position: Position,
  afterStep: (samples: number) => Promise<void>,
): Promise<void> {
  const optimiser: OptimiserSettings = {
    learningRate: members.map(({ learningRate }) => learningRate),
    beta1: recipe.optimiser.beta1,
    beta2: recipe.optimiser.beta2,
    epsilon: recipe.optimiser.epsilon,
    decay: recipe.optimiser.name === 'adamw' ? 'decoupled' : 'l2',
    layers,
    ...(recipe.optimiser.clip !== undefined && { clipNorm: recipe.optimiser.clip }),
  };
  const active = members.map((member, m) => (member.ended === undefined ? lists[m] : new Int32Array(0)));
  const all = shuffle(union(active), randomStream(recipe.seed, 'windows', epoch));
  let window = 0;
  for await (const frames of store.windows(all)) {
    if (window++ < position.window) continue;
    const orders = active.map((list, m) =>
      shuffle(within(list, frames), randomStream(recipe.seed, 'order', epoch, window, m)),
    );
    const batches = orders.map((order, m) => batchesOf(order, members[m].batch));
    const steps = Math.max(...batches.map(({ length }) => length));
    for (let step = position.step; step < steps; step++) {
      const ids = batches.map((one) => store.ids(one[step] ?? new Int32Array(0)));
      const decay = averageDecay(recipe, position.before + position.taken);
      const reports = await trainer.step(ids, loss, { ...optimiser, ...decay });
      const exploded = reports.flatMap(({ frames, applied, loss }, m) =>
        frames > 0 && !(applied && Number.isFinite(loss)) ? [m] : [],
      );
      if (exploded.length > 0) throw new Exploded(exploded);
      for (const [m, report] of reports.entries()) addReport(position.sums[m], report);
      position.step = step + 1;
      position.taken++;
      await afterStep(reports.reduce((sum, report) => sum + report.frames, 0));
    }
    position.window = window;
    position.step = 0;
  }
}

/** Of the running average: it forgets the first weights as fast as it can, and reaches its d after 10/(1−d) steps. */
function averageDecay({ optimiser: { average } }: Recipe, steps: number): { averageDecay?: number } {
  return average === undefined ? {} : { averageDecay: Math.min(average, (1 + steps) / (10 + steps)) };
}

/** Frames a call, so that an interruption does not wait for long. */
const CHUNK = 512;

/** Errors of every member that has not ended on its frames. */
export async function validate(
  { trainer, store, members, lists }: EpochTask,
  loss: readonly LossTerm[],
  which: WhichWeights,
): Promise<Sums[]> {
  const active = members.map((member, m) => (member.ended === undefined ? lists[m] : new Int32Array(0)));
  const sums = members.map(noSums);
  for await (const frames of store.windows(union(active))) {
    const batches = active.map((list) => batchesOf(within(list, frames), CHUNK));
    for (let k = 0; k < Math.max(...batches.map(({ length }) => length)); k++) {
      const ids = batches.map((one) => store.ids(one[k] ?? new Int32Array(0)));
      const reports = await trainer.errors(ids, loss, which);
      for (const [m, report] of reports.entries()) addReport(sums[m], report);
    }
  }
  return sums;
}

/** Parts of an order of at most `size` frames, as equal as can be: a last batch of a single frame would be noise. */
function batchesOf(order: Int32Array, size: number): Int32Array[] {
  const count = Math.ceil(order.length / size);
  return Array.from({ length: count }, (_, k) =>
    order.subarray(Math.floor((k * order.length) / count), Math.floor(((k + 1) * order.length) / count)),
  );
}

/** Numbers that are in any of the lists, ascending. */
export function union(lists: Lists): Int32Array {
  const isIn = marks(lists);
  return Int32Array.from({ length: isIn.length }, (_, frame) => frame).filter((frame) => isIn[frame] === 1);
}

/** Those of `list` that are in `frames`, in the order of `list`. */
function within(list: Int32Array, frames: Int32Array): Int32Array {
  const isIn = marks([frames]);
  return list.filter((frame) => isIn[frame] === 1);
}

/** 1 at each number that is in any of the lists. */
function marks(lists: Lists): Uint8Array {
  let end = 0;
  for (const list of lists) for (const frame of list) end = Math.max(end, frame + 1);
  const isIn = new Uint8Array(end);
  for (const list of lists) for (const frame of list) isIn[frame] = 1;
  return isIn;
}
