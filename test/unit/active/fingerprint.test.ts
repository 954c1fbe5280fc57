import { describe, expect, it } from 'vitest';
import { fingerprints } from '../../../src/active/fingerprint.ts';
import type { Structure } from '../../../src/io/structure.ts';

function crystal(a: number, repeat: number, numbers: readonly [number, number] = [13, 13]): Structure {
  const n = 2 * repeat ** 3;
  const positions = new Float64Array(3 * n);
  const kinds = new Int32Array(n);
  let i = 0;
  for (let x = 0; x < repeat; x++) {
    for (let y = 0; y < repeat; y++) {
      for (let z = 0; z < repeat; z++) {
        for (const half of [0, 0.5]) {
          positions.set([a * (x + half), a * (y + half), a * (z + half)], 3 * i);
          kinds[i++] = numbers[half > 0 ? 1 : 0];
        }
      }
    }
  }
  const edge = a * repeat;
  const cell = Float64Array.of(edge, 0, 0, 0, edge, 0, 0, 0, edge);
  return { numbers: kinds, positions, cell, pbc: [true, true, true], info: {}, arrays: {} };
}

const distance = (a: Float64Array, b: Float64Array): number => Math.hypot(...a.map((x, k) => x - b[k]));

describe('fingerprints', () => {
  it('are the same for a cell and its repetitions, for any origin and order', () => {
    const one = crystal(3.2, 2);
    const moved = { ...one, positions: one.positions.map((x, k) => x + [0.3, -1.7, 5][k % 3]) };
    const order = [...one.numbers.keys()].reverse();
    const turned = {
      ...one,
      numbers: Int32Array.from(order, (i) => one.numbers[i]),
      positions: Float64Array.from(order.flatMap((i) => [...one.positions.slice(3 * i, 3 * i + 3)])),
    };
    const { frames } = fingerprints([one, crystal(3.2, 3), moved, turned], []);
    // A standard deviation that is 0 is a root of what rounding left.
    expect(Math.hypot(...frames[0])).toBeGreaterThan(1);
    for (const other of frames.slice(1)) expect(distance(frames[0], other)).toBeLessThan(1e-5);
  });

  it('are farther apart the farther the structures are', () => {
    const [a, b, c] = fingerprints([crystal(3.2, 2), crystal(3.22, 2), crystal(3.5, 2)], []).frames;
    expect(distance(a, b)).toBeGreaterThan(0);
    expect(distance(a, c)).toBeGreaterThan(3 * distance(a, b));
  });

  it('tell elements apart, and have one length for frames and what is known', () => {
    const { frames, known } = fingerprints([crystal(3.2, 2)], [crystal(3.2, 2, [13, 29])]);
    expect(known[0].length).toBe(frames[0].length);
    expect(distance(frames[0], known[0])).toBeGreaterThan(1);
  });
});
