import { basename, extname } from 'node:path';
import { readCif } from './cif.ts';
import { readDcd } from './dcd.ts';
import { readXyz } from './extxyz.ts';
import { readLammpsData } from './lammps-data.ts';
import { readLammpsDump } from './lammps-dump.ts';
import { type Lines, openLines } from './lines.ts';
import { readPoscar } from './poscar.ts';
import { type FrameIndex, type Numbered, selectFrames } from './slice.ts';
import type { Structure } from './structure.ts';

type Reader = (lines: Lines) => Generator<Structure>;

const BY_EXTENSION: Readonly<Record<string, Reader>> = {
  ...{ '.xyz': readXyz, '.extxyz': readXyz, '.cif': readCif, '.vasp': readPoscar, '.poscar': readPoscar },
  ...{ '.data': readLammpsData, '.lmp': readLammpsData, '.lammps': readLammpsData },
  ...{ '.dump': readLammpsDump, '.lammpstrj': readLammpsDump },
};

/**
 * The selected frames of a structure file, one at a time. The name tells the format (.xyz .extxyz .cif .data .lmp .vasp .dump
 * .lammpstrj .dcd, POSCAR…, data.…), else the first lines do.
 * @param numbers atomic numbers for formats that hold none: DCD, and LAMMPS dumps without elements
 * @throws MltsError E_FILE with file and line where it cannot be read
 */
export function readStructures(file: string, index: FrameIndex, numbers?: Int32Array): Generator<Numbered<Structure>> {
  return selectFrames(frames(file, numbers), index, file);
}

function frames(file: string, numbers: Int32Array | undefined): Generator<Structure> {
  if (extname(file).toLowerCase() === '.dcd') return readDcd(file, numbers);
  const reader = byName(file) ?? byContent(file);
  return reader === readLammpsDump ? readLammpsDump(openLines(file), numbers) : reader(openLines(file));
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
  if (head[0]?.startsWith('ITEM: ')) return readLammpsDump;
  if (head.some((line) => /^data_/i.test(line))) return readCif;
  if (head.some((line) => /^\s*\d+\s+atoms\s*(#|$)/.test(line))) return readLammpsData;
  if (head.length >= 8 && /^\s*[-+.\dEe]+(\s+[-+.\dEe]+){0,2}\s*$/.test(head[1])) return readPoscar;
  lines.number = 1;
  throw lines.error(
    'the format is not recognised',
    'Name the file .xyz, .extxyz, .cif, .data, .dump, .dcd, .vasp or POSCAR.',
  );
}
