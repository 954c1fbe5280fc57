/**
 * Structures of the benchmark: read from a folder of extended XYZ, or generated. Generated ones are a pure function of
 * their entry in cases.json. Å.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What cases.json says of one generated structure. */
export type Recipe =
  | { kind: 'water'; molecules: [number, number, number] }
  | { kind: 'fcc'; element: string; lattice: number; cells: [number, number, number]; rattle: number }
  | { kind: 'chain'; carbons: number };

export interface Structure {
  name: string;
  path: string;
  symbols: string[];
  /** [n,3] Å */
  positions: Float64Array;
  /** [3,3] Å, absent for a molecule */
  cell?: Float64Array;
}

/** Every `*.xyz` of a folder. Columns species and pos first, as in `Properties=species:S:1:pos:R:3`. */
export function readStructures(folder: string): Structure[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.xyz'));
  return files.sort().map((file) => readStructure(join(folder, file)));
}

export function readStructure(path: string): Structure {
  const [count, comment, ...lines] = readFileSync(path, 'utf8').split('\n');
  const n = Number(count);
  const rows = lines.slice(0, n).map((line) => line.trim().split(/\s+/));
  const positions = Float64Array.from(rows.flatMap((row) => row.slice(1, 4).map(Number)));
  if (!Number.isInteger(n) || positions.length !== 3 * n || !positions.every(Number.isFinite)) {
    throw new Error(`${path} is not an extended XYZ file with ${count} atoms`);
  }
  const lattice = /Lattice="([^"]*)"/.exec(comment)?.[1];
  const structure = { name: basename(path, '.xyz'), path, symbols: rows.map((row) => row[0]), positions };
  return lattice === undefined ? structure : { ...structure, cell: Float64Array.from(lattice.split(/\s+/), Number) };
}

/** Generates a structure and writes it to `folder/name.xyz`. */
export function generate(folder: string, name: string, recipe: Recipe): Structure {
  const path = join(folder, `${name}.xyz`);
  const made = recipe.kind === 'water' ? water(recipe) : recipe.kind === 'fcc' ? fcc(recipe) : chain(recipe);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, extendedXyz(made));
  return { name, path, ...made };
}

type Made = Pick<Structure, 'symbols' | 'positions' | 'cell'>;

function extendedXyz({ symbols, positions, cell }: Made): string {
  const header = cell === undefined ? 'pbc="F F F"' : `Lattice="${[...cell].join(' ')}" pbc="T T T"`;
  const rows = symbols.map(
    (symbol, i) => `${symbol} ${[...positions.subarray(3 * i, 3 * i + 3)].map((x) => x.toFixed(8)).join(' ')}`,
  );
  return `${symbols.length}\nProperties=species:S:1:pos:R:3 ${header}\n${rows.join('\n')}\n`;
}

/** Water of 1 g/cm³ on a simple cubic lattice (3.105 Å), each molecule turned at random. */
function water({ molecules: [a, b, c] }: Extract<Recipe, { kind: 'water' }>): Made {
  const spacing = 3.1049;
  const [bond, half] = [0.9572, (104.52 / 2) * (Math.PI / 180)];
  const shape = [
    0,
    0,
    0,
    bond * Math.sin(half),
    bond * Math.cos(half),
    0,
    -bond * Math.sin(half),
    bond * Math.cos(half),
    0,
  ];
  const random = uniform(1);
  const positions: number[] = [];
  const symbols: string[] = [];
  for (const [i, j, k] of lattice(a, b, c)) {
    const turn = rotation(random);
    const centre = [spacing * (i + 0.5), spacing * (j + 0.5), spacing * (k + 0.5)];
    for (let atom = 0; atom < 3; atom++) {
      const [x, y, z] = shape.slice(3 * atom, 3 * atom + 3);
      for (let axis = 0; axis < 3; axis++) {
        positions.push(centre[axis] + turn[3 * axis] * x + turn[3 * axis + 1] * y + turn[3 * axis + 2] * z);
      }
    }
    symbols.push('O', 'H', 'H');
  }
  const cell = Float64Array.of(a * spacing, 0, 0, 0, b * spacing, 0, 0, 0, c * spacing);
  return { symbols, positions: Float64Array.from(positions), cell };
}

/** Face-centred cubic metal, every coordinate displaced uniformly within ±rattle. */
function fcc({ element, lattice: edge, cells: [a, b, c], rattle }: Extract<Recipe, { kind: 'fcc' }>): Made {
  const random = uniform(2);
  const basis = [0, 0, 0, 0, 0.5, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0];
  const positions: number[] = [];
  for (const corner of lattice(a, b, c)) {
    for (let i = 0; i < basis.length; i++)
      positions.push(edge * (corner[i % 3] + basis[i]) + rattle * (2 * random() - 1));
  }
  const cell = Float64Array.of(a * edge, 0, 0, 0, b * edge, 0, 0, 0, c * edge);
  return {
    symbols: Array.from({ length: positions.length / 3 }, () => element),
    positions: Float64Array.from(positions),
    cell,
  };
}

/** All-trans 1-alkanol: a zigzag of carbons, hydrogens, one OH. C–C 1.53, C–H 1.09, C–O 1.43, O–H 0.96 Å. */
function chain({ carbons }: Extract<Recipe, { kind: 'chain' }>): Made {
  const [step, rise] = [1.53 * Math.sin(0.9948), 1.53 * Math.cos(0.9948)]; // half of 114°
  const symbols: string[] = [];
  const positions: number[] = [];
  const add = (symbol: string, x: number, y: number, z: number) => {
    symbols.push(symbol);
    positions.push(x, y, z);
  };
  for (let i = 0; i < carbons; i++) {
    const [x, side] = [i * step, i % 2 === 0 ? -1 : 1];
    const y = (side * rise) / 2;
    add('C', x, y, 0);
    add('H', x, y + side * 0.63, 0.89);
    add('H', x, y + side * 0.63, -0.89);
    if (i === 0) add('H', x - 0.91, y + 0.6, 0);
    if (i === carbons - 1) {
      add('O', x + 1.2, y - side * 0.78, 0);
      add('H', x + 2.06, y - side * 0.35, 0);
    }
  }
  return { symbols, positions: Float64Array.from(positions) };
}

function* lattice(a: number, b: number, c: number): Generator<[number, number, number]> {
  for (let i = 0; i < a; i++) for (let j = 0; j < b; j++) for (let k = 0; k < c; k++) yield [i, j, k];
}

/** A uniformly distributed rotation matrix from three random numbers (Shoemake, Graphics Gems III, 1992). */
function rotation(random: () => number): number[] {
  const [u, v, w] = [random(), 2 * Math.PI * random(), 2 * Math.PI * random()];
  const [x, y] = [Math.sqrt(1 - u) * Math.sin(v), Math.sqrt(1 - u) * Math.cos(v)];
  const [z, q] = [Math.sqrt(u) * Math.sin(w), Math.sqrt(u) * Math.cos(w)];
  return [
    ...[1 - 2 * (y * y + z * z), 2 * (x * y - z * q), 2 * (x * z + y * q)],
    ...[2 * (x * y + z * q), 1 - 2 * (x * x + z * z), 2 * (y * z - x * q)],
    ...[2 * (x * z - y * q), 2 * (y * z + x * q), 1 - 2 * (x * x + y * y)],
  ];
}

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
