import fc from 'fast-check';
import { expect, it } from 'vitest';
import { closestPair } from '../../../src/dynamics/run/closest-pair.ts';

const CELL = Float64Array.of(5, 0, 0, 1.5, 6, 0, -2, 1, 4);

/** All pairs, all images within three cells. */
function slowly(positions: Float64Array, pbc: readonly boolean[]): number {
  let shortest = Number.POSITIVE_INFINITY;
  const images = (k: number) => (pbc[k] ? [-3, -2, -1, 0, 1, 2, 3] : [0]);
  for (let i = 0; i < positions.length; i += 3) {
    for (let j = 0; j < positions.length; j += 3) {
      for (const a of images(0)) {
        for (const b of images(1)) {
          for (const c of images(2)) {
            if (i === j && a === 0 && b === 0 && c === 0) continue;
            const d = [0, 1, 2].map(
              (k) => positions[j + k] - positions[i + k] + a * CELL[k] + b * CELL[3 + k] + c * CELL[6 + k],
            );
            shortest = Math.min(shortest, Math.hypot(...d));
          }
        }
      }
    }
  }
  return shortest;
}

it.each([[[true, true, true]], [[true, false, true]], [[false, false, false]]] as const)(
  'finds what all pairs give, pbc %j',
  (pbc) => {
    const coordinate = fc.double({ min: -4, max: 8, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(coordinate, coordinate, coordinate), { minLength: 1, maxLength: 8 }),
        fc.constantFrom(0.5, 1.5, 3.9, 5),
        (atoms, below) => {
          const positions = Float64Array.from(atoms.flat());
          const [got, want] = [closestPair(positions, CELL, pbc, below), slowly(positions, pbc)];
          if (want < below) expect(got).toBeCloseTo(want, 9);
          else expect(got).toBe(Number.POSITIVE_INFINITY);
        },
      ),
      { numRuns: 150, seed: 5 },
    );
  },
);
