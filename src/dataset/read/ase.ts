/**
 * Databases of ASE (SQLite). Å, eV; stress in eV/Å³, positive under tension. Blobs are little-endian: int32 numbers, float64
 * the rest. Source: ase.db.sqlite, https://ase-lib.org/ase/db/db.html
 */
import { accessSync, constants } from 'node:fs';
import sqlite, { type Database as Sqlite } from 'node-sqlite3-wasm';
import { MltsError, systemReason } from '../../errors.ts';
import type { Frame } from '../dataset.ts';
import { virialOf } from '../structures.ts';
import { checkNumbers } from './columns.ts';
import { type Account, defined, inOurUnits, type ReadOptions } from './source.ts';

const ROWS = 256;

type Row = Record<string, number | bigint | string | Uint8Array | null>;
const COLUMNS = 'id, numbers, positions, cell, pbc, energy, forces, stress, charges, dipole, key_value_pairs';

/** @throws MltsError E_FILE where it is no database of ASE, or damaged */
export async function* readAse(file: string, options: ReadOptions, account: Account): AsyncGenerator<Frame> {
  const conventions = {
    ...{ energy: options.energy ?? 'eV', length: options.length ?? 'angstrom', gradient: options.gradient ?? false },
  } as const;
  account.notes.add(`ASE: energies in ${conventions.energy}, stress as virial −V σ`);
  let database: Sqlite | undefined;
  try {
    accessSync(file, constants.R_OK);
    database = new sqlite.Database(file, { readOnly: true, fileMustExist: true });
    // Some rows at a time: the file is locked only while a query runs, and what ends this program leaves no lock.
    const query = database.prepare(`SELECT ${COLUMNS} FROM systems WHERE id > ? ORDER BY id LIMIT ${ROWS}`);
    for (let last = 0; ; ) {
      const rows = query.all([last]) as Row[];
      for (const row of rows) yield inOurUnits(frameOf(`${file}, id ${row.id}`, row, options), conventions);
      if (rows.length < ROWS) break;
      last = Number(rows.at(-1)!.id);
    }
  } catch (cause) {
    if (cause instanceof MltsError) throw cause;
    const { errno, message } = cause as NodeJS.ErrnoException;
    const why = errno === undefined ? message : systemReason(cause);
    const remedy = /locked/.test(why)
      ? `Wait until nobody writes it; if nobody does, remove ${file}.lock.`
      : 'Check the path, or write it again.';
    throw new MltsError('E_FILE', `${file} is no database of ASE that can be read: ${why}`, remedy, { cause });
  } finally {
    database?.close();
  }
}

function frameOf(place: string, row: Row, options: ReadOptions): Frame {
  const numbers = checkNumbers(new Int32Array(bytesOf(row.numbers)), place);
  const n = numbers.length;
  const reals = (name: string, ...lengths: number[]): Float64Array | undefined => {
    if (row[name] === null) return undefined;
    const values = new Float64Array(bytesOf(row[name]));
    if (lengths.includes(values.length)) return values;
    const what = `${place} has ${values.length} values of ${name}, not ${lengths.join(' or ')}`;
    throw new MltsError('E_FILE', what, 'Write that row again.');
  };
  const directions = Number(row.pbc ?? 0);
  const cell = reals('cell', 9);
  const isCell = cell?.some((component) => component !== 0) === true;
  const pairs = parsePairs(row.key_value_pairs);
  const level = pairs.level === undefined ? options.level : String(pairs.level);
  return {
    numbers,
    positions: reals('positions', 3 * n) ?? new Float64Array(3 * n).fill(Number.NaN),
    pbc: [(directions & 1) !== 0, (directions & 2) !== 0, (directions & 4) !== 0],
    ...(defined({
      cell: isCell ? cell : undefined,
      energy: row.energy === null ? undefined : Number(row.energy),
      forces: reals('forces', 3 * n),
      virial: isCell ? virialOf(cell, reals('stress', 6, 9)) : undefined,
      charges: reals('charges', n),
      dipole: reals('dipole', 3),
      level,
      group: pairs.group === undefined ? undefined : String(pairs.group),
    }) as Partial<Frame>),
  };
}

function parsePairs(text: Row[string] | undefined): Record<string, unknown> {
  try {
    return typeof text === 'string' ? (JSON.parse(text) ?? {}) : {};
  } catch {
    return {};
  }
}

/** A copy of whole values. */
function bytesOf(blob: Row[string] | undefined): ArrayBuffer {
  if (!(blob instanceof Uint8Array)) throw new Error('a column of numbers holds something else');
  return Uint8Array.from(blob).buffer;
}
