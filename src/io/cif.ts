import parser, { type CifItem, type CifValue } from 'crystcif-parse/lib/parse.js';
import { MltsError } from '../errors.ts';
import { operationsOf, orbit, parseOperation, type SymmetryOperation } from './cif-symmetry.ts';
import type { Lines } from './lines.ts';
import { elementOf, type Structure, toCartesian } from './structure.ts';

/**
 * CIF 1.1, one structure a data block: the asymmetric unit with the listed symmetry operations applied, or with those of the
 * named space group. Sites that are only partly occupied are refused. Source: doi:10.1107/97809553602060000107
 */
export function* readCif(lines: Lines): Generator<Structure> {
  const text: string[] = [];
  for (let line = lines.next(); line !== undefined; line = lines.next()) text.push(line);
  let blocks: ReturnType<typeof parser.parseCif>;
  try {
    blocks = parser.parseCif(text.map(requote).join('\n'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MltsError(
      'E_FILE',
      `${lines.file}: not valid CIF: ${reason}`,
      'Correct the file, or convert it to extended XYZ.',
      { cause },
    );
  }
  for (const [name, items] of Object.entries(blocks)) {
    const block = new Block(lines.file, name, items);
    if (block.has('_atom_site_fract_x')) yield readBlock(block);
  }
}

/** The parser ends a quoted string at the first quote; CIF ends it at a quote before white space. */
const requote = (line: string) =>
  line.replace(/(^|\s)'((?:[^']|'(?!\s|$))*)'(?=\s|$)/g, (whole, space: string, inner: string) =>
    inner.includes("'") ? `${space}"${inner.replaceAll('"', '')}"` : whole,
  );

/** One data block with its tags in lower case, as CIF compares them. */
class Block {
  readonly #where: string;
  readonly #items: Map<string, readonly CifValue[]>;

  constructor(file: string, name: string, items: Readonly<Record<string, CifItem>>) {
    this.#where = `${file}: data_${name}`;
    this.#items = new Map(
      Object.entries(items).map(([tag, item]) => [tag.toLowerCase(), item.type === 'loop' ? item.value : [item.value]]),
    );
  }

  has(tag: string): boolean {
    return this.#items.has(tag);
  }

  error(what: string, remedy: string): MltsError {
    return new MltsError('E_FILE', `${this.#where}: ${what}`, remedy);
  }

  /** Values of the first of these tags that is there. */
  values(...tags: string[]): readonly CifValue[] {
    return this.#items.get(tags.find((tag) => this.has(tag)) ?? '') ?? [];
  }

  /** The one text under any of these tags; unknown (`?`) counts as absent. */
  text(...tags: string[]): string | undefined {
    const [value] = this.values(...tags);
    return value?.text ?? value?.num?.toString();
  }

  reals(tag: string): number[] {
    const values = this.values(tag);
    return values.map((value, i) => {
      if (value.num === undefined || !Number.isFinite(value.num)) {
        const entry = values.length > 1 ? `entry ${i + 1} of ${tag}` : tag;
        throw this.error(`${entry} is ${value.text ?? value.type}, not a number`, 'Correct that value.');
      }
      return value.num;
    });
  }
}

