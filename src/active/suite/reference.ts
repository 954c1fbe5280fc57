/** What a measurement compares with: files of labelled structures, and tables. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { frameOf } from '../../dataset/structures.ts';
import { type Rule, refuse, text } from '../../dynamics/input/rules.ts';
import type { System } from '../../engine/potential.ts';
import { MltsError, systemReason } from '../../errors.ts';
import { readStructures } from '../../io/read.ts';
import { parseFrameIndex } from '../../io/slice.ts';

/** A file that is there: a campaign of days should not end on a name that is wrong. Absolute. */
export const fileRule: Rule<string> = (input) => {
  const file = resolve(text(input));
  return existsSync(file) ? file : refuse(input, 'a file that exists');
};

export interface Labelled {
  readonly system: System;
  /** eV */
  readonly energy: number;
}

/** All frames of a file with their `energy`. @throws MltsError E_FILE where one has none */
export function labelledFrames(file: string): Labelled[] {
  return Array.from(readStructures(file, parseFrameIndex(':')), ({ index, frame }) => {
    const { numbers, positions, cell, pbc, energy } = frameOf(frame);
    if (energy === undefined || !Number.isFinite(energy)) {
      throw new MltsError('E_FILE', `frame ${index} of ${file} has no energy`, 'Give each frame energy=…, in eV.');
    }
    return { system: { numbers, positions, cell, pbc }, energy };
  });
}

/** Columns by name: numbers behind a line of names, separated by commas. */
export interface Table {
  readonly names: readonly string[];
  readonly rows: readonly (readonly number[])[];
}

/** As `mlts analyze … --out FILE.csv` writes it; cells that are no numbers are NaN. @throws MltsError E_FILE */
export function readTable(file: string): Table {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    const what = `${file} cannot be read (${systemReason(cause)})`;
    throw new MltsError('E_FILE', what, 'Put it back, or correct the suite.', { cause });
  }
  const [head = '', ...lines] = content.split(/\r?\n/).filter((line) => line.trim() !== '');
  const names = head.split(',').map((name) => name.trim());
  const rows = lines.map((line, i) => {
    const cells = line.split(',');
    if (cells.length !== names.length) {
      const what = `${file}: row ${i + 1} has ${cells.length} cells, the line of names ${names.length}`;
      throw new MltsError('E_FILE', what, 'Write it as `mlts analyze … --out FILE.csv` does.');
    }
    return cells.map((cell) => (cell.trim() === '' ? Number.NaN : Number(cell)));
  });
  return { names, rows };
}
