import { type Row, readElements } from './lammps-types.ts';
import { fields, type Lines } from './lines.ts';
import type { Structure } from './structure.ts';

/**
 * LAMMPS data files as `read_data` takes them: atom styles atomic, charge, molecular and full; orthogonal, triclinic and
 * general triclinic boxes; type labels. Image flags, velocities and topology are left alone; atoms come in order of their ids.
 * Source: https://docs.lammps.org/read_data.html
 */

/** Columns before x of each atom style, and where the type stands among them. */
const STYLES = {
  atomic: { before: 2, type: 1 },
  charge: { before: 3, type: 1 },
  molecular: { before: 3, type: 2 },
  full: { before: 4, type: 2 },
} as const;

type Style = keyof typeof STYLES;

const SECTIONS = new Set(
  `Atoms|Velocities|Masses|Ellipsoids|Lines|Triangles|Bodies|Bonds|Angles|Dihedrals|Impropers|Atom Type Labels|Bond Type Labels|
   Angle Type Labels|Dihedral Type Labels|Improper Type Labels|Pair Coeffs|PairIJ Coeffs|Bond Coeffs|Angle Coeffs|
   Dihedral Coeffs|Improper Coeffs|BondBond Coeffs|BondAngle Coeffs|MiddleBondTorsion Coeffs|EndBondTorsion Coeffs|
   AngleTorsion Coeffs|AngleAngleTorsion Coeffs|BondBond13 Coeffs|AngleAngle Coeffs`
    .split('|')
    .map((name) => name.trim()),
);

interface Section {
  readonly hint: string;
  readonly rows: readonly Row[];
}

/**
 * The one structure of a data file.
 * @param elements symbols by atom type; without them type labels, comments of Masses and masses tell the elements
 */
export function* readLammpsData(lines: Lines, elements?: readonly string[]): Generator<Structure> {
  lines.need('the title');
  const header = readHeader(lines);
  const sections = readSections(lines);
  const atoms = sections.get('Atoms');
  if (!atoms) throw lines.error('there is no Atoms section', 'Write the file with write_data.');
  if (atoms.rows.length !== header.atoms) {
    throw lines.error(
      `${atoms.rows.length} atoms in the Atoms section, ${header.atoms} in the header`,
      'The file is incomplete.',
    );
  }
  const style = atomStyle(lines, atoms, header.types);
  const { before, type } = STYLES[style];
  const elementOfType = readElements(lines, header.types, elements, sections);
  const sorted = atoms.rows
    .map((row) => ({ row, id: at(lines, row, () => lines.integer(row.fields[0], 'the atom id', 1)) }))
    .sort((a, b) => a.id - b.id);
  const numbers = Int32Array.from(sorted, ({ row }) => at(lines, row, () => elementOfType(row.fields[type] ?? '')));
  const positions = new Float64Array(3 * sorted.length);
  for (const [i, { row }] of sorted.entries()) {
    for (let k = 0; k < 3; k++) {
      positions[3 * i + k] = at(lines, row, () => lines.real(row.fields[before + k], 'a coordinate'));
    }
  }
  yield { numbers, positions, cell: header.cell, pbc: [true, true, true], info: {}, arrays: {} };
}

/** Runs a check with the line of a row as the place to blame. */
function at<T>(lines: Lines, row: Row, check: () => T): T {
  lines.number = row.line;
  return check();
}

function split(line: string): { text: string; comment: string } {
  const hash = line.indexOf('#');
  return hash < 0
    ? { text: line.trim(), comment: '' }
    : { text: line.slice(0, hash).trim(), comment: line.slice(hash + 1).trim() };
}

interface Header {
  readonly atoms: number;
  readonly types: number;
  readonly cell: Float64Array;
}

function readHeader(lines: Lines): Header {
  const counts = new Map<string, number>();
  const bounds = new Map<string, number[]>();
  for (let line = lines.peek(); line !== undefined && !SECTIONS.has(split(line).text); line = lines.peek()) {
    lines.next();
    const words = fields(split(line).text);
    const numeric = words.findIndex((word) => !/^[+-.\d]/.test(word));
    if (words.length === 0) continue;
    if (numeric <= 0) throw lines.error(`'${line.trim()}' is no line of a header`, 'Write the file with write_data.');
    const key = words.slice(numeric).join(' ');
    const values = words.slice(0, numeric);
    if (values.length === 1) counts.set(key, lines.integer(values[0], key, 0));
    else
      bounds.set(
        key,
        values.map((value) => lines.real(value, key)),
      );
  }
  const atoms = counts.get('atoms');
  const types = counts.get('atom types');
  if (atoms === undefined || types === undefined) {
    throw lines.error(
      `the header does not say how many ${atoms === undefined ? 'atoms' : 'atom types'}`,
      'Write the file with write_data.',
    );
  }
  return { atoms, types, cell: readBox(lines, bounds) };
}

function readBox(lines: Lines, bounds: ReadonlyMap<string, number[]>): Float64Array {
  const vectors = ['avec', 'bvec', 'cvec'].map((name) => bounds.get(name));
  if (vectors.every((vector) => vector?.length === 3))
    return Float64Array.from(vectors.flatMap((vector) => vector ?? []));
  const [x, y, z] = ['xlo xhi', 'ylo yhi', 'zlo zhi'].map((name) => {
    // LAMMPS' own default where the header is silent.
    const [low, high] = bounds.get(name) ?? [-0.5, 0.5];
    if (!(high > low))
      throw lines.error(`the box has ${name} = ${low} ${high}`, 'The upper bound must be the larger one.');
    return high - low;
  });
  const [xy, xz, yz] = bounds.get('xy xz yz') ?? [0, 0, 0];
  return Float64Array.of(x, 0, 0, xy, y, 0, xz, yz, z);
}

function readSections(lines: Lines): Map<string, Section> {
  const sections = new Map<string, { hint: string; rows: Row[] }>();
  let rows: Row[] | undefined;
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    const { text, comment } = split(line);
    if (text === '') continue;
    if (SECTIONS.has(text)) {
      rows = [];
      sections.set(text, { hint: comment, rows });
    } else if (rows) {
      rows.push({ line: lines.number, fields: fields(text), comment });
    }
  }
  return sections;
}

function atomStyle(lines: Lines, { hint, rows }: Section, types: number): Style {
  const named = hint.split(/\s+/)[0];
  if (Object.hasOwn(STYLES, named)) return named as Style;
  if (named !== '')
    throw lines.error(
      `the atom style '${named}' is not read`,
      `Write the data with one of ${Object.keys(STYLES).join(', ')}.`,
    );
  // Without a hint the number of columns decides; three image flags may follow.
  const columns = new Set(rows.map((row) => (row.fields.length > 7 ? row.fields.length - 3 : row.fields.length)));
  const count = columns.size === 1 ? [...columns][0] : rows.length === 0 ? 5 : 0;
  if (count === 5) return 'atomic';
  if (count === 7) return 'full';
  if (count === 6) {
    const third = rows.map((row) => row.fields[2]);
    if (!third.every((field) => /^\d+$/.test(field) && Number(field) >= 1 && Number(field) <= types)) return 'charge';
  }
  throw lines.error(
    'the atom style cannot be told from the columns',
    "Name it behind the section's title: Atoms # charge.",
  );
}
