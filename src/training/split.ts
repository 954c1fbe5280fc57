/** Which frames each member trains on, which it is judged by, and which nobody sees before the end. */
import { BLOCKS, blockOf, partOf } from '../dataset/parts.ts';
import { MltsError } from '../errors.ts';
import type { SplitRecipe } from './config/recipe.ts';
import type { Corpus } from './corpus.ts';
import type { Exclusions, Survey } from './survey.ts';

export interface Split {
  /** [members] numbers of frames, ascending. */
  readonly train: readonly Int32Array[];
  readonly validation: readonly Int32Array[];
  /** The same for all members. */
  readonly test: Int32Array;
}

/**
 * By hash of the content: equal structures are in one part, a frame keeps its part when data are added, and every training
 * on these data has the same test frames.
 * @throws MltsError E_EMPTY where a part has no frames
 */
export function splitFrames(
  recipe: SplitRecipe,
  members: number,
  corpus: Corpus,
  found: Survey,
  exclusions: Exclusions,
): Split {
  const train: number[][] = Array.from({ length: members }, () => []);
  const validation: number[][] = Array.from({ length: members }, () => []);
  const test: number[] = [];
  const usable = (role: 'data' | 'validation' | 'test' | 'replay') =>
    [...corpus.framesOf(role)].filter((frame) => found.usable[frame] === 1);
  const toAll = (lists: number[][], frame: number) => {
    for (const list of lists) list.push(frame);
  };
  if (recipe.kind === 'files') {
    test.push(...usable('test'));
    for (const frame of usable('validation')) toAll(validation, frame);
    for (const frame of usable('data')) toAll(train, frame);
  } else {
    const keys = recipe.by === 'group' ? found.group : found.content;
    for (const frame of usable('data')) {
      const part = partOf(keys[frame], recipe.test, recipe.kind === 'fractions' ? recipe.validation : 0);
      if (part === 'test') {
        test.push(frame);
      } else if (recipe.kind === 'fractions') {
        toAll(part === 'validation' ? validation : train, frame);
      } else {
        const block = blockOf(keys[frame]);
        for (let m = 0; m < members; m++) {
          const turn = (block - Math.floor((m * BLOCKS) / members) + BLOCKS) % BLOCKS;
          if (turn < recipe.blocks[0]) train[m].push(frame);
          else if (turn < recipe.blocks[0] + recipe.blocks[1]) validation[m].push(frame);
        }
      }
    }
  }
  const leaks = withoutLeaks(train, validation, test, found.content);
  for (const frame of leaks) exclusions.add('the same structure as one for validation or test', corpus.nameOf(frame));
  for (const [name, lists] of Object.entries({ training: train, validation })) {
    if (lists.some((list) => list.length === 0)) {
      throw new MltsError(
        'E_EMPTY',
        `of ${corpus.length} frames none is left for ${name}`,
        'Give more data, or another split (validation: a share, or a file of its own).',
      );
    }
  }
  const replayed = usable('replay');
  for (const list of train) for (const frame of replayed) list.push(frame);
  const shared = recipe.kind !== 'strided';
  const arrays = (lists: number[][]) => {
    const first = Int32Array.from(lists[0]);
    return shared ? lists.map(() => first) : lists.map((list) => Int32Array.from(list));
  };
  return { train: arrays(train), validation: arrays(validation), test: Int32Array.from(test) };
}

/** Takes out of the lists for training what is the same structure as one to judge by. @returns the frames */
function withoutLeaks(
  train: number[][],
  validation: readonly number[][],
  test: readonly number[],
  content: Float64Array,
): ReadonlySet<number> {
  const leaks = new Set<number>();
  const tested = new Set(test.map((frame) => content[frame]));
  for (const [m, list] of train.entries()) {
    const validated = new Set(validation[m].map((frame) => content[frame]));
    train[m] = list.filter((frame) => {
      const isLeak = tested.has(content[frame]) || validated.has(content[frame]);
      if (isLeak) leaks.add(frame);
      return !isLeak;
    });
  }
  return leaks;
}
