/** Frames out of arrays that run over them: [N], [N,n], [N,n,3] …, as HDF5 groups and NumPy files have them. */
import { MltsError } from '../../errors.ts';
import type { Frame } from '../dataset.ts';
import { defined, type Quantity } from './source.ts';

/** An array that is read row by row, from its first to its last. */
export interface Column {
  /** How messages call it. */
  readonly name: string;
  readonly shape: readonly number[];
  /** The next rows. */
  next(rows: number): Float64Array | Promise<Float64Array>;
}

/** Names of arrays in files that people share, the first that is there counts. */
export const USUAL: Readonly<Record<Quantity, readonly string[]>> = {
  numbers: ['atomic_numbers', 'numbers', 'species', 'Z'],
  positions: ['coordinates', 'positions', 'coord', 'R'],
  cell: ['cell', 'cells', 'C'],
  pbc: ['pbc'],
  energy: ['energy', 'energies', 'E', 'T'],
  forces: ['forces', 'force', 'F'],
  virial: ['virial', 'virials'],
  charges: ['charges', 'cm5'],
  dipole: ['dipole', 'dipoles'],
};

export type Columns = Partial<Record<Quantity, Column>>;

const BATCH_BYTES = 1 << 22;
const MAX_ATOMIC_NUMBER = 118;

/**
 * @param fixed [n] atomic numbers of all frames, where `columns` has none
 * @throws MltsError E_FILE where shapes do not fit together
 */
export async function* framesOf(columns: Columns, fixed?: Int32Array): AsyncGenerator<Frame> {
  const { positions } = columns;
  const [count, width, three] = positions!.shape;
  if (positions!.shape.length !== 3 || three !== 3) throw misshapen(positions!, '[frames, atoms, 3]');
  const n = fixed?.length ?? width;
  if (n !== width) throw misshapen(positions!, `[frames, ${n}, 3], for there are ${n} atomic numbers`);
  checkShapes(columns, count, n);
  const batch = Math.max(1, Math.floor(BATCH_BYTES / (48 * Math.max(1, n))));
  for (let at = 0; at < count; at += batch) {
    const rows = Math.min(batch, count - at);
    const values: Partial<Record<Quantity, Float64Array>> = {};
    for (const [quantity, column] of Object.entries(columns)) {
      const read = await column.next(rows);
      if (read.length !== rows * sizeOf(column)) throw misshapen(column, `${rows} more rows`);
      values[quantity as Quantity] = read;
    }
    for (let row = 0; row < rows; row++) yield frameAt(columns, values, row, n, fixed);
  }
}

/** Values of a row. */
const sizeOf = ({ shape }: Column): number => shape.slice(1).reduce((product, extent) => product * extent, 1);

function checkShapes(columns: Columns, count: number, n: number): void {
  const sizes: Record<Quantity, readonly number[]> = {
    ...{ numbers: [n], positions: [3 * n], cell: [9, 3], pbc: [3], energy: [1], forces: [3 * n], virial: [9] },
    ...{ charges: [n], dipole: [3] },
  };
  for (const [quantity, column] of Object.entries(columns)) {
    const allowed = sizes[quantity as Quantity];
    if (column.shape[0] === count && allowed.includes(sizeOf(column))) continue;
    throw misshapen(column, `${count} rows of ${allowed.join(' or ')} values, for it is to be the ${quantity}`);
  }
}

const misshapen = ({ name, shape }: Column, expected: string): MltsError =>
  new MltsError(
    'E_FILE',
    `${name} has the shape [${shape.join(', ')}], not ${expected}`,
    'Say which array is what with --names, or correct the file.',
  );

function frameAt(
  columns: Columns,
  values: Partial<Record<Quantity, Float64Array>>,
  row: number,
  n: number,
  fixed: Int32Array | undefined,
): Frame {
  const of = (quantity: Quantity): Float64Array | undefined => {
    const column = columns[quantity];
    return column && values[quantity]!.slice(row * sizeOf(column), (row + 1) * sizeOf(column));
  };
  const padded = fixed ?? checkNumbers(of('numbers')!, columns.numbers!.name);
  // Rows of fewer atoms are filled up with zeros.
  const atoms = Int32Array.from(padded.keys()).filter((i) => padded[i] !== 0);
  const perAtom = (quantity: Quantity, width: number) => {
    const all = of(quantity);
    if (all === undefined || atoms.length === n) return all;
    return Float64Array.from(
      { length: width * atoms.length },
      (_, k) => all[width * atoms[Math.floor(k / width)] + (k % width)],
    );
  };
  const cell = of('cell');
  const pbc = of('pbc');
  return {
    numbers: atoms.map((i) => padded[i]),
    positions: perAtom('positions', 3)!,
    ...(defined({
      cell: cell?.length === 3 ? Float64Array.of(cell[0], 0, 0, 0, cell[1], 0, 0, 0, cell[2]) : cell,
      pbc: directions(pbc, cell !== undefined),
      energy: of('energy')?.[0],
      forces: perAtom('forces', 3),
      virial: of('virial'),
      charges: perAtom('charges', 1),
      dipole: of('dipole'),
    }) as Partial<Frame>),
  };
}

function directions(pbc: Float64Array | undefined, hasCell: boolean): Frame['pbc'] {
  if (pbc !== undefined) return [pbc[0] !== 0, pbc[1] !== 0, pbc[2] !== 0];
  return hasCell ? [true, true, true] : undefined;
}

/** @throws MltsError E_FILE where a value is no atomic number; 0 fills up rows */
export function checkNumbers(values: ArrayLike<number>, name: string): Int32Array {
  return Int32Array.from(values, (value) => {
    if (Number.isInteger(value) && value >= 0 && value <= MAX_ATOMIC_NUMBER) return value;
    throw new MltsError(
      'E_FILE',
      `${name} holds ${value}, which is no atomic number`,
      'Say which array is what with --names.',
    );
  });
}
