/** Crystals cut along a plane. */

import { product } from '../dynamics/minimise/coordinates.ts';
import { determinant, inverse } from '../engine/cell.ts';
import type { System } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';

export type Miller = readonly [number, number, number];
export type Crystal = System & { readonly cell: Float64Array };

/** A crystal in layers along z. */
export interface Oriented {
  /** First two vectors in the plane, the first along x; the third leads to the next repeat. */
  readonly crystal: Crystal;
  /** Distance of repeats along the normal, Å. */
  readonly spacing: number;
  /** Å² of the plane. */
  readonly area: number;
  /** Turns Cartesian rows of the given crystal: v' = v·rotation. [3,3] */
  readonly rotation: Float64Array;
}

/**
 * The same crystal with (hkl) of its cell perpendicular to z, cut where the gap between atomic layers is widest.
 * The new vectors u, v, w are integer ones of the primitive lattice with u × v = (hkl) and w·(hkl) = 1, as short as there are.
 * @throws MltsError E_USAGE for (000)
 */
export function orient(crystal: Crystal, miller: Miller): Oriented {
  if (miller.every((index) => index === 0))
    throw new MltsError('E_USAGE', 'there is no plane (000)', 'Give three Miller indices.');
  const primitive = primitiveCell(crystal);
  // Miller indices are covariant: those of the primitive vectors are the sums that make these of the old ones.
  const change = product(primitive.cell, inverse(crystal.cell));
  const [h, k, l] = coprime(
    [0, 1, 2].map((row) => miller.reduce((sum, index, x) => sum + change[3 * row + x] * index, 0)),
  );
  const [u, v, w] = basis(primitive.cell, [h, k, l]);
  const cell = Float64Array.from([...u, ...v, ...w]);
  const tilted = product(cell, primitive.cell);
  const rotation = frame(tilted);
  const turned = product(tilted, rotation);
  for (const zero of [1, 2, 5]) turned[zero] = 0;
  const area = turned[0] * turned[4];
  const fractions = product(product(primitive.positions, rotation), inverse(turned));
  return {
    crystal: {
      ...primitive,
      cell: turned,
      positions: product(cutAtWidestGap(fractions), turned),
      pbc: [true, true, true],
    },
    spacing: turned[8],
    area,
    rotation,
  };
}

/** A slab of `repeats` along z, as thick as it is, and `vacuum` Å above it that does not repeat. */
export function slab({ crystal, spacing }: Oriented, repeats: number, vacuum: number): Crystal {
  const n = crystal.numbers.length;
  const positions = new Float64Array(3 * n * repeats);
  for (let r = 0; r < repeats; r++) {
    for (let i = 0; i < 3 * n; i++) positions[3 * n * r + i] = crystal.positions[i] + r * crystal.cell[6 + (i % 3)];
  }
  const cell = crystal.cell.slice();
  cell.set([0, 0, repeats * spacing + vacuum], 6);
  return {
    numbers: Int32Array.from({ length: n * repeats }, (_, i) => crystal.numbers[i % n]),
    positions,
    cell,
    pbc: [true, true, false],
  };
}

const MATCH = 1e-3;

/** One primitive cell of a crystal: the shortest translations that carry every atom onto one of its kind. */
export function primitiveCell(crystal: Crystal): Crystal {
  const { numbers, positions, cell } = crystal;
  const s = product(positions, inverse(cell));
  const isSame = (d: number) => Math.abs(d - Math.round(d)) < MATCH;
  const translations: number[][] = [];
  for (let j = 0; j < numbers.length; j++) {
    const t = [0, 1, 2].map((k) => s[3 * j + k] - s[k]);
    const carries = Array.from(numbers, (number, i) => {
      for (let m = 0; m < numbers.length; m++) {
        if (numbers[m] === number && [0, 1, 2].every((k) => isSame(s[3 * i + k] + t[k] - s[3 * m + k]))) return true;
      }
      return false;
    });
    if (carries.every(Boolean)) translations.push(t.map((x) => x - Math.round(x)));
  }
  const copies = translations.length;
  if (copies === 1) return crystal;
  // The lattice is that of the translations and the old vectors; three short ones that span the right volume are a basis.
  const candidates: Float64Array[] = [];
  for (const t of translations) {
    for (const [a, b, c] of box(1)) candidates.push(product([t[0] + a, t[1] + b, t[2] + c], cell));
  }
  const length = (x: Float64Array) => Math.hypot(...x);
  const short = candidates.filter((x) => length(x) > MATCH).sort((x, y) => length(x) - length(y));
  const wanted = determinant(cell) / copies;
  for (let c = 2; c < short.length; c++) {
    for (let b = 1; b < c; b++) {
      for (let a = 0; a < b; a++) {
        const vectors = Float64Array.from([...short[a], ...short[b], ...short[c]]);
        const volume = determinant(vectors);
        if (Math.abs(Math.abs(volume) - wanted) > 1e-3 * wanted) continue;
        if (volume < 0) for (let k = 6; k < 9; k++) vectors[k] = -vectors[k];
        return distinct(crystal, vectors);
      }
    }
  }
  throw new MltsError('E_CELL', 'no primitive cell is found', 'Give the primitive cell itself.');
}

