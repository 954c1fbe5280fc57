import { basename, extname } from 'node:path';
import { readCif } from './cif.ts';
import { readXyz } from './extxyz.ts';
import { readLammpsData } from './lammps-data.ts';
import { type Lines, openLines } from './lines.ts';
import { readPoscar } from './poscar.ts';
import { type FrameIndex, type Numbered, selectFrames } from './slice.ts';
import type { Structure } from './structure.ts';

type Reader = (lines: Lines) => Generator<Structure>;

const BY_EXTENSION: Readonly<Record<string, Reader>> = {
  ...{ '.xyz': readXyz, '.extxyz': readXyz, '.cif': readCif, '.vasp': readPoscar, '.poscar': readPoscar },
  ...{ '.data': readLammpsData, '.lmp': readLammpsData, '.lammps': readLammpsData },
};

/**
 * The selected frames of a structure file, one at a time. The name tells the format (.xyz .extxyz .cif .data .lmp .vasp,
 * POSCAR…, data.…), else the first lines do.
 * @throws MltsError E_FILE with file and line where it cannot be read
 */
export function readStructures(file: string, index: FrameIndex): Generator<Numbered<Structure>> {
  return selectFrames(frames(file), index, file);
}

function frames(file: string): Generator<Structure> {
  return (byName(file) ?? byContent(file))(openLines(file));
}

function byName(file: string): Reader | undefined {
  const name = basename(file).toLowerCase();
  if (/^(poscar|contcar)/.test(name)) return readPoscar;
  return BY_EXTENSION[extname(name)] ?? (name.startsWith('data.') ? readLammpsData : undefined);
}

function byContent(file: string): Reader {
  const lines = openLines(file);
  const head: string[] = [];
  for (let line = lines.next(); line !== undefined && head.length < 40; line = lines.next()) head.push(line);
  if (/^\s*\d+\s*$/.test(head[0] ?? '') && head.length > 1) return readXyz;
  if (head.some((line) => /^data_/i.test(line))) return readCif;
  if (head.some((line) => /^\s*\d+\s+atoms\s*(#|$)/.test(line))) return readLammpsData;
  if (head.length >= 8 && /^\s*[-+.\dEe]+(\s+[-+.\dEe]+){0,2}\s*$/.test(head[1])) return readPoscar;
  lines.number = 1;
  throw lines.error('the format is not recognised', 'Name the file .xyz, .extxyz, .cif, .data, .vasp or POSCAR.');
}
