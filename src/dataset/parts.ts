/** Parts of a data set by the content of its frames: nothing here depends on their order, nor on the seed of a training. */

/** Of the published ensembles' splits. */
export const BLOCKS = 16;

export type PartName = 'train' | 'validation' | 'test';

/** @param key 48 bits of a frame's hash, or of its group's @param test share of 1, as is `validation` */
export function partOf(key: number, test: number, validation: number): PartName {
  const at = uniform(key, 0);
  if (at < test) return 'test';
  return at < test + validation ? 'validation' : 'train';
}

/** Which of the blocks, 0 … 15; independent of `partOf`. */
export const blockOf = (key: number): number => Math.floor(uniform(key, 1) * BLOCKS);

/** Uniform on [0,1) from a 48-bit key; `salt` gives independent ones. */
function uniform(key: number, salt: number): number {
  // Two rounds of the finaliser of MurmurHash3 over both halves of the key.
  let x = (key >>> 0) ^ Math.imul(salt + 1, 0x9e3779b9);
  for (const word of [Math.floor(key / 2 ** 32), salt]) {
    x ^= word;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x ^= x >>> 16;
  }
  return (x >>> 0) / 2 ** 32;
}
