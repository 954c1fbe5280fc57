/** A data set as .npz, as hippynn takes it: rows of the largest frame's atoms, filled up with zeros. */
import { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import { MltsError } from '../../errors.ts';
import { OutputFile } from '../../io/write.ts';
import type { Dataset, Frame } from '../dataset.ts';
import { chunksOf } from '../dataset.ts';

interface Written {
  readonly name: string;
  readonly type: '<f8' | '<i4' | '|b1';
  /** Of one frame, behind the atoms where it runs over them. */
  readonly perAtom: boolean;
  readonly extents: readonly number[];
  readonly of: (frame: Frame) => ArrayLike<number> | undefined;
}

const ARRAYS: readonly Written[] = [
  { name: 'species', type: '<i4', perAtom: true, extents: [], of: ({ numbers }) => numbers },
  { name: 'coordinates', type: '<f8', perAtom: true, extents: [3], of: ({ positions }) => positions },
  { name: 'cell', type: '<f8', perAtom: false, extents: [3, 3], of: ({ cell }) => cell },
  { name: 'pbc', type: '|b1', perAtom: false, extents: [3], of: ({ pbc }) => pbc?.map(Number) },
  {
    name: 'energy',
    type: '<f8',
    perAtom: false,
    extents: [],
    of: ({ energy }) => (energy === undefined ? undefined : [energy]),
  },
  { name: 'forces', type: '<f8', perAtom: true, extents: [3], of: ({ forces }) => forces },
  { name: 'virial', type: '<f8', perAtom: false, extents: [3, 3], of: ({ virial }) => virial },
  { name: 'charges', type: '<f8', perAtom: true, extents: [], of: ({ charges }) => charges },
  { name: 'dipole', type: '<f8', perAtom: false, extents: [3], of: ({ dipole }) => dipole },
];

/**
 * Level and group have no place there.
 * @throws MltsError E_DISK; E_USAGE where only some of the frames have a label, or a cell
 */
export async function writeNpz(file: string, set: Dataset, progress: (frames: number) => void): Promise<void> {
  const counts = ARRAYS.map(() => 0);
  let width = 0;
  for (const frames of chunksOf(set)) {
    for (const frame of frames) {
      width = Math.max(width, frame.numbers.length);
      for (const [k, { of }] of ARRAYS.entries()) if (of(frame) !== undefined) counts[k]++;
    }
  }
  const written = ARRAYS.filter((array, k) => isInAll(array, counts[k], set.length));
  const zip = new ZipFile();
  let done = 0;
  for (const array of written) {
    const rows = rowsOf(array, set, width, (frames) => {
      done += frames;
      progress(done / written.length);
    });
    zip.addReadStream(Readable.from(rows), `${array.name}.npy`, {
      compress: false,
      mtime: new Date(0),
      mode: 0o100644,
    });
  }
  zip.end();
  const output = new OutputFile(file);
  try {
    for await (const bytes of zip.outputStream) output.write(bytes as Buffer);
    output.commit();
  } finally {
    output.discard();
  }
}

function isInAll({ name }: Written, count: number, length: number): boolean {
  if (count === 0 || count === length) return count > 0;
  throw new MltsError(
    'E_USAGE',
    `${count} of ${length} frames have ${name}, and an array has a row for each`,
    'Export to .extxyz or .h5, or split the data set first.',
  );
}

function* rowsOf(array: Written, set: Dataset, width: number, progress: (frames: number) => void): Generator<Buffer> {
  const shape = [set.length, ...(array.perAtom ? [width] : []), ...array.extents];
  yield header(array.type, shape);
  const size = shape.slice(1).reduce((product, extent) => product * extent, 1);
  for (const frames of chunksOf(set)) {
    const values = new { '<f8': Float64Array, '<i4': Int32Array, '|b1': Uint8Array }[array.type](frames.length * size);
    for (const [row, frame] of frames.entries()) values.set(array.of(frame)!, row * size);
    yield Buffer.from(values.buffer);
    progress(frames.length);
  }
}

/** Format: numpy.lib.format, version 1. */
function header(type: string, shape: readonly number[]): Buffer {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.from('\x93NUMPY\x01\x00\0\0', 'latin1');
  head.writeUInt16LE(padded.length, 8);
  return Buffer.concat([head, Buffer.from(padded, 'latin1')]);
}
