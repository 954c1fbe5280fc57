/** What a deck of LAMMPS dumped, as structures. */
import { symbolOf } from '../../elements.ts';
import { MltsError } from '../../errors.ts';
import { readLammpsDump } from '../../io/lammps-dump.ts';
import { fields, Lines, openLines } from '../../io/lines.ts';
import type { Structure } from '../../io/structure.ts';

export interface DumpOptions {
  /** Atomic number of each type, for dumps with the column `type` and without `element`. */
  readonly types: readonly number[] | undefined;
  /** At most so many frames, drawn at random from all. */
  readonly count: number;
  readonly random: () => number;
  /** The run was ended by force or by an error, so that its last frame may be torn. */
  readonly isCut: boolean;
}

/**
 * Frames in their order, and how many there are in the file; one frame at a time is in memory beside those drawn.
 * @throws MltsError E_FILE for what cannot be read
 */
export function readUncertain(
  file: string,
  { types, count, random, isCut }: DumpOptions,
): { frames: Structure[]; found: number } {
  const drawn: { at: number; frame: Structure }[] = [];
  let found = 0;
  try {
    const lines = openLines(file);
    for (const frame of readLammpsDump(types ? new Lines(file, withElements(lines, types)) : lines)) {
      // Vitter's algorithm R (doi:10.1145/3147.3165): each frame stays with the same probability.
      const place = found < count ? found : Math.floor(random() * (found + 1));
      if (place < count) drawn[place] = { at: found, frame };
      found++;
    }
  } catch (error) {
    if (!(isCut && error instanceof MltsError)) throw error;
  }
  return { frames: drawn.sort((a, b) => a.at - b.at).map(({ frame }) => frame), found };
}

/** The lines with the column `type` turned into `element`. @throws MltsError E_FILE for a type without an element */
function* withElements(lines: Lines, types: readonly number[]): Generator<string> {
  let column = -1;
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (line.startsWith('ITEM: ')) {
      const names = fields(line).slice(2);
      column = line.startsWith('ITEM: ATOMS') && !names.includes('element') ? names.indexOf('type') : -1;
      yield column < 0 ? line : `ITEM: ATOMS ${names.with(column, 'element').join(' ')}`;
    } else if (column < 0) {
      yield line;
    } else {
      const row = fields(line);
      const number = types[Number(row[column]) - 1];
      if (number === undefined) {
        const what = `atom type '${row[column]}' is none of the ${types.length} in elements`;
        throw lines.error(what, 'Name the element of each type of the deck.');
      }
      yield row.with(column, symbolOf(number)).join(' ');
    }
  }
}
