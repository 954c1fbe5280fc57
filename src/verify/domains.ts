import { inverse } from '../engine/cell.ts';
import type { Potential, System } from '../engine/potential.ts';
import { evaluate, largestDifference, timesMatrix } from './evaluate.ts';

/** A domain with, for each of its atoms, the atom of the whole system that it is or is an image of. */
interface Domain {
  readonly system: System;
  readonly origin: readonly number[];
}

/**
 * Largest difference of energy (eV), forces (eV/Å) and virial (eV) between a whole system and the sum of its domains, as
 * the ranks of a parallel engine would hold them.
 */
export async function domainError(potential: Potential, system: System, count: number): Promise<number> {
  const domains = split(system, potential.model.reach, count);
  const [whole] = await evaluate(potential, [system], ['forces', 'virial']);
  const parts = await evaluate(
    potential,
    domains.map((domain) => domain.system),
    ['forces', 'virial'],
  );
  const forces = new Float64Array(3 * system.numbers.length);
  const virial = new Float64Array(9);
  let energy = 0;
  for (const [d, part] of parts.entries()) {
    energy += part.energy;
    for (let k = 0; k < 9; k++) virial[k] += part.virial?.[k] ?? Number.NaN;
    for (const [i, atom] of domains[d].origin.entries()) {
      for (let k = 0; k < 3; k++) forces[3 * atom + k] += part.forces?.[3 * i + k] ?? Number.NaN;
    }
  }
  return Math.max(
    Math.abs(energy - whole.energy),
    largestDifference(forces, whole.forces ?? []),
    largestDifference(virial, whole.virial ?? []),
  );
}

/** Slabs along x with every atom and image within reach of an owned atom as ghost. Each atom goes to one slab. */
function split(
  { numbers, positions, cell, pbc = [false, false, false] }: System,
  reach: number,
  count: number,
): Domain[] {
  const n = numbers.length;
  const shifts = cell ? imageShifts(cell, pbc, positions, reach) : [[0, 0, 0]];
  const x = positions.filter((_, i) => i % 3 === 0);
  const low = Math.min(...x);
  const width = (Math.max(...x) - low || 1) * (1 + 1e-9);
  return Array.from({ length: count }, (_, d) => {
    const owned = Array.from({ length: n }, (_, i) => i).filter(
      (i) => Math.floor((count * (x[i] - low)) / width) === d,
    );
    const mine = new Set(owned);
    const origin = [...owned];
    const rows = owned.flatMap((i) => [...positions.subarray(3 * i, 3 * i + 3)]);
    for (const shift of shifts) {
      const home = shift.every((component) => component === 0);
      for (let j = 0; j < n; j++) {
        if (home && mine.has(j)) continue;
        const image = [0, 1, 2].map((k) => positions[3 * j + k] + shift[k]);
        const near = owned.some((i) => Math.hypot(...image.map((value, k) => value - positions[3 * i + k])) <= reach);
        if (!near) continue;
        origin.push(j);
        rows.push(...image);
      }
    }
    const system = {
      numbers: Int32Array.from(origin, (atom) => numbers[atom]),
      positions: Float64Array.from(rows),
      owned: owned.length,
    };
    return { system, origin };
  });
}

/** Lattice vectors that can bring an image within reach, for atoms that may lie outside the cell. */
function imageShifts(cell: Float64Array, pbc: readonly boolean[], positions: Float64Array, reach: number): number[][] {
  const reciprocal = inverse(cell);
  const fractions = timesMatrix(positions, reciprocal);
  const ranges = [0, 1, 2].map((axis) => {
    if (!pbc[axis]) return [0];
    const along = fractions.filter((_, i) => i % 3 === axis);
    const spread = Math.max(...along) - Math.min(...along);
    const height = 1 / Math.hypot(reciprocal[axis], reciprocal[3 + axis], reciprocal[6 + axis]);
    const most = Math.ceil(reach / height + spread);
    return Array.from({ length: 2 * most + 1 }, (_, i) => i - most);
  });
  return ranges[0].flatMap((a) => ranges[1].flatMap((b) => ranges[2].map((c) => [...timesMatrix([a, b, c], cell)])));
}
