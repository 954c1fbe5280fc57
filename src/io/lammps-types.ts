import { MAX_NUMBER, massOf } from '../elements.ts';
import type { Lines } from './lines.ts';
import { elementOf } from './structure.ts';

/** One line of a section, kept with its number for messages. */
export interface Row {
  readonly line: number;
  readonly fields: readonly string[];
  /** What follows a `#`. */
  readonly comment: string;
}

/** Two masses closer than this mean the same element, amu: rounding is less, neighbours in the table differ by more. */
const MASS_TOLERANCE = 0.1;

/**
 * The element of each atom type: given ones first, then type labels that are symbols, symbols in the comments of Masses,
 * and the masses themselves.
 * @returns a function from a type, number or label, to its atomic number; throws E_FILE at the line read last
 */
export function readElements(
  lines: Lines,
  types: number,
  given: readonly string[] | undefined,
  sections: ReadonlyMap<string, { readonly rows: readonly Row[] }>,
): (type: string) => number {
  const labels = new Map(
    (sections.get('Atom Type Labels')?.rows ?? []).map(({ fields: [type, label] }) => [label, type]),
  );
  const number = (type: string) => labels.get(type) ?? type;
  const masses = new Map((sections.get('Masses')?.rows ?? []).map((row) => [number(row.fields[0]), row]));
  const labelOf = new Map([...labels].map(([label, type]) => [type, label]));
  const known = new Map<string, number>();

  const find = (type: string): number => {
    if (!/^\d+$/.test(type) || Number(type) < 1 || Number(type) > types) {
      throw lines.error(`the atom type '${type}' is not among the ${types} of the header`, 'Correct that field.');
    }
    const mass = masses.get(type);
    const named = given?.[Number(type) - 1] ?? labelOf.get(type);
    const element =
      elementOf(named ?? '') ?? elementOf(mass?.comment.split(/\s+/)[0] ?? '') ?? byMass(Number(mass?.fields[1]));
    if (element !== undefined) return element;
    throw lines.error(
      `the element of atom type ${type} cannot be told ${mass ? `from its mass ${mass.fields[1]}` : 'without a mass'}`,
      'Add a Masses section with the symbols behind a #, or Atom Type Labels.',
    );
  };
  return (type) => {
    const key = number(type);
    const element = known.get(key) ?? find(key);
    known.set(key, element);
    return element;
  };
}

function byMass(mass: number): number | undefined {
  const all = Array.from({ length: MAX_NUMBER }, (_, i) => i + 1);
  const distance = (z: number) => Math.abs((massOf(z) ?? Infinity) - mass);
  const [best] = all.filter((z) => distance(z) < MASS_TOLERANCE).sort((a, b) => distance(a) - distance(b));
  return best;
}
