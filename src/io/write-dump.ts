/** LAMMPS text dumps, `dump custom` in units metal. Source: https://docs.lammps.org/dump.html, https://docs.lammps.org/Howto_triclinic.html */
import { massOf, symbolOf } from '../elements.ts';
import type { Structure } from './structure.ts';

const FS_PER_PS = 1000;

/**
 * One frame. Atom types number the elements by atomic number; `velocities` (Å/fs) and `forces` (eV/Å) among the arrays are
 * written too, `step` and `time` (fs) of the header as TIMESTEP and TIME. Cells that LAMMPS calls general triclinic are written
 * as such (BOX BOUNDS abc origin); positions are not wrapped (xu yu zu); without a cell the box is as large as the structure.
 */
export function formatDump({ numbers, positions, cell, pbc, info, arrays }: Structure): string {
  const types = [...new Set(numbers)].sort((a, b) => a - b);
  const velocities = columns(arrays.velocities, FS_PER_PS);
  const forces = columns(arrays.forces, 1);
  const names = ['id type element mass xu yu zu', ...(velocities ? ['vx vy vz'] : []), ...(forces ? ['fx fy fz'] : [])];
  const rows = Array.from(numbers, (number, i) =>
    [
      i + 1,
      types.indexOf(number) + 1,
      symbolOf(number),
      massOf(number),
      ...[positions, velocities, forces].flatMap((values) => (values ? [...values.subarray(3 * i, 3 * i + 3)] : [])),
    ].join(' '),
  );
  return `${[
    'ITEM: UNITS',
    'metal',
    ...(typeof info.time === 'number' ? ['ITEM: TIME', info.time / FS_PER_PS] : []),
    'ITEM: TIMESTEP',
    typeof info.step === 'number' ? info.step : 0,
    'ITEM: NUMBER OF ATOMS',
    numbers.length,
    ...box(positions, cell, pbc),
    `ITEM: ATOMS ${names.join(' ')}`,
    ...rows,
  ].join('\n')}\n`;
}

function columns(array: Structure['arrays'][string] | undefined, factor: number): Float64Array | undefined {
  if (array === undefined || (array.kind !== 'real' && array.kind !== 'integer') || array.columns !== 3)
    return undefined;
  return factor === 1 ? array.data : array.data.map((value) => factor * value);
}

function box(positions: Float64Array, cell: Float64Array | undefined, pbc: Structure['pbc']): string[] {
  const boundary = pbc.map((periodic) => (periodic ? 'pp' : cell ? 'ff' : 'ss')).join(' ');
  if (cell === undefined) {
    const bounds = [0, 1, 2].map((axis) => {
      const along = positions.filter((_, k) => k % 3 === axis);
      return `${along.reduce((a, b) => Math.min(a, b), Infinity)} ${along.reduce((a, b) => Math.max(a, b), -Infinity)}`;
    });
    return [`ITEM: BOX BOUNDS ${boundary}`, ...bounds];
  }
  const [ax, ay, az, bx, by, bz, cx, cy, cz] = cell;
  if (ay !== 0 || az !== 0 || bz !== 0 || !(ax > 0 && by > 0 && cz > 0)) {
    const rows = [0, 3, 6].map((k) => `${[...cell.subarray(k, k + 3)].join(' ')} 0`);
    return [`ITEM: BOX BOUNDS abc origin ${boundary}`, ...rows];
  }
  if (bx === 0 && cx === 0 && cy === 0) {
    return [`ITEM: BOX BOUNDS ${boundary}`, `0 ${ax}`, `0 ${by}`, `0 ${cz}`];
  }
  const [low, high] = [Math.min(0, bx, cx, bx + cx), Math.max(0, bx, cx, bx + cx)];
  return [
    `ITEM: BOX BOUNDS xy xz yz ${boundary}`,
    `${low} ${ax + high} ${bx}`,
    `${Math.min(0, cy)} ${by + Math.max(0, cy)} ${cx}`,
    `0 ${cz} ${cy}`,
  ];
}
