/** Torsion angles: their value, their gradient, and turning one part of a molecule about a bond. */
import { covalentRadius } from '../dynamics/structures/radii.ts';
import type { System } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';

/** Four atoms i–j–k–l by number from 0; the angle is that about j–k. */
export type Quartet = readonly [number, number, number, number];

type Vector = readonly [number, number, number];

const minus = (x: Float64Array, a: number, b: number): Vector => [
  x[3 * a] - x[3 * b],
  x[3 * a + 1] - x[3 * b + 1],
  x[3 * a + 2] - x[3 * b + 2],
];
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** Radians in (−π, π], IUPAC's sign: positive where the far bond is turned clockwise. @param positions [n,3] Å */
export function dihedral(positions: Float64Array, [i, j, k, l]: Quartet): number {
  const [f, g, h] = [minus(positions, i, j), minus(positions, j, k), minus(positions, l, k)];
  const [a, b] = [cross(f, g), cross(h, g)];
  return Math.atan2(dot(cross(b, a), g) / Math.sqrt(dot(g, g)), dot(a, b));
}

/**
 * ∂φ/∂r of the four atoms, [12] rad/Å, in their order.
 * Source: Blondel and Karplus, doi:10.1002/(SICI)1096-987X(19960715)17:9<1132::AID-JCC5>3.0.CO;2-T, eq. 27
 */
export function dihedralGradient(positions: Float64Array, [i, j, k, l]: Quartet): number[] {
  const [f, g, h] = [minus(positions, i, j), minus(positions, j, k), minus(positions, l, k)];
  const [a, b] = [cross(f, g), cross(h, g)];
  const size = Math.sqrt(dot(g, g));
  const [aa, bb] = [dot(a, a), dot(b, b)];
  const [fg, hg] = [dot(f, g) / (aa * size), dot(h, g) / (bb * size)];
  const rows = [0, 1, 2].map((x) => [
    (-size / aa) * a[x],
    (size / aa) * a[x] + fg * a[x] - hg * b[x],
    hg * b[x] - fg * a[x] - (size / bb) * b[x],
    (size / bb) * b[x],
  ]);
  return [0, 1, 2, 3].flatMap((atom) => rows.map((row) => row[atom]));
}

/** Bonds are shorter than this times the sum of covalent radii. */
export const BOND = 1.25;

/**
 * Atoms on k's side of the bond j–k.
 * @throws MltsError E_USAGE where j and k are in a ring, for then neither side turns alone, and where there is no such bond
 */
export function sideOf({ numbers, positions }: System, j: number, k: number): number[] {
  const isBonded = (a: number, b: number) =>
    Math.hypot(...minus(positions, a, b)) < BOND * (covalentRadius(numbers[a]) + covalentRadius(numbers[b]));
  if (!isBonded(j, k)) {
    throw new MltsError('E_USAGE', `atoms ${j} and ${k} are not bonded`, 'Give four atoms in a chain, i-j-k-l.');
  }
  const side = new Set([k]);
  for (const a of side) {
    for (let b = 0; b < numbers.length; b++) {
      if (b === a || side.has(b) || (a === k && b === j) || !isBonded(a, b)) continue;
      if (b === j) {
        throw new MltsError('E_USAGE', `the bond ${j}–${k} is part of a ring`, 'Turn about a bond outside of rings.');
      }
      side.add(b);
    }
  }
  return [...side];
}

/** Positions with some atoms turned about the axis j → k by an angle (radians) that adds to the dihedral. */
export function turned(positions: Float64Array, atoms: readonly number[], j: number, k: number, angle: number) {
  const [x, y, z] = minus(positions, k, j);
  const size = Math.hypot(x, y, z);
  const axis: Vector = [x / size, y / size, z / size];
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const out = positions.slice();
  for (const atom of atoms) {
    // Rodrigues' formula.
    const r = minus(positions, atom, k);
    const [side, along] = [cross(axis, r), dot(axis, r)];
    for (let m = 0; m < 3; m++) {
      out[3 * atom + m] = positions[3 * k + m] + r[m] * c + side[m] * s + axis[m] * along * (1 - c);
    }
  }
  return out;
}

/** An angle in (−π, π]. */
export const wrapAngle = (angle: number): number => angle - 2 * Math.PI * Math.ceil((angle - Math.PI) / (2 * Math.PI));
