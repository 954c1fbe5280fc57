/** Frames and files of frames, for tests of data sets. */
import type { Frame } from '../../src/dataset/dataset.ts';
import { readFrames } from '../../src/dataset/read/read.ts';
import { Account, type ReadOptions } from '../../src/dataset/read/source.ts';
import { DatasetWriter, StoredDataset } from '../../src/dataset/store.ts';
import { randomNumbers } from './systems.ts';

export function store(file: string, frames: readonly Frame[]): StoredDataset {
  const writer = new DatasetWriter(file);
  for (const frame of frames) writer.add(frame);
  writer.commit();
  return new StoredDataset(file);
}

export async function readAll(file: string, options: ReadOptions = {}): Promise<{ frames: Frame[]; account: Account }> {
  const account = new Account();
  const frames: Frame[] = [];
  for await (const frame of readFrames(file, options, account)) frames.push(frame);
  return { frames, account };
}

const EQUILIBRIUM = [0, 0, 0, 0.9572, 0, 0, -0.24, 0.9266, 0];
/** eV/Å² */
const STIFFNESS = 30;
/** All electrons, eV. */
const WATER = -2078.5;

/** Water with harmonic springs between all atoms: forces are the exact negative gradient. @param shake Å */
export function shakenWaters(count: number, shake = 0.05): Frame[] {
  const random = randomNumbers(7);
  return Array.from({ length: count }, () => {
    const positions = Float64Array.from(EQUILIBRIUM, (x) => x + shake * (2 * random() - 1));
    const forces = new Float64Array(9);
    let energy = WATER;
    for (const [i, j] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ]) {
      const [now, rest] = [positions, EQUILIBRIUM].map((at) => [0, 1, 2].map((k) => at[3 * j + k] - at[3 * i + k]));
      const [r, r0] = [Math.hypot(...now), Math.hypot(...rest)];
      energy += (STIFFNESS * (r - r0) ** 2) / 2;
      for (let k = 0; k < 3; k++) {
        const f = (-STIFFNESS * (r - r0) * now[k]) / r;
        forces[3 * j + k] += f;
        forces[3 * i + k] -= f;
      }
    }
    return { numbers: Int32Array.of(8, 1, 1), positions, energy, forces, level: 'wB97X/6-31G*' };
  });
}
