/** Domains of a system as ranks of a parallel engine would hold them, made by brute force. */
import { inverse, periodicCell } from '../../src/engine/cell.ts';
import type { System } from '../../src/engine/potential.ts';
import { timesMatrix } from './systems.ts';

export interface Domain {
  readonly system: System;
  /** Atom of the whole system behind each atom of the domain, owned and ghost. */
  readonly source: readonly number[];
}

/**
 * Cuts a system into slabs along its first cell vector; one of them may come out empty.
 * @param reach how far ghosts must reach beyond owned atoms, Å
 * @param edges fractional borders of the slabs, ascending, from 0 to 1
 */
export function domainsOf(whole: System, reach: number, edges: readonly number[]): Domain[] {
  const pbc = whole.pbc ?? [false, false, false];
  const cell = periodicCell(whole.cell, pbc);
  const toFractions = inverse(whole.cell ?? cell);
  const fractions = timesMatrix(whole.positions, toFractions);
  const first = Array.from(whole.numbers, (_, i) => fractions[3 * i] - Math.floor(fractions[3 * i]));
  return edges.slice(1).map((upper, slab) => {
    const owned = first.flatMap((s, i) => (s >= edges[slab] && s < upper ? [i] : []));
    return withGhosts(whole, cell, pbc, owned, reach);
  });
}

function withGhosts(
  whole: System,
  cell: Float64Array,
  pbc: readonly boolean[],
  owned: number[],
  reach: number,
): Domain {
  const R = whole.positions;
  const source = [...owned];
  const positions = owned.flatMap((i) => [...R.subarray(3 * i, 3 * i + 3)]);
  const span = 6;
  const range = (axis: number) => (pbc[axis] ? Array.from({ length: 2 * span + 1 }, (_, k) => k - span) : [0]);
  for (const a of range(0)) {
    for (const b of range(1)) {
      for (const c of range(2)) {
        const home = a === 0 && b === 0 && c === 0;
        for (let j = 0; j < whole.numbers.length; j++) {
          if (home && owned.includes(j)) continue;
          const ghost = [0, 1, 2].map((x) => R[3 * j + x] + a * cell[x] + b * cell[3 + x] + c * cell[6 + x]);
          if (!owned.some((i) => Math.hypot(...ghost.map((g, x) => g - R[3 * i + x])) <= reach)) continue;
          source.push(j);
          positions.push(...ghost);
        }
      }
    }
  }
  const numbers = Int32Array.from(source, (j) => whole.numbers[j]);
  return { system: { numbers, positions: Float64Array.from(positions), owned: owned.length }, source };
}

/** Sums rows of a domain's array into the atoms of the whole system, as reverse communication does. */
export function reverseSum(
  into: Float64Array,
  from: ArrayLike<number>,
  source: readonly number[],
  width: number,
): void {
  for (const [k, atom] of source.entries()) {
    for (let x = 0; x < width; x++) into[atom * width + x] += from[k * width + x];
  }
}
