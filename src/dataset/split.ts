/** Parts of a data set by hashes of its content, or of its groups; those of content are as a training splits. */
import { chunksOf, type Dataset, keyOf, textKeyOf } from './dataset.ts';
import { BLOCKS, blockOf, partOf } from './parts.ts';

export interface SplitOptions {
  /** Shares of 1. */
  readonly validation: number;
  readonly test: number;
  /** Sixteen blocks in place of training and validation. */
  readonly blocks: boolean;
  /** What is never torn apart; a frame without a group is one of its own. */
  readonly by: 'content' | 'group';
}

/** Frames of each part that has any, ascending. */
export function splitDataset(set: Dataset, { validation, test, blocks, by }: SplitOptions): Map<string, Int32Array> {
  const names = blocks ? Array.from({ length: BLOCKS }, (_, k) => blockName(k)) : ['train', 'validation'];
  const parts = new Map<string, number[]>([...names, 'test'].map((name) => [name, []]));
  for (const [i, key] of keysOf(set, by).entries()) {
    const part = partOf(key, test, blocks ? 0 : validation);
    parts.get(blocks && part === 'train' ? blockName(blockOf(key)) : part)!.push(i);
  }
  return new Map([...parts].flatMap(([name, frames]) => (frames.length > 0 ? [[name, Int32Array.from(frames)]] : [])));
}

const blockName = (block: number): string => String(block).padStart(2, '0');

function keysOf(set: Dataset, by: 'content' | 'group'): Float64Array {
  const keys = Float64Array.from({ length: set.length }, (_, i) => keyOf(Buffer.from(set.structure(i), 'hex')));
  if (by === 'content') return keys;
  let i = 0;
  for (const frames of chunksOf(set)) {
    for (const { group } of frames) {
      if (group !== undefined) keys[i] = textKeyOf(group);
      i++;
    }
  }
  return keys;
}
