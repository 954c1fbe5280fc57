/**
 * DCD trajectories as CHARMM, NAMD and LAMMPS write them: little-endian Fortran records, positions in single precision, the
 * cell as lengths and cosines. No elements, no velocities. Source: VMD's dcdplugin.c, LAMMPS' dump_dcd.cpp
 */
import type { Structure } from './structure.ts';

/** Where the number of frames stands in the file: int32. */
export const DCD_COUNT_OFFSET = 8;
/** CHARMM's unit of time, fs. */
const AKMA = 48.88821;

export interface DcdTimes {
  /** fs */
  readonly timestep: number;
  /** Steps between frames. */
  readonly every: number;
  /** Step of the first frame. */
  readonly first: number;
}

/** @param hasCell whether frames hold a cell */
export function dcdHeader(
  atoms: number,
  { timestep, every, first }: DcdTimes,
  hasCell: boolean,
  title: string,
): Buffer {
  const control = Buffer.alloc(84);
  control.write('CORD', 'latin1');
  control.writeInt32LE(first, 4 + 4 * 1);
  control.writeInt32LE(every, 4 + 4 * 2);
  control.writeFloatLE(timestep / AKMA, 4 + 4 * 9);
  control.writeInt32LE(hasCell ? 1 : 0, 4 + 4 * 10);
  control.writeInt32LE(24, 4 + 4 * 19); // pretends to be CHARMM 24, as every writer does
  const titles = Buffer.alloc(84, ' ');
  titles.writeInt32LE(1);
  titles.write(title.slice(0, 80), 4, 'latin1');
  const count = Buffer.alloc(4);
  count.writeInt32LE(atoms);
  return Buffer.concat([record(control), record(titles), record(count)]);
}

/** One frame. Cells should have a along x and b in the xy plane: the file holds no orientation. */
export function dcdFrame({ positions, cell }: Pick<Structure, 'positions' | 'cell'>): Buffer {
  const axes = [0, 1, 2].map((axis) => {
    const values = Buffer.alloc((4 * positions.length) / 3);
    for (let i = axis, at = 0; i < positions.length; i += 3, at += 4) values.writeFloatLE(positions[i], at);
    return record(values);
  });
  return Buffer.concat([...(cell ? [record(unitCell(cell))] : []), ...axes]);
}

/** A, cos γ, B, cos β, cos α, C. */
function unitCell(cell: Float64Array): Buffer {
  const [a, b, c] = [0, 3, 6].map((k) => cell.subarray(k, k + 3));
  const length = (v: Float64Array) => Math.hypot(...v);
  const cosine = (u: Float64Array, v: Float64Array) =>
    (u[0] * v[0] + u[1] * v[1] + u[2] * v[2]) / (length(u) * length(v));
  const values = [length(a), cosine(a, b), length(b), cosine(a, c), cosine(b, c), length(c)];
  const bytes = Buffer.alloc(48);
  for (const [k, value] of values.entries()) bytes.writeDoubleLE(value, 8 * k);
  return bytes;
}

function record(content: Buffer): Buffer {
  const mark = Buffer.alloc(4);
  mark.writeInt32LE(content.length);
  return Buffer.concat([mark, content, mark]);
}