/** The atoms that differ in a smaller cell. */
function distinct({ numbers, positions }: Crystal, cell: Float64Array): Crystal {
  const s = product(positions, inverse(cell)).map((x) => x - Math.floor(x + MATCH));
  const kept: number[] = [];
  for (let i = 0; i < numbers.length; i++) {
    const isNew = kept.every((j) => {
      return [0, 1, 2].some(
        (k) => Math.abs(s[3 * i + k] - s[3 * j + k] - Math.round(s[3 * i + k] - s[3 * j + k])) > MATCH,
      );
    });
    if (isNew) kept.push(i);
  }
  return {
    numbers: Int32Array.from(kept, (i) => numbers[i]),
    positions: product(
      kept.flatMap((i) => [...s.subarray(3 * i, 3 * i + 3)]),
      cell,
    ),
    cell,
    pbc: [true, true, true],
  };
}

function coprime(indices: readonly number[]): number[] {
  // Primitive vectors are fractions of the old ones, so these may be too.
  for (let factor = 1; factor <= 48; factor++) {
    const scaled = indices.map((index) => index * factor);
    if (scaled.some((index) => Math.abs(index - Math.round(index)) > MATCH)) continue;
    const whole = scaled.map(Math.round);
    const divisor = whole.reduce((a, b) => gcd(Math.abs(a), Math.abs(b)), 0);
    return whole.map((index) => index / divisor);
  }
  throw new MltsError('E_USAGE', 'these are no Miller indices of a lattice plane', 'Give whole numbers.');
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Whole vectors u, v in the plane and w to the next one, of determinant 1. */
function basis(cell: Float64Array, [h, k, l]: readonly number[]): [number[], number[], number[]] {
  const reach = Math.max(2, Math.abs(h), Math.abs(k), Math.abs(l)) + 1;
  const length = (m: readonly number[]) => Math.hypot(...product(m, cell));
  const all = box(reach)
    .filter((m) => m.some((x) => x !== 0))
    .sort((m, other) => length(m) - length(other));
  const level = (m: readonly number[]) => m[0] * h + m[1] * k + m[2] * l;
  const inPlane = all.filter((m) => level(m) === 0);
  for (let j = 1; j < inPlane.length; j++) {
    for (let i = 0; i < j; i++) {
      const [p, q] = [inPlane[i], inPlane[j]];
      const cross = [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]];
      const next = all.find((m) => level(m) === 1);
      if (next && cross.every((x, at) => x === [h, k, l][at])) return [p, q, next];
      if (next && cross.every((x, at) => x === -[h, k, l][at])) return [q, p, next];
    }
  }
  throw new MltsError('E_USAGE', `the plane (${h} ${k} ${l}) has no short vectors`, 'Choose smaller Miller indices.');
}

function box(reach: number): [number, number, number][] {
  const range = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);
  return range.flatMap((a) => range.flatMap((b) => range.map((c): [number, number, number] => [a, b, c])));
}

/** Columns are the axes: x along the first row of a cell, z normal to the first two. */
function frame(cell: Float64Array): Float64Array {
  const unit = (v: readonly number[]) => v.map((x) => x / Math.hypot(...v));
  const cross = (a: readonly number[], b: readonly number[]) => [
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0],
  ];
  const x = unit([...cell.subarray(0, 3)]);
  const z = unit(cross(x, [...cell.subarray(3, 6)]));
  const y = cross(z, x);
  return Float64Array.from([0, 1, 2].flatMap((k) => [x[k], y[k], z[k]]));
}

/** Fractional positions moved along the third vector, so that the widest gap between layers lies at the cell's border. */
function cutAtWidestGap(fractions: Float64Array): Float64Array {
  const heights = [...fractions.filter((_, k) => k % 3 === 2)].map((z) => z - Math.floor(z)).sort((a, b) => a - b);
  let [widest, cut] = [-1, 0];
  for (const [i, z] of heights.entries()) {
    const gap = (i + 1 < heights.length ? heights[i + 1] : heights[0] + 1) - z;
    if (gap > widest + 1e-6) [widest, cut] = [gap, z + gap / 2];
  }
  return fractions.map((x, k) => (k % 3 === 2 ? x - cut - Math.floor(x - cut) : x));
}
