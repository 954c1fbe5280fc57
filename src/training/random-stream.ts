import { createHash } from 'node:crypto';
import { Random } from '../dynamics/random.ts';

/** Random numbers for one purpose: the same for the same seed and words, unlike those of any other. */
export function randomStream(seed: number, ...words: readonly (string | number)[]): Random {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...words]))
    .digest();
  return new Random(digest.readUIntLE(0, 6));
}

/** A random order of `items`, in place (Fisher and Yates). */
export function shuffle(items: Int32Array, random: Random): Int32Array {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random.uniform() * (i + 1));
    [items[i], items[j]] = [items[j], items[i]];
  }
  return items;
}
