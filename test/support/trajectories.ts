/** Frames of motions that are known in closed form. */
import type { Frame } from '../../src/analysis/frames.ts';
import { crystal, repeat } from '../../src/dynamics/structures/crystal.ts';
import { randomNumbers } from './systems.ts';

export const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

export const frameOf = (
  numbers: ArrayLike<number>,
  positions: ArrayLike<number>,
  cell: ArrayLike<number>,
  time = 0,
  velocities?: Float64Array,
): Frame => ({
  numbers: Int32Array.from(numbers),
  positions: Float64Array.from(positions),
  cell: Float64Array.from(cell),
  pbc: [true, true, true],
  info: { time },
  arrays: velocities ? { velocities: { kind: 'real', columns: 3, data: velocities } } : {},
  time,
});

export const cube = (edge: number): Float64Array => Float64Array.of(edge, 0, 0, 0, edge, 0, 0, 0, edge);

/** Independent atoms anywhere in a triclinic cell, anew in each frame. */
export function* idealGas(atoms: number, frames: number, numbers = [18]): Generator<Frame> {
  const random = randomNumbers(11);
  const cell = [9, 0, 0, 2, 10, 0, -1, 1.5, 11];
  const kinds = Int32Array.from({ length: atoms }, (_, i) => numbers[i % numbers.length]);
  for (let t = 0; t < frames; t++) {
    const positions = new Float64Array(3 * atoms);
    for (let i = 0; i < atoms; i++) {
      const s = [random(), random(), random()];
      // Whole cells away, as unwrapped trajectories are.
      const turn = 2 * (i % 3) - 1;
      for (let k = 0; k < 3; k++)
        positions[3 * i + k] = (s[0] + turn) * cell[k] + s[1] * cell[3 + k] + s[2] * cell[6 + k];
    }
    yield frameOf(kinds, positions, cell, t);
  }
}

/** fcc, edge a, n³ cells. */
export function fcc(a: number, n: number): Frame {
  const one = crystal('fcc', [13], a);
  return { ...repeat({ ...one, cell: one.cell! }, [n, n, n]), time: 0 };
}

/** Steps of independent walkers, N(0, 2D·dt) along each axis, wrapped into a cube; returned with D = `diffusion` Å²/fs. */
export function* randomWalk(atoms: number, frames: number, diffusion: number, interval: number): Generator<Frame> {
  const random = randomNumbers(5);
  const edge = 12;
  const at = Float64Array.from({ length: 3 * atoms }, () => edge * random());
  const step = Math.sqrt(2 * diffusion * interval);
  for (let t = 0; t < frames; t++) {
    const wrapped = at.map((x) => x - edge * Math.floor(x / edge));
    yield frameOf(new Int32Array(atoms).fill(18), wrapped, cube(edge), t * interval);
    for (let k = 0; k < at.length; k++) at[k] += step * normal(random);
  }
}
