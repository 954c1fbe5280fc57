import { MAX_NUMBER, massOf } from '../elements.ts';
import { MltsError } from '../errors.ts';
import { fields, type Lines } from './lines.ts';
import { type AtomArray, elementOf, type InfoValue, type Structure, toCartesian } from './structure.ts';

/** fs per unit of time and Å per unit of length: what LAMMPS calls metal has ps. */
const FS_PER_TIME: Readonly<Record<string, number>> = { metal: 1000, real: 1 };

/**
 * LAMMPS text dumps, frame after frame: orthogonal, restricted and general triclinic boxes; positions as x, xu, xs or xsu;
 * atoms in the order of their ids. Units are metal unless ITEM: UNITS says real. Velocities (Å/fs) and forces (eV/Å, in metal)
 * become arrays, other columns keep their names. Source: https://docs.lammps.org/dump.html
 * @param numbers atomic numbers in the order of the ids, for dumps without elements
 */
export function* readLammpsDump(lines: Lines, numbers?: Int32Array): Generator<Structure> {
  let units = 'metal';
  let time: number | undefined;
  let step = 0;
  let count = 0;
  let box: Box | undefined;
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (line.trim() === '') continue;
    if (!line.startsWith('ITEM: ')) throw lines.error(`'${line.slice(0, 40)}' stands where an ITEM should`, TORN);
    const item = line.slice('ITEM: '.length).trim();
    if (item === 'UNITS') units = lines.need('the units').trim();
    else if (item === 'TIME') time = lines.real(lines.need('the time').trim(), 'the time');
    else if (item === 'TIMESTEP') step = lines.integer(lines.need('the step').trim(), 'the step');
    else if (item === 'NUMBER OF ATOMS') count = lines.integer(lines.need('a number').trim(), 'the number of atoms', 0);
    else if (item.startsWith('BOX BOUNDS')) box = readBox(lines, fields(item).slice(2));
    else if (item.startsWith('ATOMS')) {
      const factor = FS_PER_TIME[units];
      if (factor === undefined) throw lines.error(`the units are '${units}'`, 'Write dumps in units metal or real.');
      if (box === undefined) throw lines.error('no BOX BOUNDS stand before the atoms', TORN);
      const atoms = readAtoms(lines, fields(item).slice(1), { count, box, numbers, units });
      const info: Record<string, InfoValue> = { step, ...(time !== undefined && { time: time * factor }) };
      yield { ...atoms, cell: box.cell, pbc: box.pbc, info };
      [time, box] = [undefined, undefined];
    } else {
      throw lines.error(`ITEM: ${item} is not known`, TORN);
    }
  }
}

const TORN = 'The file is damaged, or no dump of LAMMPS: write it again.';

interface Box {
  readonly cell: Float64Array;
  readonly origin: readonly number[];
  readonly pbc: [boolean, boolean, boolean];
}

/** @param words what follows BOX BOUNDS: `xy xz yz`, `abc origin` or nothing, and three boundary styles */
function readBox(lines: Lines, words: readonly string[]): Box {
  const rows = [0, 1, 2].map(() => fields(lines.need('a box bound')).map((text) => lines.real(text, 'a box bound')));
  const [x = 'pp', y = 'pp', z = 'pp'] = words.filter((word) => /^[pfsm]{2}$/.test(word));
  const pbc: Box['pbc'] = [x === 'pp', y === 'pp', z === 'pp'];
  if (words[0] === 'abc') {
    return { cell: Float64Array.from(rows.flatMap((row) => row.slice(0, 3))), origin: rows.map((row) => row[3]), pbc };
  }
  const [xy, xz, yz] = words[0] === 'xy' ? rows.map((row) => row[2]) : [0, 0, 0];
  const low = [rows[0][0] - Math.min(0, xy, xz, xy + xz), rows[1][0] - Math.min(0, yz), rows[2][0]];
  const high = [rows[0][1] - Math.max(0, xy, xz, xy + xz), rows[1][1] - Math.max(0, yz), rows[2][1]];
  const [lx, ly, lz] = high.map((value, k) => value - low[k]);
  return { cell: Float64Array.of(lx, 0, 0, xy, ly, 0, xz, yz, lz), origin: low, pbc };
}

