import { createRequire } from 'node:module';

/** x' = R·x + t in fractional coordinates. */
export interface SymmetryOperation {
  /** [3,3] row-major */
  readonly rotation: readonly number[];
  readonly translation: readonly number[];
}

/** Reads `x,y,z`, `-x+1/2, y, 0.25-z`, `y-x,…` in any case; undefined where it is none of these. */
export function parseOperation(text: string): SymmetryOperation | undefined {
  const rows = text.toLowerCase().replace(/\s+/g, '').split(',');
  if (rows.length !== 3) return undefined;
  const rotation: number[] = [];
  const translation: number[] = [];
  for (const row of rows) {
    const terms = row.match(/[+-]?[^+-]+/g) ?? [];
    if (terms.length === 0 || terms.join('') !== row) return undefined;
    const factors = [0, 0, 0];
    let shift = 0;
    for (const term of terms) {
      const match = /^([+-]?)(?:([xyz])|(\d*\.?\d+|\d+\.)(?:\/(\d+))?)$/.exec(term);
      if (!match) return undefined;
      const sign = match[1] === '-' ? -1 : 1;
      if (match[2]) factors['xyz'.indexOf(match[2])] += sign;
      else shift += (sign * Number(match[3])) / Number(match[4] ?? 1);
    }
    rotation.push(...factors);
    translation.push(shift);
  }
  return { rotation, translation };
}

/** One of the 530 settings of the table in crystcif-parse, which is spglib's. */
interface Setting {
  readonly number: number;
  readonly choice: string;
  readonly hall_symbol: string;
  readonly international: string;
  readonly international_short: string;
  readonly international_full: string;
  readonly rotations: readonly (readonly (readonly number[])[])[];
  readonly translations: readonly (readonly number[])[];
}

/** How a file names its space group where it does not list the operations. */
export interface SpaceGroupNames {
  readonly hall: string | undefined;
  /** Hermann–Mauguin, full or short, with or without spaces and `:choice`. */
  readonly hermannMauguin: string | undefined;
  readonly number: number | undefined;
}

/**
 * The operations of a named space group: by Hall symbol, else by Hermann–Mauguin symbol, else by number (first setting of
 * the table: hexagonal axes, origin choice 1). Undefined where the table holds no such group.
 */
export function operationsOf(names: SpaceGroupNames): SymmetryOperation[] | undefined {
  const table: Record<string, Setting> = createRequire(import.meta.url)('crystcif-parse/data/symmetry.json');
  const settings = Object.values(table);
  const plain = (text: string) => text.replace(/[\s_"']/g, '');
  const hall = names.hall && plain(names.hall);
  const [symbol, choice] = plain(names.hermannMauguin ?? '').split(':');
  const setting =
    settings.find((entry) => hall && plain(entry.hall_symbol) === hall) ??
    settings.find((entry) => {
      const symbols = [entry.international, entry.international_short, entry.international_full].flatMap((name) =>
        name.split('='),
      );
      return (
        symbol &&
        symbols.some((name) => plain(name) === symbol) &&
        (!choice || entry.choice.toLowerCase() === choice.toLowerCase())
      );
    }) ??
    settings.find((entry) => !symbol && entry.number === names.number);
  return setting?.rotations.map((rotation, i) => ({ rotation: rotation.flat(), translation: setting.translations[i] }));
}

/** Two images of a site closer than this in fractional coordinates are one atom: coordinates are often rounded to 4 digits. */
const SAME_SITE = 1e-3;

/** All images of a site in the unit cell, each once, in [0,1). @param site fractional [3] */
export function orbit(site: readonly number[], operations: readonly SymmetryOperation[]): number[][] {
  const images: number[][] = [];
  for (const { rotation, translation } of operations) {
    const image = [0, 3, 6].map((row, k) =>
      wrap(rotation[row] * site[0] + rotation[row + 1] * site[1] + rotation[row + 2] * site[2] + translation[k]),
    );
    if (!images.some((other) => other.every((x, k) => Math.abs(nearestImage(x - image[k])) < SAME_SITE)))
      images.push(image);
  }
  return images;
}

const wrap = (x: number) => {
  const inside = x - Math.floor(x);
  return inside === 1 ? 0 : inside;
};
const nearestImage = (d: number) => d - Math.round(d);
