/** Energy, forces and stress from what a program wrote. */
import type { ProgramSettings, Reading } from './settings.ts';

export interface ProgramAnswer {
  /** eV */
  readonly energy: number;
  /** [n,3] eV/Å */
  readonly forces: Float64Array;
  /** [9] σ, positive where pulled, eV/Å³ */
  readonly stress?: Float64Array | undefined;
}

/**
 * @param textOf the content of a file, or without a name what was said; undefined where there is none
 * @returns the answer, or what is missing
 */
export function readAnswer(
  { energy, forces, stress }: ProgramSettings,
  atoms: number,
  textOf: (file: string | undefined) => string | undefined,
): ProgramAnswer | { readonly missing: string } {
  const values = (reading: Reading, what: string, lines: number, most: number): Float64Array | { missing: string } => {
    const source = reading.file ?? 'what it wrote';
    const text = textOf(reading.file);
    if (text === undefined) return { missing: `there is no file ${source} with ${what}` };
    const found = [...text.matchAll(new RegExp(reading.pattern, 'gm'))].map(([, ...groups]) => groups.map(numberOf));
    // All in one match, or a match a line.
    const numbers = found.slice(found.at(-1)?.length === most ? -1 : -lines).flat();
    if (numbers.length !== most) return { missing: `${source} has ${numbers.length} numbers of ${most} of ${what}` };
    if (!numbers.every(Number.isFinite)) return { missing: `${source} has ${what} that are no finite numbers` };
    return Float64Array.from(numbers, (x) => x * reading.factor);
  };
  const e = values(energy, 'the energy', 1, 1);
  if ('missing' in e) return e;
  const f = values(forces, 'the forces', atoms, 3 * atoms);
  if ('missing' in f) return f;
  const s = stress === undefined ? undefined : values(stress, 'the stress', 3, 9);
  if (s !== undefined && 'missing' in s) return s;
  return { energy: e[0], forces: f, stress: s };
}

/** Fortran writes 1.5D-03. */
const numberOf = (text: string | undefined): number =>
  text === undefined || text.trim() === '' ? Number.NaN : Number(text.replace(/[dD]/, 'e'));
