/**
 * A data set as HDF5 in the layout of the ANI family: a group for each sequence of atoms with the same labels, level and
 * group; coordinates [N,n,3], atomic_numbers [n], energies [N], forces [N,n,3] …, their units as attributes.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { type Group, type Dataset as H5Dataset, File as H5File, ready } from 'h5wasm/node';
import { symbolOf } from '../../elements.ts';
import { MltsError, systemReason } from '../../errors.ts';
import { chunksOf, type Dataset, type Frame } from '../dataset.ts';

interface Written {
  readonly name: string;
  readonly units: string;
  readonly shape: (natoms: number) => readonly number[];
  readonly of: (frame: Frame) => ArrayLike<number> | undefined;
}

const ARRAYS: readonly Written[] = [
  { name: 'coordinates', units: 'angstrom', shape: (n) => [n, 3], of: ({ positions }) => positions },
  { name: 'cell', units: 'angstrom', shape: () => [3, 3], of: ({ cell }) => cell },
  {
    name: 'pbc',
    units: '',
    shape: () => [3],
    of: ({ pbc, cell }) => (pbc ?? (cell && [false, false, false]))?.map(Number),
  },
  { name: 'energies', units: 'eV', shape: () => [], of: ({ energy }) => (energy === undefined ? undefined : [energy]) },
  { name: 'forces', units: 'eV/angstrom', shape: (n) => [n, 3], of: ({ forces }) => forces },
  { name: 'virial', units: 'eV', shape: () => [3, 3], of: ({ virial }) => virial },
  { name: 'charges', units: 'e', shape: (n) => [n], of: ({ charges }) => charges },
  { name: 'dipole', units: 'e angstrom', shape: () => [3], of: ({ dipole }) => dipole },
];

/** @throws MltsError E_DISK; nothing is left under the name then */
export async function writeHdf5(file: string, set: Dataset, progress: (frames: number) => void): Promise<void> {
  // Errors are thrown; nothing goes to the terminal.
  (await ready).activate_throwing_error_handler();
  const groups = new Map<string, number[]>();
  let at = 0;
  for (const frames of chunksOf(set)) {
    for (const frame of frames) {
      const key = keyOfGroup(frame);
      const members = groups.get(key);
      if (members === undefined) groups.set(key, [at]);
      else members.push(at);
      at++;
    }
    progress(at / 2);
  }
  const temporary = `${file}.${process.pid}.part`;
  try {
    const hdf5 = new H5File(temporary, 'w');
    if (hdf5.file_id < 0) throw new Error('it cannot be created');
    try {
      let done = 0;
      for (const [index, members] of [...groups.values()].entries()) {
        let group: Group | undefined;
        for (const frames of chunksOf(set, members)) {
          group ??= createGroup(hdf5, index, frames[0]);
          append(group, frames);
          done += frames.length;
          progress((set.length + done) / 2);
        }
      }
      hdf5.flush();
    } finally {
      hdf5.close();
    }
    const fd = openSync(temporary, 'r');
    fsyncSync(fd);
    closeSync(fd);
    renameSync(temporary, file);
  } catch (cause) {
    if (cause instanceof MltsError) throw cause;
    const { errno, message } = cause as NodeJS.ErrnoException;
    const why = errno === undefined ? message : systemReason(cause);
    const remedy = 'Check the folder, and that its disk has space.';
    throw new MltsError('E_DISK', `${file} cannot be written (${why})`, remedy, { cause });
  } finally {
    rmSync(temporary, { force: true });
  }
}

const keyOfGroup = (frame: Frame): string =>
  JSON.stringify([
    Buffer.from(frame.numbers.buffer, frame.numbers.byteOffset, frame.numbers.byteLength).toString('latin1'),
    ARRAYS.map(({ of }) => of(frame) !== undefined),
    frame.level,
    frame.group,
  ]);

function createGroup(hdf5: H5File, index: number, { numbers, level = '', group = '' }: Frame): Group {
  const formula = [...new Set([...numbers].sort((a, b) => a - b))]
    .map((number) => `${symbolOf(number)}${numbers.filter((other) => other === number).length}`)
    .join('');
  const created = hdf5.create_group(`${String(index).padStart(8, '0')}-${formula}`);
  created.create_attribute('level', level);
  created.create_attribute('group', group);
  created.create_dataset({ name: 'atomic_numbers', data: numbers });
  return created;
}

function append(group: Group, frames: readonly Frame[]): void {
  const n = frames[0].numbers.length;
  for (const { name, units, shape, of } of ARRAYS) {
    if (of(frames[0]) === undefined) continue;
    const extents = shape(n);
    const size = extents.reduce((product, extent) => product * extent, 1);
    const data = name === 'pbc' ? new Uint8Array(frames.length * size) : new Float64Array(frames.length * size);
    for (const [row, frame] of frames.entries()) data.set(of(frame)!, row * size);
    const full = [frames.length, ...extents];
    const existing = group.get(name) as H5Dataset | null;
    if (existing === null) {
      const maxshape = [null, ...extents];
      const chunks = [Math.max(1, Math.min(frames.length, Math.floor((1 << 20) / (8 * size)))), ...extents];
      const created = group.create_dataset({ name, data, shape: full, maxshape, chunks });
      if (units !== '') created.create_attribute('units', units);
      continue;
    }
    const start = existing.shape![0];
    existing.resize([start + frames.length, ...extents]);
    existing.write_slice(
      [[start, start + frames.length], ...extents.map((extent): [number, number] => [0, extent])],
      data,
    );
  }
}
