/** Databases of hippynn: an .npz file of arrays, or a folder of .npy files whose names share a beginning. */
import { createReadStream, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Entry, openPromise as openZip } from 'yauzl';
import { MltsError, systemReason } from '../../errors.ts';
import type { Frame } from '../dataset.ts';
import { type Columns, framesOf, USUAL } from './columns.ts';
import { openNpy } from './npy.ts';
import { type Account, inOurUnits, QUANTITIES, type ReadOptions } from './source.ts';

type Open = () => Readable | Promise<Readable>;

/** @throws MltsError E_FILE where it is no .npz, damaged, or has no positions and atomic numbers */
export async function* readNpz(file: string, options: ReadOptions, account: Account): AsyncGenerator<Frame> {
  const zip = await openZip(file, { autoClose: false }).catch((cause) => {
    throw new MltsError('E_FILE', `${file} is no .npz file: ${reasonOf(cause)}`, 'Check the path, or copy it again.', {
      cause,
    });
  });
  try {
    const arrays = new Map<string, Open>();
    try {
      for await (const entry of zip.eachEntry() as AsyncIterable<Entry>) {
        arrays.set(basename(entry.fileName, '.npy'), () => zip.openReadStreamPromise(entry));
      }
    } catch (cause) {
      throw new MltsError('E_FILE', `${file} is damaged: ${reasonOf(cause)}`, 'Copy it again.', { cause });
    }
    yield* readArrays(file, arrays, options, account);
  } finally {
    zip.close();
  }
}

/** @throws MltsError E_FILE */
export async function* readNpyFolder(folder: string, options: ReadOptions, account: Account): AsyncGenerator<Frame> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.npy'));
  const start = files.flatMap((file) => startOf(basename(file, '.npy'), files, options) ?? [])[0];
  if (start === undefined) {
    const what = `${folder} has no .npy files of positions and atomic numbers`;
    throw new MltsError('E_FILE', what, 'Say how their names end: --names positions=R,numbers=Z.');
  }
  const ours = files.filter((file) => file.startsWith(start));
  const arrays = new Map(
    ours.map((file): [string, Open] => [
      file.slice(start.length, -'.npy'.length),
      () => createReadStream(join(folder, file)),
    ]),
  );
  yield* readArrays(folder, arrays, options, account);
}

/** What comes before `R` in `data-qm7_R`, where there is a `data-qm7_Z` too. */
function startOf(name: string, files: readonly string[], options: ReadOptions): string | undefined {
  const numbers = namesOf('numbers', options);
  for (const ending of namesOf('positions', options)) {
    if (!name.endsWith(ending)) continue;
    const start = name.slice(0, name.length - ending.length);
    if (numbers.some((number) => files.includes(`${start}${number}.npy`))) return start;
  }
  return undefined;
}

const namesOf = (quantity: (typeof QUANTITIES)[number], { names }: ReadOptions): readonly string[] =>
  names?.[quantity] === undefined ? USUAL[quantity] : [names[quantity]];

async function* readArrays(
  file: string,
  arrays: ReadonlyMap<string, Open>,
  options: ReadOptions,
  account: Account,
): AsyncGenerator<Frame> {
  const opened: { close(): void }[] = [];
  try {
    const columns: Columns = {};
    const understood: string[] = [];
    for (const quantity of QUANTITIES) {
      const name = namesOf(quantity, options).find((one) => arrays.has(one));
      if (name === undefined) continue;
      const column = await guard(file, async () => openNpy(`${file}:${name}`, await arrays.get(name)!()));
      opened.push(column);
      understood.push(`${name} is the ${quantity}`);
      columns[quantity] = { ...column, next: (rows) => guard(file, async () => column.next(rows)) };
    }
    if (columns.positions === undefined || columns.numbers === undefined) {
      const what = `${file} has ${[...arrays.keys()].join(', ') || 'nothing'}, among which no positions and atomic numbers`;
      throw new MltsError('E_FILE', what, 'Say which array is what: --names positions=xyz,numbers=z.');
    }
    const conventions = {
      ...{ energy: options.energy ?? 'eV', length: options.length ?? 'angstrom', gradient: options.gradient ?? false },
    } as const;
    account.notes.add(`NumPy arrays: ${understood.join(', ')}; energies in ${conventions.energy}`);
    for await (const frame of framesOf(columns)) {
      yield inOurUnits({ ...frame, ...(options.level !== undefined && { level: options.level }) }, conventions);
    }
  } finally {
    for (const column of opened) column.close();
  }
}

async function guard<T>(file: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof MltsError) throw cause;
    throw new MltsError('E_FILE', `${file} cannot be read: ${reasonOf(cause)}`, 'Copy it again.', { cause });
  }
}

const reasonOf = (cause: unknown): string =>
  (cause as NodeJS.ErrnoException).errno === undefined ? (cause as Error).message : systemReason(cause);
