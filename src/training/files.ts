/** Labelled structures of a file that the I/O layer reads, whole in memory. */
import { createHash } from 'node:crypto';
import { MltsError } from '../errors.ts';
import { readStructures } from '../io/read.ts';
import { parseFrameIndex } from '../io/slice.ts';
import type { Structure } from '../io/structure.ts';
import type { LabelledFrame, LabelledSet } from './corpus.ts';

/**
 * Labels are `energy` eV, `forces` [n,3] eV/Å and `virial` [3,3] eV (−∂E/∂ε), as in extended XYZ; `level` names the level of
 * theory and `group` frames that belong together.
 * @throws MltsError E_FILE; E_EMPTY where it has no frames
 */
export async function openLabelled(file: string): Promise<LabelledSet> {
  const frames: LabelledFrame[] = [];
  const hash = createHash('sha256');
  for (const { frame } of readStructures(file, parseFrameIndex(':'))) {
    const labelled = labelledFrame(frame);
    const { numbers, positions, cell, pbc, ...labels } = labelled;
    hash.update(numbers).update(positions);
    for (const values of [cell, labels.forces, labels.virial]) if (values !== undefined) hash.update(values);
    hash.update(JSON.stringify([pbc, labels.energy, labels.level, labels.group]));
    frames.push(labelled);
  }
  if (frames.length === 0) throw new MltsError('E_EMPTY', `${file} has no frames`, 'Give labelled structures.');
  return { length: frames.length, hash: hash.digest('hex'), read: (indices) => Array.from(indices, (i) => frames[i]) };
}

function labelledFrame({ numbers, positions, cell, pbc, info, arrays }: Structure): LabelledFrame {
  const forces = arrays.forces ?? arrays.force;
  const { energy, virial, level, group } = info;
  return {
    numbers,
    positions,
    pbc,
    ...(cell !== undefined && { cell }),
    // What is there and no number, like nan, is a label that cannot be used, and not none at all.
    ...(energy !== undefined && { energy: typeof energy === 'number' ? energy : Number.NaN }),
    ...(forces?.kind === 'real' && forces.columns === 3 && { forces: forces.data }),
    ...(Array.isArray(virial) && virial.length === 9 && { virial: Float64Array.from(virial as number[]) }),
    ...(level !== undefined && { level: String(level) }),
    ...(group !== undefined && { group: String(group) }),
  };
}
