import { numberOf } from '../elements.ts';

/** A value of a frame's header: extended XYZ knows scalars and flat lists. */
export type InfoValue = string | number | boolean | readonly number[] | readonly string[] | readonly boolean[];

/** One per-atom property, [natoms, columns] row-major. */
export type AtomArray =
  | { readonly kind: 'real' | 'integer'; readonly columns: number; readonly data: Float64Array }
  | { readonly kind: 'logical'; readonly columns: number; readonly data: readonly boolean[] }
  | { readonly kind: 'string'; readonly columns: number; readonly data: readonly string[] };

/** What every reader of src/io makes of a frame, and what every writer takes. Å; energies and forces as the file has them. */
export interface Structure {
  /** [n] atomic numbers. */
  readonly numbers: Int32Array;
  /** [n,3] Å, row-major. */
  readonly positions: Float64Array;
  /** [3,3] Å, rows are lattice vectors; absent where the file has none. */
  readonly cell?: Float64Array | undefined;
  readonly pbc: readonly [boolean, boolean, boolean];
  /** Values of the whole frame: energy, config_type … */
  readonly info: Readonly<Record<string, InfoValue>>;
  /** Further values per atom: forces, charges … */
  readonly arrays: Readonly<Record<string, AtomArray>>;
}

/** Volume of a cell, Å³; negative where it is left-handed. */
export function volumeOf(cell: ArrayLike<number>): number {
  return (
    cell[0] * (cell[4] * cell[8] - cell[5] * cell[7]) -
    cell[1] * (cell[3] * cell[8] - cell[5] * cell[6]) +
    cell[2] * (cell[3] * cell[7] - cell[4] * cell[6])
  );
}

/** Atomic number of an element as files write it: `Cl`, `CL`, `cl` or `17`; undefined where it is none. */
export function elementOf(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) > 0 && Number(text) <= 118 ? Number(text) : undefined;
  return numberOf(text.charAt(0).toUpperCase() + text.slice(1).toLowerCase());
}

/** Cartesian positions of fractional ones: r = s·cell. @param fractions [n,3] @param cell [3,3] */
export function toCartesian(fractions: ArrayLike<number>, cell: ArrayLike<number>): Float64Array {
  const positions = new Float64Array(fractions.length);
  for (let i = 0; i < fractions.length; i += 3) {
    for (let k = 0; k < 3; k++) {
      positions[i + k] = fractions[i] * cell[k] + fractions[i + 1] * cell[3 + k] + fractions[i + 2] * cell[6 + k];
    }
  }
  return positions;
}
