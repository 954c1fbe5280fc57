import { symbolOf } from '../elements.ts';
import { formatInfo, parseInfo, parseLogical, splitHeader } from './extxyz-header.ts';
import { fields, type Lines } from './lines.ts';
import { type AtomArray, elementOf, type InfoValue, type Structure } from './structure.ts';

/**
 * XYZ, plain and extended, frame after frame. A comment line with `Properties=` or `Lattice=` makes a frame extended;
 * otherwise the columns are element x y z, further columns are left alone, and the comment is taken as key=value pairs
 * where it is that and as `comment` where it is not.
 */
export function* readXyz(lines: Lines): Generator<Structure> {
  for (;;) {
    const line = lines.next();
    if (line === undefined) return;
    if (line.trim() === '') continue;
    const count = lines.integer(line.trim(), 'the number of atoms', 0);
    yield readFrame(lines, count);
  }
}

interface Column {
  readonly name: string;
  readonly kind: 'R' | 'I' | 'L' | 'S';
  readonly width: number;
}

const PLAIN = 'species:S:1:pos:R:3';
const NUMBER_NAMES = new Set(['Z', 'numbers', 'number', 'atomic_number', 'atomic_numbers']);
const SPECIES_NAMES = new Set(['species', 'element', 'elements', 'symbols']);

function readFrame(lines: Lines, count: number): Structure {
  const comment = lines.need('a comment line');
  const extended = /(?:^|\s)(?:Properties|Lattice)\s*=/i.test(comment);
  const header = extended ? splitHeader(lines, comment) : plainHeader(lines, comment);
  const columns = readColumns(lines, take(header, 'Properties') ?? PLAIN);
  const lattice = take(header, 'Lattice');
  const cell = lattice === undefined ? undefined : readLattice(lines, lattice);
  const pbc = readPbc(lines, take(header, 'pbc'), cell !== undefined);
  const info: Record<string, InfoValue> = {};
  for (const [key, value] of header) info[key] = parseInfo(value);
  return { ...readAtoms(lines, count, columns), cell, pbc, info };
}

/** Nothing but key=value pairs, or one comment. */
function plainHeader(lines: Lines, comment: string): Map<string, string> {
  try {
    const pairs = splitHeader(lines, comment);
    if (pairs.size > 0 && comment.split('=').length - 1 === pairs.size) return pairs;
  } catch {
    // Free text with an open quote.
  }
  return new Map(comment.trim() === '' ? [] : [['comment', comment.trim()]]);
}

/** Takes a key of the format itself out of the header, whatever its case. */
function take(header: Map<string, string>, name: string): string | undefined {
  for (const [key, value] of header) {
    if (key.toLowerCase() === name.toLowerCase()) {
      header.delete(key);
      return value;
    }
  }
  return undefined;
}

function readColumns(lines: Lines, text: string): Column[] {
  const parts = text.split(':');
  const columns: Column[] = [];
  for (let i = 0; i < parts.length; i += 3) {
    const [name, kind, width] = [parts[i], parts[i + 1], Number(parts[i + 2])];
    if (name === '' || !/^[RILS]$/.test(kind ?? '') || !Number.isSafeInteger(width) || width < 1) {
      throw lines.error(
        `Properties has '${parts.slice(i, i + 3).join(':')}'`,
        'Each property is name:kind:columns with the kind R, I, L or S.',
      );
    }
    columns.push({ name, kind: kind as Column['kind'], width });
  }
  const positions = columns.find(({ name }) => isPositions(name));
  if (positions?.width !== 3 || positions.kind !== 'R') {
    throw lines.error(`Properties '${text}' holds no positions`, 'Add pos:R:3.');
  }
  if (!columns.some(isSpecies)) {
    throw lines.error(`Properties '${text}' holds neither species nor numbers`, 'Add species:S:1 or Z:I:1.');
  }
  return columns;
}

const isPositions = (name: string) => name === 'pos' || name === 'positions';
const isSpecies = ({ name, kind, width }: Column) =>
  width === 1 && ((kind === 'S' && SPECIES_NAMES.has(name)) || (kind === 'I' && NUMBER_NAMES.has(name)));

function readLattice(lines: Lines, text: string): Float64Array {
  const values = fields(text.replace(/[[\],]/g, ' ')).map((field) => lines.real(field, 'a component of Lattice'));
  if (values.length === 3) return Float64Array.of(values[0], 0, 0, 0, values[1], 0, 0, 0, values[2]);
  if (values.length === 9) return Float64Array.from(values);
  throw lines.error(`Lattice has ${values.length} numbers`, 'Give the nine components of the three lattice vectors.');
}

