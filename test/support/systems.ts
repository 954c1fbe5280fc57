/** Systems made of systems: moved, turned, reordered, strained, repeated. */
import type { System } from '../../src/engine/potential.ts';

/** Uniform numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The same system with positions x + change(x's index). */
export const displaced = (system: System, change: (index: number) => number): System => ({
  ...system,
  positions: system.positions.map((x, i) => x + change(i)),
});

/** Rows times a row-major 3×3 matrix. */
export function timesMatrix(rows: ArrayLike<number>, m: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: rows.length }, (_, index) => {
    const k = index % 3;
    const i = index - k;
    return rows[i] * m[k] + rows[i + 1] * m[3 + k] + rows[i + 2] * m[6 + k];
  });
}

/** Positions and cell times a matrix: a rotation, or a strain 1 + ε. */
export const transformed = (system: System, m: ArrayLike<number>): System => ({
  ...system,
  positions: timesMatrix(system.positions, m),
  ...(system.cell === undefined ? {} : { cell: timesMatrix(system.cell, m) }),
});

/** A rotation about a skewed axis, row-major. */
export function rotation(angle: number): Float64Array {
  const [x, y, z] = [2 / 7, 3 / 7, 6 / 7];
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  const d = 1 - c;
  return Float64Array.of(
    c + x * x * d, x * y * d + z * s, x * z * d - y * s,
    x * y * d - z * s, c + y * y * d, y * z * d + x * s,
    x * z * d + y * s, y * z * d - x * s, c + z * z * d,
  ); // biome-ignore format: a matrix
}

/** Rows of `width` numbers in another order: new row k is old row order[k]. */
export function reordered<T extends Float64Array | Int32Array>(values: T, order: readonly number[], width: number): T {
  return values.map((_, i) => values[order[Math.floor(i / width)] * width + (i % width)]) as T;
}

/** The system in another order of its atoms. */
export const permuted = (system: System, order: readonly number[]): System => ({
  ...system,
  numbers: reordered(system.numbers, order, 1),
  positions: reordered(system.positions, order, 3),
});

/** Copies of a periodic system side by side; the atoms of copy 0 come first. */
export function repeated(system: System, times: readonly [number, number, number]): System {
  const cell = system.cell!;
  const numbers: number[] = [];
  const positions: number[] = [];
  for (let a = 0; a < times[0]; a++) {
    for (let b = 0; b < times[1]; b++) {
      for (let c = 0; c < times[2]; c++) {
        const shift = [0, 1, 2].map((x) => a * cell[x] + b * cell[3 + x] + c * cell[6 + x]);
        numbers.push(...system.numbers);
        positions.push(...system.positions.map((value, i) => value + shift[i % 3]));
      }
    }
  }
  return {
    ...system,
    numbers: Int32Array.from(numbers),
    positions: Float64Array.from(positions),
    cell: cell.map((value, i) => value * times[Math.floor(i / 3)]),
  };
}
