/** Labelled structures of a file: a data set of mlts is read from disk as it is needed, a text file is whole in memory. */
import { createHash } from 'node:crypto';
import type { Frame } from '../dataset/dataset.ts';
import { kindOf } from '../dataset/read/read.ts';
import { StoredDataset } from '../dataset/store.ts';
import { frameOf } from '../dataset/structures.ts';
import { MltsError } from '../errors.ts';
import { readStructures } from '../io/read.ts';
import { parseFrameIndex } from '../io/slice.ts';
import type { LabelledSet } from './corpus.ts';

/** @throws MltsError E_FILE; E_EMPTY where it has no frames */
export async function openLabelled(file: string): Promise<LabelledSet> {
  const kind = kindOf(file);
  if (kind === 'store') return new StoredDataset(file);
  if (kind === 'binary') {
    const what = `${file} is no data set of mlts`;
    throw new MltsError('E_FILE', what, `Import it first: mlts data import ${file} -o NAME.mltsdata.`);
  }
  const frames: Frame[] = [];
  const hash = createHash('sha256');
  for (const { frame } of readStructures(file, parseFrameIndex(':'))) {
    const labelled = frameOf(frame);
    const { numbers, positions, cell, pbc, ...labels } = labelled;
    hash.update(numbers).update(positions);
    for (const values of [cell, labels.forces, labels.virial]) if (values !== undefined) hash.update(values);
    hash.update(JSON.stringify([pbc, labels.energy, labels.level, labels.group]));
    frames.push(labelled);
  }
  if (frames.length === 0) throw new MltsError('E_EMPTY', `${file} has no frames`, 'Give labelled structures.');
  return { length: frames.length, hash: hash.digest('hex'), read: (indices) => Array.from(indices, (i) => frames[i]) };
}