interface Frame {
  readonly count: number;
  readonly box: Box;
  readonly numbers: Int32Array | undefined;
  readonly units: string;
}

function readAtoms(lines: Lines, columns: readonly string[], frame: Frame) {
  const { count, box, numbers, units } = frame;
  const rows = Array.from({ length: count }, (_, i) => {
    const row = fields(lines.need(`atom ${i} of ${count}`));
    if (row.length === columns.length) return row;
    throw lines.error(`${row.length} columns where ${columns.length} were promised`, 'Complete the line.');
  });
  const id = columns.indexOf('id');
  if (id >= 0) rows.sort((a, b) => Number(a[id]) - Number(b[id]));
  const column = (name: string) => {
    const at = columns.indexOf(name);
    return rows.map((row) => lines.real(row[at], name));
  };
  const triple = (names: readonly string[], factor: number): Float64Array | undefined => {
    if (!names.every((name) => columns.includes(name))) return undefined;
    const [x, y, z] = names.map(column);
    return Float64Array.from({ length: 3 * count }, (_, k) => factor * [x, y, z][k % 3][Math.floor(k / 3)]);
  };
  const axes = (suffix: string) => ['x', 'y', 'z'].map((axis) => axis + suffix);
  const scaled = triple(axes('s'), 1) ?? triple(axes('su'), 1);
  const positions =
    triple(axes('u'), 1) ??
    triple(axes(''), 1) ??
    (scaled && toCartesian(scaled, box.cell).map((value, k) => value + box.origin[k % 3]));
  if (positions === undefined) throw lines.error('the dump holds no positions', 'Dump x y z, xu yu zu or xs ys zs.');
  const arrays: Record<string, AtomArray> = {};
  const velocities = triple(['vx', 'vy', 'vz'], 1 / FS_PER_TIME[units]);
  if (velocities) arrays.velocities = { kind: 'real', columns: 3, data: velocities };
  const forces = units === 'metal' ? triple(['fx', 'fy', 'fz'], 1) : undefined;
  if (forces) arrays.forces = { kind: 'real', columns: 3, data: forces };
  for (const name of columns) {
    if (KNOWN.has(name)) continue;
    const data = rows.map((row) => Number(row[columns.indexOf(name)]));
    if (data.every(Number.isFinite)) arrays[name] = { kind: 'real', columns: 1, data: Float64Array.from(data) };
  }
  return { numbers: elements(lines, columns, rows, numbers), positions, arrays };
}

const KNOWN = new Set('id type element mass x y z xu yu zu xs ys zs xsu ysu zsu vx vy vz fx fy fz'.split(' '));

/** From the element column, else the caller's, else the mass column. */
function elements(
  lines: Lines,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: Int32Array | undefined,
): Int32Array {
  const [symbol, mass] = [columns.indexOf('element'), columns.indexOf('mass')];
  if (symbol >= 0) {
    return Int32Array.from(rows, (row) => {
      const number = elementOf(row[symbol]);
      if (number !== undefined) return number;
      throw lines.error(`'${row[symbol]}' is no element`, 'Name the elements with `dump_modify … element`.');
    });
  }
  if (numbers !== undefined) {
    if (numbers.length === rows.length) return numbers;
    throw new MltsError(
      'E_SHAPE',
      `${lines.file}:${lines.number}: a frame of ${rows.length} atoms, the topology has ${numbers.length}`,
      'Give the structure that the run began with.',
    );
  }
  if (mass >= 0) return Int32Array.from(rows, (row) => byMass(lines.real(row[mass], 'mass')));
  throw lines.error(
    'the dump says no elements',
    'Dump the column element, or name a structure with the same atoms (--topology).',
  );
}

/** The element of the nearest standard weight. @param mass amu */
function byMass(mass: number): number {
  let best = 1;
  for (let z = 2; z <= MAX_NUMBER; z++) {
    if (Math.abs(massOf(z)! - mass) < Math.abs(massOf(best)! - mass)) best = z;
  }
  return best;
}
