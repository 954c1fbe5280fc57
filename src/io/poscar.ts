import { symbolOf } from '../elements.ts';
import { fields, type Lines } from './lines.ts';
import { type AtomArray, elementOf, type Structure, toCartesian, volumeOf } from './structure.ts';

/**
 * POSCAR and CONTCAR of VASP 4 (elements in the comment line) and 5 (a line of symbols): scale factors, also one a
 * direction; a negative one is the cell's volume; selective dynamics; direct and Cartesian coordinates. What follows the
 * positions is left alone. Source: https://www.vasp.at/wiki/index.php/POSCAR
 */
export function* readPoscar(lines: Lines): Generator<Structure> {
  const comment = lines.need('a comment line');
  const scale = fields(lines.need('the scale factor')).map((field) => lines.real(field, 'the scale factor'));
  if (
    (scale.length !== 1 && scale.length !== 3) ||
    scale.includes(0) ||
    (scale.length === 3 && Math.min(...scale) < 0)
  ) {
    throw lines.error(
      `the scale factor is '${scale.join(' ')}'`,
      'Give one number other than 0, or three positive ones.',
    );
  }
  const vectors = ['first', 'second', 'third'].flatMap((which) =>
    vector(lines, lines.need(`the ${which} lattice vector`), 'a lattice vector'),
  );
  const factors = scaleFactors(scale, vectors);
  const cell = Float64Array.from(vectors, (value, i) => value * factors[i % 3]);
  const numbers = readSpecies(lines, comment);

  let mode = lines.need('Direct or Cartesian');
  const selective = /^\s*s/i.test(mode);
  if (selective) mode = lines.need('Direct or Cartesian');
  const coordinates = new Float64Array(3 * numbers.length);
  const free: boolean[] = [];
  for (let atom = 0; atom < numbers.length; atom++) {
    const line = lines.need(`atom ${atom} of ${numbers.length}`);
    coordinates.set(vector(lines, line, 'a coordinate'), 3 * atom);
    if (selective) free.push(...readFlags(lines, line));
  }
  const cartesian = /^\s*[ck]/i.test(mode);
  const positions = cartesian ? coordinates.map((value, i) => value * factors[i % 3]) : toCartesian(coordinates, cell);
  const arrays: Record<string, AtomArray> = selective ? { selective: { kind: 'logical', columns: 3, data: free } } : {};
  const info: Structure['info'] = comment.trim() === '' ? {} : { comment: comment.trim() };
  yield { numbers, positions, cell, pbc: [true, true, true], info, arrays };
}

function scaleFactors(scale: readonly number[], vectors: readonly number[]): readonly number[] {
  if (scale.length === 3) return scale;
  const factor = scale[0] > 0 ? scale[0] : Math.cbrt(-scale[0] / Math.abs(volumeOf(vectors)));
  return [factor, factor, factor];
}

function vector(lines: Lines, line: string, what: string): number[] {
  const parts = fields(line);
  return [0, 1, 2].map((k) => lines.real(parts[k], what));
}

function readFlags(lines: Lines, line: string): boolean[] {
  return fields(line)
    .slice(3, 6)
    .concat(['', '', ''])
    .slice(0, 3)
    .map((flag) => {
      if (/^\.?t/i.test(flag)) return true;
      if (/^\.?f/i.test(flag)) return false;
      throw lines.error(`the selective-dynamics flag is '${flag}'`, 'Write three of T and F behind each position.');
    });
}

/** The element line of VASP 5, or VASP 4's bare counts with the elements in the comment line; one number an atom. */
function readSpecies(lines: Lines, comment: string): Int32Array {
  const line = fields(lines.need('the elements'));
  const bare = line.every((field) => /^\d+$/.test(field));
  const symbols = bare ? fields(comment) : line;
  const counts = (bare ? line : fields(lines.need('the number of atoms of each element'))).map((field) =>
    lines.integer(field, 'the number of atoms', 0),
  );
  if (symbols.length < counts.length || (!bare && symbols.length !== counts.length)) {
    throw lines.error(
      `${counts.length} numbers of atoms for the elements '${symbols.join(' ')}'`,
      'Name one element for each.',
    );
  }
  const numbers = counts.flatMap((count, i) => {
    // Potentials are written behind the symbol: Fe_pv, H/8a7b….
    const number = elementOf(symbols[i].replace(/[_/.].*$/, ''));
    if (number === undefined || /^\d/.test(symbols[i])) {
      throw lines.error(
        `'${symbols[i]}' is no element`,
        bare ? 'Name the elements in the comment line.' : 'Write chemical symbols.',
      );
    }
    return Array<number>(count).fill(number);
  });
  return Int32Array.from(numbers);
}

/** A POSCAR of VASP 5, Cartesian, atoms in the given order. Needs a cell. */
export function formatPoscar(structure: Structure & { cell: Float64Array }): string {
  const { numbers, positions, cell } = structure;
  const runs: { symbol: string; count: number }[] = [];
  for (const number of numbers) {
    const symbol = symbolOf(number);
    const last = runs.at(-1);
    if (last?.symbol === symbol) last.count++;
    else runs.push({ symbol, count: 1 });
  }
  const triples = (values: Float64Array) =>
    Array.from({ length: values.length / 3 }, (_, i) => values.subarray(3 * i, 3 * i + 3).join(' '));
  const selective = structure.arrays.selective;
  const flags = selective?.kind === 'logical' ? selective.data : undefined;
  return `${[
    runs.map(({ symbol, count }) => `${symbol}${count}`).join(' '),
    '1.0',
    ...triples(cell),
    runs.map(({ symbol }) => symbol).join(' '),
    runs.map(({ count }) => count).join(' '),
    ...(flags ? ['Selective dynamics'] : []),
    'Cartesian',
    ...triples(positions).map((row, i) =>
      flags
        ? `${row} ${flags
            .slice(3 * i, 3 * i + 3)
            .map((f) => (f ? 'T' : 'F'))
            .join(' ')}`
        : row,
    ),
  ].join('\n')}\n`;
}
