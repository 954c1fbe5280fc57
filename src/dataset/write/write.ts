/** A data set in the format that a file's name asks for. */
import { extname } from 'node:path';
import { MltsError } from '../../errors.ts';
import { formatExtxyz } from '../../io/extxyz.ts';
import { OutputFile } from '../../io/write.ts';
import { chunksOf, type Dataset } from '../dataset.ts';
import { structureOf } from '../structures.ts';
import { writeHdf5 } from './hdf5.ts';
import { writeNpz } from './numpy.ts';

type Writer = (file: string, set: Dataset, progress: (frames: number) => void) => Promise<void>;

const WRITERS: Readonly<Record<string, Writer>> = {
  ...{ '.extxyz': writeXyz, '.xyz': writeXyz, '.npz': writeNpz, '.h5': writeHdf5, '.hdf5': writeHdf5 },
};

/** @throws MltsError E_USAGE for a name of no known format; E_DISK */
export async function writeDataset(file: string, set: Dataset, progress: (frames: number) => void): Promise<void> {
  const writer = WRITERS[extname(file).toLowerCase()];
  if (writer === undefined) {
    throw new MltsError('E_USAGE', `${file} names no format`, `Let it end in ${Object.keys(WRITERS).join(' ')}.`);
  }
  await writer(file, set, progress);
}

async function writeXyz(file: string, set: Dataset, progress: (frames: number) => void): Promise<void> {
  const output = new OutputFile(file);
  try {
    let done = 0;
    for (const frames of chunksOf(set)) {
      output.write(frames.map((frame) => formatExtxyz(structureOf(frame))).join(''));
      done += frames.length;
      progress(done);
    }
    output.commit();
  } finally {
    output.discard();
  }
}
