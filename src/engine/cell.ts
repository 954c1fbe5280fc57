/**
 * Cells: rows are lattice vectors, Å; 3×3 matrices are row-major arrays of nine.
 */

export type Pbc = readonly [boolean, boolean, boolean];

export const NOT_PERIODIC: Pbc = [false, false, false];

export const isPeriodic = (pbc: Pbc | undefined): pbc is Pbc => pbc !== undefined && (pbc[0] || pbc[1] || pbc[2]);

/** Signed volume, Å³: positive where the rows are right-handed. */
export function determinant(m: ArrayLike<number>): number {
  return m[0] * (m[4] * m[8] - m[5] * m[7]) + m[1] * (m[5] * m[6] - m[3] * m[8]) + m[2] * (m[3] * m[7] - m[4] * m[6]);
}

/** Columns are the reciprocal vectors (without 2π): fractional coordinates are positions · inverse. */
export function inverse(m: ArrayLike<number>): Float64Array {
  const d = determinant(m);
  return Float64Array.of(
    (m[4] * m[8] - m[5] * m[7]) / d,
    (m[2] * m[7] - m[1] * m[8]) / d,
    (m[1] * m[5] - m[2] * m[4]) / d,
    (m[5] * m[6] - m[3] * m[8]) / d,
    (m[0] * m[8] - m[2] * m[6]) / d,
    (m[2] * m[3] - m[0] * m[5]) / d,
    (m[3] * m[7] - m[4] * m[6]) / d,
    (m[1] * m[6] - m[0] * m[7]) / d,
    (m[0] * m[4] - m[1] * m[3]) / d,
  );
}

/** Distances between opposite faces, Å: 1/|column k of the inverse|. */
export function heights(cell: ArrayLike<number>): [number, number, number] {
  const r = inverse(cell);
  return [1 / Math.hypot(r[0], r[3], r[6]), 1 / Math.hypot(r[1], r[4], r[7]), 1 / Math.hypot(r[2], r[5], r[8])];
}

/**
 * The cell with its non-periodic rows replaced by unit vectors normal to all other rows, right-handed. Only the
 * periodic rows matter to the images, so this cell describes the same system whatever the other rows were.
 */
export function periodicCell(cell: ArrayLike<number> | undefined, pbc: Pbc): Float64Array {
  const rows = [0, 1, 2].map((k) => (pbc[k] ? [cell![3 * k], cell![3 * k + 1], cell![3 * k + 2]] : undefined));
  const given = rows.filter((row) => row !== undefined);
  if (given.length === 0) return Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  for (let k = 0; k < 3; k++) {
    if (rows[k] !== undefined) continue;
    // With two rows known the third is their product, in cyclic order; with one, any normal will do for the second.
    const next = rows[(k + 1) % 3];
    const after = rows[(k + 2) % 3];
    rows[k] = normalised(next && after ? cross(next, after) : cross(leastAlong(given[0]), given[0]));
  }
  return Float64Array.from(rows.flat() as number[]);
}

/** The axis most nearly normal to a vector. */
function leastAlong(v: readonly number[]): number[] {
  const size = v.map(Math.abs);
  const axis = size.indexOf(Math.min(...size));
  return [0, 1, 2].map((k) => (k === axis ? 1 : 0));
}

const cross = (a: readonly number[], b: readonly number[]): number[] => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

const normalised = (v: readonly number[]): number[] => v.map((x) => x / Math.hypot(...v));
