/** Crystals of the common lattices, and repeats of any cell. */
import type { AtomArray, Structure } from '../../io/structure.ts';
import { toCartesian } from '../../io/structure.ts';

interface Lattice {
  /** Which of the formula's elements sits there (0, 1), and where, fractional. */
  readonly sites: readonly (readonly [species: 0 | 1, x: number, y: number, z: number])[];
  /** Rows of the cell from lattice constants a and c, Å. */
  readonly cell: (a: number, c: number) => readonly number[];
  /** c/a where it is not given; absent for cubic lattices, which have no c. */
  readonly ratio?: number;
}

const cubic = (a: number) => [a, 0, 0, 0, a, 0, 0, 0, a];
const tetragonal = (a: number, c: number) => [a, 0, 0, 0, a, 0, 0, 0, c];
const hexagonal = (a: number, c: number) => [a, 0, 0, -a / 2, (a * Math.sqrt(3)) / 2, 0, 0, 0, c];

const FCC = [
  [0, 0, 0],
  [0, 0.5, 0.5],
  [0.5, 0, 0.5],
  [0.5, 0.5, 0],
] as const;

const on = (species: 0 | 1, [dx, dy, dz]: readonly [number, number, number]): Lattice['sites'] =>
  FCC.map(([x, y, z]) => [species, (x + dx) % 1, (y + dy) % 1, (z + dz) % 1] as const);

const QUARTER = [0.25, 0.25, 0.25] as const;
const IDEAL = Math.sqrt(8 / 3);

/** Conventional cells; hcp and wurtzite primitive. */
const LATTICES = {
  sc: { sites: [[0, 0, 0, 0]], cell: cubic },
  bcc: {
    sites: [
      [0, 0, 0, 0],
      [0, 0.5, 0.5, 0.5],
    ],
    cell: cubic,
  },
  fcc: { sites: on(0, [0, 0, 0]), cell: cubic },
  diamond: { sites: [...on(0, [0, 0, 0]), ...on(0, QUARTER)], cell: cubic },
  hcp: {
    sites: [
      [0, 1 / 3, 2 / 3, 0.25],
      [0, 2 / 3, 1 / 3, 0.75],
    ],
    cell: hexagonal,
    ratio: IDEAL,
  },
  /** β-Sn, A5. */
  betasn: {
    sites: [
      [0, 0, 0, 0],
      [0, 0, 0.5, 0.25],
      [0, 0.5, 0.5, 0.5],
      [0, 0.5, 0, 0.75],
    ],
    cell: tetragonal,
    ratio: 0.5456,
  },
  rocksalt: { sites: [...on(0, [0, 0, 0]), ...on(1, [0.5, 0.5, 0.5])], cell: cubic },
  zincblende: { sites: [...on(0, [0, 0, 0]), ...on(1, QUARTER)], cell: cubic },
  cesiumchloride: {
    sites: [
      [0, 0, 0, 0],
      [1, 0.5, 0.5, 0.5],
    ],
    cell: cubic,
  },
  wurtzite: {
    sites: [
      [0, 1 / 3, 2 / 3, 0],
      [0, 2 / 3, 1 / 3, 0.5],
      [1, 1 / 3, 2 / 3, 0.375],
      [1, 2 / 3, 1 / 3, 0.875],
    ],
    cell: hexagonal,
    ratio: IDEAL,
  },
} as const satisfies Record<string, Lattice>;

export type LatticeName = keyof typeof LATTICES;
export const LATTICE_NAMES = Object.keys(LATTICES) as LatticeName[];

/** How many elements a lattice takes. */
export const speciesOf = (name: LatticeName): number =>
  1 + Math.max(...LATTICES[name].sites.map(([species]) => species));

/** Whether it has a second lattice constant. */
export const hasRatio = (name: LatticeName): boolean => 'ratio' in LATTICES[name];

/**
 * One cell of a crystal.
 * @param numbers atomic numbers, as many as the lattice has species
 * @param a Å @param c Å; default the ideal ratio
 */
export function crystal(name: LatticeName, numbers: readonly number[], a: number, c?: number): Structure {
  const lattice: Lattice = LATTICES[name];
  const cell = Float64Array.from(lattice.cell(a, c ?? a * (lattice.ratio ?? 1)));
  return {
    numbers: Int32Array.from(lattice.sites, ([species]) => numbers[species]),
    positions: toCartesian(
      lattice.sites.flatMap(([, ...site]) => site),
      cell,
    ),
    cell,
    pbc: [true, true, true],
    info: {},
    arrays: {},
  };
}

/** The structure `times` along each cell vector, whole copies one after another. Needs a cell. */
export function repeat(
  structure: Structure & { readonly cell: Float64Array },
  times: readonly [number, number, number],
): Structure {
  const { numbers, positions, cell } = structure;
  const shifts: number[][] = [];
  for (let i = 0; i < times[0]; i++) {
    for (let j = 0; j < times[1]; j++) {
      for (let k = 0; k < times[2]; k++)
        shifts.push([0, 1, 2].map((x) => i * cell[x] + j * cell[3 + x] + k * cell[6 + x]));
    }
  }
  const copies = shifts.length;
  const all = new Float64Array(positions.length * copies);
  for (const [copy, shift] of shifts.entries()) {
    for (let k = 0; k < positions.length; k++) all[copy * positions.length + k] = positions[k] + shift[k % 3];
  }
  return {
    ...structure,
    numbers: Int32Array.from({ length: numbers.length * copies }, (_, i) => numbers[i % numbers.length]),
    positions: all,
    cell: cell.map((component, k) => times[Math.floor(k / 3)] * component),
    arrays: Object.fromEntries(Object.entries(structure.arrays).map(([name, array]) => [name, tiled(array, copies)])),
  };
}

function tiled(array: AtomArray, copies: number): AtomArray {
  const { data } = array;
  const values = <T>(source: ArrayLike<T>) =>
    Array.from({ length: source.length * copies }, (_, i) => source[i % source.length]);
  if (array.kind === 'string') return { ...array, data: values(array.data) };
  if (array.kind === 'logical') return { ...array, data: values(array.data) };
  return { ...array, data: Float64Array.from(values(data as Float64Array)) };
}