function readBlock(block: Block): Structure {
  const cell = readCell(block);
  const [x, y, z] = ['_atom_site_fract_x', '_atom_site_fract_y', '_atom_site_fract_z'].map((tag) => block.reals(tag));
  const types = block.values('_atom_site_type_symbol', '_atom_site_label');
  if (x.length !== y.length || x.length !== z.length || x.length !== types.length) {
    throw block.error(
      `${types.length} sites with ${x.length}, ${y.length} and ${z.length} coordinates`,
      'Complete the loop of sites.',
    );
  }
  refuseDisorder(block);
  const operations = readOperations(block);
  const numbers: number[] = [];
  const fractions: number[] = [];
  for (const [i, type] of types.entries()) {
    const name = type.text ?? String(type.num);
    // Charges, labels and isotopes follow the symbol: Fe3+, O1, C12A.
    const letters = /^[A-Za-z]{1,2}/.exec(name)?.[0] ?? name;
    const number = /^[DT]$/.test(letters) ? 1 : (elementOf(letters) ?? elementOf(letters.charAt(0)));
    if (number === undefined)
      throw block.error(`'${name}' is no element`, 'Write chemical symbols in _atom_site_type_symbol.');
    for (const image of orbit([x[i], y[i], z[i]], operations)) {
      numbers.push(number);
      fractions.push(...image);
    }
  }
  return {
    numbers: Int32Array.from(numbers),
    positions: toCartesian(fractions, cell),
    cell,
    pbc: [true, true, true],
    info: {},
    arrays: {},
  };
}

function refuseDisorder(block: Block): void {
  for (const [i, occupancy] of block.values('_atom_site_occupancy').entries()) {
    if (occupancy.num !== undefined && occupancy.num < 0.999) {
      const label = block.values('_atom_site_label', '_atom_site_type_symbol')[i]?.text ?? `number ${i + 1}`;
      throw block.error(
        `the site ${label} is occupied by ${occupancy.num}, not 1`,
        'Make an ordered structure of it first.',
      );
    }
  }
}

/** Cell vectors from lengths and angles: a along x, b in the xy plane. */
function readCell(block: Block): Float64Array {
  const parameter = (tag: string) => {
    const [value] = block.reals(tag);
    if (value === undefined || value <= 0)
      throw block.error(`${tag} is ${value ?? 'missing'}`, 'Give all six cell parameters.');
    return value;
  };
  const [a, b, c] = ['a', 'b', 'c'].map((axis) => parameter(`_cell_length_${axis}`));
  const cosines = ['alpha', 'beta', 'gamma'].map((angle) => cosine(parameter(`_cell_angle_${angle}`)));
  const [cosAlpha, cosBeta, cosGamma] = cosines;
  const sinGamma = Math.sqrt(1 - cosGamma * cosGamma);
  const cy = (cosAlpha - cosBeta * cosGamma) / sinGamma;
  const cz = Math.sqrt(1 - cosBeta * cosBeta - cy * cy);
  if (!(cz > 0)) throw block.error('the cell angles enclose no volume', 'Correct _cell_angle_alpha, _beta and _gamma.');
  return Float64Array.of(a, 0, 0, b * cosGamma, b * sinGamma, 0, c * cosBeta, c * cy, c * cz);
}

/** Exact for the right angle, so that orthogonal cells have exact zeros. */
const cosine = (degrees: number) => (degrees === 90 ? 0 : Math.cos((degrees * Math.PI) / 180));

const IDENTITY: SymmetryOperation = { rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1], translation: [0, 0, 0] };

function readOperations(block: Block): readonly SymmetryOperation[] {
  const listed = block.values('_space_group_symop_operation_xyz', '_symmetry_equiv_pos_as_xyz');
  if (listed.length > 0) {
    return listed.map((value) => {
      const operation = parseOperation(value.text ?? '');
      if (!operation) throw block.error(`'${value.text}' is no symmetry operation`, 'Write it like -x+1/2,y,z.');
      return operation;
    });
  }
  const names = {
    hall: block.text('_space_group_name_hall', '_symmetry_space_group_name_hall'),
    hermannMauguin: block.text('_space_group_name_h-m_alt', '_symmetry_space_group_name_h-m', '_space_group_name_h-m'),
    number: Number(block.text('_space_group_it_number', '_symmetry_int_tables_number')) || undefined,
  };
  if (!names.hall && !names.hermannMauguin && !names.number) return [IDENTITY];
  const operations = operationsOf(names);
  if (operations) return operations;
  const name = names.hall ?? names.hermannMauguin ?? names.number;
  throw block.error(`no space group is known as '${name}'`, 'List its operations in _space_group_symop_operation_xyz.');
}