function readPbc(lines: Lines, text: string | undefined, hasCell: boolean): Structure['pbc'] {
  if (text === undefined) return [hasCell, hasCell, hasCell];
  const parts = fields(text.replace(/[[\],]/g, ' '));
  const [x, y, z] = (parts.length === 1 ? [parts[0], parts[0], parts[0]] : parts).map((part) =>
    part === '1' ? true : part === '0' ? false : parseLogical(part),
  );
  if ((parts.length !== 3 && parts.length !== 1) || x === undefined || y === undefined || z === undefined) {
    throw lines.error(`pbc is '${text}'`, 'Give three of T and F.');
  }
  return [x, y, z];
}

function readAtoms(lines: Lines, count: number, columns: readonly Column[]) {
  const width = columns.reduce((sum, column) => sum + column.width, 0);
  const numbers: number[] = [];
  const values = columns.map((): (number | boolean | string)[] => []);
  const species = columns.findIndex(isSpecies);
  for (let atom = 0; atom < count; atom++) {
    const row = fields(lines.need(`atom ${atom} of ${count}`));
    if (row.length < width)
      throw lines.error(`${row.length} columns where ${width} were promised`, 'Complete the line.');
    let at = 0;
    for (const [index, column] of columns.entries()) {
      for (let k = 0; k < column.width; k++) {
        const field = row[at++]!;
        if (index === species) numbers.push(readElement(lines, field));
        else values[index].push(readValue(lines, column, field));
      }
    }
  }
  const arrays: Record<string, AtomArray> = {};
  let positions = new Float64Array();
  for (const [index, column] of columns.entries()) {
    const data = values[index];
    if (isPositions(column.name)) positions = Float64Array.from(data as number[]);
    else if (index !== species) arrays[column.name] = toArray(column, data);
  }
  return { numbers: Int32Array.from(numbers), positions, arrays };
}

function readElement(lines: Lines, field: string): number {
  const number = elementOf(field);
  if (number === undefined)
    throw lines.error(`'${field}' is no element`, 'Write a chemical symbol or an atomic number.');
  return number;
}

function readValue(lines: Lines, { name, kind }: Column, field: string): number | boolean | string {
  if (kind === 'R') return lines.real(field, name);
  if (kind === 'I') return lines.integer(field, name);
  if (kind === 'S') return field;
  const value = parseLogical(field);
  if (value === undefined) throw lines.error(`${name} is '${field}'`, 'Write T or F.');
  return value;
}

function toArray({ kind, width }: Column, data: (number | boolean | string)[]): AtomArray {
  if (kind === 'S') return { kind: 'string', columns: width, data: data as string[] };
  if (kind === 'L') return { kind: 'logical', columns: width, data: data as boolean[] };
  return { kind: kind === 'R' ? 'real' : 'integer', columns: width, data: Float64Array.from(data as number[]) };
}

const KIND = { real: 'R', integer: 'I', logical: 'L', string: 'S' } as const;

/** One frame of extended XYZ. Reading it gives the same values back, to the last bit. */
export function formatExtxyz(structure: Structure): string {
  const { numbers, positions, cell, pbc, info, arrays } = structure;
  const extra = Object.entries(arrays);
  const properties = [PLAIN, ...extra.map(([name, array]) => `${name}:${KIND[array.kind]}:${array.columns}`)];
  const header = [
    ...(cell ? [`Lattice="${[...cell].join(' ')}"`] : []),
    `Properties=${properties.join(':')}`,
    ...Object.entries(info).map(([key, value]) => formatInfo(key, value)),
    `pbc="${pbc.map((periodic) => (periodic ? 'T' : 'F')).join(' ')}"`,
  ];
  const rows = Array.from(numbers, (number, i) => {
    const row = [symbolOf(number), ...positions.subarray(3 * i, 3 * i + 3)];
    for (const [, { columns, data }] of extra) {
      const values = data.slice(columns * i, columns * (i + 1));
      row.push(
        ...Array.from<number | boolean | string>(values).map((value) =>
          typeof value === 'boolean' ? (value ? 'T' : 'F') : value,
        ),
      );
    }
    return row.join(' ');
  });
  return `${[numbers.length, header.join(' '), ...rows].join('\n')}\n`;
}
