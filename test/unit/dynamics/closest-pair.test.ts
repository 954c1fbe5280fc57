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
          const [got, want] = [closestPair(positions, CELL, pbc, below)?.distance, slowly(positions, pbc)];
          if (want < below) expect(got).toBeCloseTo(want, 9);
          else expect(got).toBeUndefined();
        },
      ),
      { numRuns: 150, seed: 5 },
    );
  },
);

it('says which two, the lower first, through the cell', () => {
  const positions = Float64Array.of(2, 2, 2, 0.1, 3, 3.9, 4, 1, 1, 0.2, 3, 0.3);
  const pair = closestPair(positions, Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4), [true, true, true], 1);
  expect(pair).toEqual({ first: 1, second: 3, distance: expect.closeTo(Math.hypot(0.1, 0.4), 12) });
});

it('takes a hundred thousand atoms in time linear in their number, cluster or crystal', () => {
  const edge = 46;
  const positions = Float64Array.from({ length: 3 * edge ** 3 }, (_, k) => {
    const atom = Math.floor(k / 3);
    return 2 * [atom % edge, Math.floor(atom / edge) % edge, Math.floor(atom / edge ** 2)][k % 3];
  });
  positions[0] += 1;
  for (const pbc of [false, true]) {
    const start = performance.now();
    const cell = Float64Array.of(2 * edge, 0, 0, 0, 2 * edge, 0, 0, 0, 2 * edge);
    const pair = closestPair(positions, cell, [pbc, pbc, pbc], 1.5);
    expect(pair).toEqual({ first: 0, second: 1, distance: 1 });
    expect(performance.now() - start).toBeLessThan(5000);
  }
});
