import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { determinant, heights, inverse, type Pbc, periodicCell } from '../../../src/engine/cell.ts';
import type { System } from '../../../src/engine/potential.ts';
import { NeighbourSearch } from '../../../src/engine/reference/neighbours.ts';
import { expectClose } from '../../support/close.ts';
import { timesMatrix } from '../../support/systems.ts';

const CUTOFF = 2.5;

/** Sorted `atom x y z` of all neighbours, by trying every image. */
function bruteForce({ positions, numbers, cell, pbc }: System, centre: number): string[] {
  const found: string[] = [];
  const span = (axis: number) => (pbc?.[axis] ? [-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8] : [0]);
  for (const a of span(0)) {
    for (const b of span(1)) {
      for (const c of span(2)) {
        const shift = timesMatrix([a, b, c], cell ?? [0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for (let j = 0; j < numbers.length; j++) {
          if (j === centre && a === 0 && b === 0 && c === 0) continue;
          const D = [0, 1, 2].map((x) => positions[3 * j + x] + shift[x] - positions[3 * centre + x]);
          if (Math.hypot(...D) <= CUTOFF) found.push(written(j, D));
        }
      }
    }
  }
  return found.sort();
}

const written = (atom: number, D: readonly number[]): string =>
  `${atom} ${D.map((x) => (Math.round(x * 1e7) / 1e7 + 0).toFixed(6)).join(' ')}`;

const fraction = fc.integer({ min: -1500, max: 2500 }).map((k) => k / 1000);
const length = fc.integer({ min: 1300, max: 9000 }).map((k) => k / 1000);
const tilt = fc.integer({ min: -1200, max: 1200 }).map((k) => k / 1000);

describe('neighbours', () => {
  it('are those of brute force in any cell', () => {
    const property = fc.property(
      fc.tuple(length, tilt, length, tilt, tilt, length),
      fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
      fc.array(fc.tuple(fraction, fraction, fraction), { minLength: 1, maxLength: 9 }),
      ([ax, bx, by, cx, cy, cz], pbc, fractions) => {
        const cell = Float64Array.of(ax, 0, 0, bx, by, 0, cx, cy, cz);
        const system: System = {
          numbers: new Int32Array(fractions.length).fill(1),
          positions: timesMatrix(fractions.flat(), cell),
          cell,
          pbc,
        };
        const search = new NeighbourSearch(system, CUTOFF);
        for (let i = 0; i < fractions.length; i++) {
          const { atoms, vectors, distances } = search.of(i);
          const found = atoms.map((j, k) => written(j, vectors.slice(3 * k, 3 * k + 3)));
          expect(found.sort()).toEqual(bruteForce(system, i));
          expectClose(
            [0, ...distances],
            [0, ...atoms.map((_, k) => Math.hypot(...vectors.slice(3 * k, 3 * k + 3)))],
            1e-12,
            'distances',
          );
        }
      },
    );
    fc.assert(property, { numRuns: 150 });
  });

  it('of many atoms without a cell are those of brute force', () => {
    const positions = Float64Array.from({ length: 900 }, (_, i) => ((i * 7919) % 1009) / 90);
    const system = { numbers: new Int32Array(300).fill(1), positions };
    const search = new NeighbourSearch(system, CUTOFF);
    for (let i = 0; i < 300; i++) {
      const { atoms, vectors } = search.of(i);
      expect(atoms.map((j, k) => written(j, vectors.slice(3 * k, 3 * k + 3))).sort()).toEqual(bruteForce(system, i));
    }
  });

  it('grow with the number of atoms, not with its square, however far they are apart', () => {
    const far = { numbers: new Int32Array(2).fill(1), positions: Float64Array.of(-1e7, -1e7, -1e7, 1e7, 1e7, 1e7) };
    expect(new NeighbourSearch(far, CUTOFF).of(0).atoms).toEqual([]);
    const n = 100_000;
    const line = {
      numbers: new Int32Array(n).fill(1),
      positions: Float64Array.from({ length: 3 * n }, (_, i) => (i % 3 === 0 ? i / 3 : 0)),
    };
    const search = new NeighbourSearch(line, CUTOFF);
    const started = performance.now();
    let found = 0;
    for (let i = 0; i < 1000; i++) found += search.of(50_000 + i).atoms.length;
    expect(found).toBe(4000);
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

describe('cells', () => {
  const cell = Float64Array.of(3, 0, 0, 1, 2.5, 0, -0.4, 0.7, 4);
  it('have heights, volume and an inverse', () => {
    expect(determinant(cell)).toBeCloseTo(30, 12);
    expectClose(timesMatrix(cell, inverse(cell)), [1, 0, 0, 0, 1, 0, 0, 0, 1], 1e-14, 'cell · inverse');
    expect(heights(cell)[2]).toBeCloseTo(4, 12);
  });

  it.each<[Pbc]>([
    [[true, false, false]],
    [[false, true, false]],
    [[true, false, true]],
    [[false, true, true]],
    [[false, false, false]],
  ])('with pbc %o keep their periodic rows and become right-handed boxes around them', (pbc) => {
    const full = periodicCell(cell, pbc);
    expect(determinant(full)).toBeGreaterThan(0);
    for (let k = 0; k < 3; k++) {
      const row = full.subarray(3 * k, 3 * k + 3);
      if (pbc[k]) expect(Array.from(row)).toEqual(Array.from(cell.subarray(3 * k, 3 * k + 3)));
      else {
        expect(Math.hypot(...row)).toBeCloseTo(1, 12);
        for (let other = 0; other < 3; other++) {
          if (other !== k) expect(row.reduce((sum, x, i) => sum + x * full[3 * other + i], 0)).toBeCloseTo(0, 12);
        }
      }
    }
  });
});
