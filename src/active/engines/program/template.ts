/** Input files from templates: text in which {{atoms}}, {{count}} and {{cell}} stand for the structure. */
import { symbolOf } from '../../../elements.ts';
import type { Structure } from '../../../io/structure.ts';
import { BOHR } from '../../../units.ts';

const row = (values: ArrayLike<number>, scale: number): string =>
  Array.from(values, (x) => (x * scale).toFixed(10)).join(' ');

function atoms({ numbers, positions }: Structure, scale: number): string {
  return Array.from(numbers, (z, i) => `${symbolOf(z)} ${row(positions.subarray(3 * i, 3 * i + 3), scale)}`).join('\n');
}

const cell = ({ cell }: Structure, scale: number): string =>
  [0, 3, 6].map((k) => row(cell!.subarray(k, k + 3), scale)).join('\n');

/** A line an atom: symbol, x, y, z. A line a vector of the cell. */
const PLACES: Readonly<Record<string, (structure: Structure) => string>> = {
  atoms: (structure) => atoms(structure, 1),
  atoms_bohr: (structure) => atoms(structure, 1 / BOHR),
  cell: (structure) => cell(structure, 1),
  cell_bohr: (structure) => cell(structure, 1 / BOHR),
  count: ({ numbers }) => String(numbers.length),
};

export const placeNames: readonly string[] = Object.keys(PLACES);

/** Names between double braces. */
export const placesIn = (template: string): readonly string[] =>
  Array.from(template.matchAll(/\{\{\s*(\w+)\s*\}\}/g), ([, name]) => name);

export const fill = (template: string, structure: Structure): string =>
  template.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => PLACES[name](structure));
