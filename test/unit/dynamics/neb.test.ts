import { describe, expect, it } from 'vitest';
import { interpolate } from '../../../src/dynamics/interpolate.ts';
import { neb } from '../../../src/dynamics/neb.ts';
import { crystal } from '../../../src/dynamics/structures/crystal.ts';
import { determinant } from '../../../src/engine/cell.ts';
import type { System } from '../../../src/engine/potential.ts';
import { MltsError } from '../../../src/errors.ts';
import { Analytic, lennardJones, muellerBrown } from '../../support/analytic.ts';
import { expectError } from '../../support/expect-error.ts';

const point = (x: number, y: number): System => ({ numbers: Int32Array.of(1), positions: Float64Array.of(x, y, 0) });
/** Minima and saddles of the surface: doi:10.1007/BF00547608, table 1, refined to the digits given. */
const DEEP = point(-0.5582236, 1.4417258);
const MIDDLE = point(-0.0500108, 0.4666941);
const [DEEP_ENERGY, MIDDLE_ENERGY, SADDLE] = [
  -1.4669952,
  -0.8076782,
  { x: -0.8220016, y: 0.6243128, energy: -0.4066484 },
];

describe('nudged elastic band', () => {
  it('climbs to the saddle of the Müller–Brown surface', async () => {
    const potential = muellerBrown();
    const path = await neb(potential, [DEEP, MIDDLE], { images: 9, spring: 5, fmax: 1e-3 });
    expect(path.converged).toBe(true);
    const saddle = path.images[path.saddle].positions;
    expect(saddle[0]).toBeCloseTo(SADDLE.x, 3);
    expect(saddle[1]).toBeCloseTo(SADDLE.y, 3);
    expect(path.profile[path.saddle]).toBeCloseTo(SADDLE.energy - DEEP_ENERGY, 5);
    expect(path.profile.at(-1)).toBeCloseTo(MIDDLE_ENERGY - DEEP_ENERGY, 5);
    // Every step is one batch: all images first, then those that move.
    expect(new Set(potential.calls)).toEqual(new Set([11, 9]));
    expect(potential.calls.length).toBe(path.steps + 1);
    expect(potential.open).toBe(0);
  });

  it('without climbing keeps its images apart and stays below the saddle', async () => {
    const path = await neb(muellerBrown(), [DEEP, MIDDLE], { images: 8, spring: 5, fmax: 1e-3, climb: false });
    expect(path.profile[path.saddle]).toBeLessThan(SADDLE.energy - DEEP_ENERGY);
    const gaps = path.distances.slice(1).map((distance, i) => distance - path.distances[i]);
    expect(Math.max(...gaps) / Math.min(...gaps)).toBeLessThan(1.1);
  });

  it('changes the cell where it may: the Bain path from fcc through bcc to fcc', async () => {
    // The same body-centred tetragonal cell, c/a = √2 and its like along another axis.
    const a = 1.5496 / Math.SQRT2;
    const bct = (cell: number[]): System => ({
      numbers: Int32Array.of(18, 18),
      positions: Float64Array.from([0, 0, 0, ...[0, 4, 8].map((k) => cell[k] / 2)]),
      cell: Float64Array.from(cell),
      pbc: [true, true, true],
    });
    const [along, across] = [a * Math.SQRT2, a];
    const path = await neb(
      lennardJones(2.6),
      [bct([across, 0, 0, 0, across, 0, 0, 0, along]), bct([along, 0, 0, 0, across, 0, 0, 0, across])],
      { images: 5, cell: true, fmax: 0.02 },
    );
    expect(path.converged).toBe(true);
    const top = path.images[path.saddle];
    const edges = [0, 4, 8].map((k) => top.cell![k]).sort((x, y) => x - y);
    // The saddle lies between: neither end's shape, its volume near theirs.
    expect(edges[2] / edges[0]).toBeLessThan(1.3);
    expect(determinant(top.cell!)).toBeCloseTo(determinant(path.images[0].cell!), 0);
    expect(path.profile[path.saddle]).toBeGreaterThan(0.01);
    expect(path.profile.at(-1)).toBeCloseTo(0, 6);
  });

  it('says at which step the band ran away, and a fault of its beginning as it is', async () => {
    const inner = (after: number) => {
      let asked = 0;
      const broken = new MltsError('E_OVERLAP', 'atoms 0 and 1 are 0.1 Å apart', 'Move them apart.');
      return new Analytic('fragile', ({ positions: [x, y] }) =>
        asked++ < after ? { energy: x * x + y * y, forces: Float64Array.of(-2 * x, -2 * y, 0) } : broken,
      );
    };
    const ends = [point(-1, 1), point(1, 1)] as const;
    // Seven structures at first, then the five that move.
    await expectError(
      () => neb(inner(17), ends, { images: 5 }),
      'E_OVERLAP',
      'by step 3 of its relaxation an image fails',
    );
    const [first] = await Promise.allSettled([neb(inner(0), ends, { images: 5 })]);
    expect(first).toMatchObject({ reason: { what: 'atoms 0 and 1 are 0.1 Å apart' } });
  });

  it('refuses ends that do not match', async () => {
    const other = { ...DEEP, numbers: Int32Array.of(6) };
    await expect(neb(muellerBrown(), [DEEP, other])).rejects.toThrow(/E_SPECIES: atom 0 is H .* and C/);
    const two = { numbers: Int32Array.of(1, 1), positions: new Float64Array(6) };
    await expect(neb(muellerBrown(), [DEEP, two])).rejects.toThrow(/E_SHAPE.* 1 atoms .* 2/);
  });
});

describe('interpolation', () => {
  it('takes the shortest way through periodic walls', () => {
    const { numbers, pbc, cell } = crystal('sc', [18], 10);
    const at = (x: number): System => ({ numbers, pbc, cell: cell!, positions: Float64Array.of(x, 0, 0) });
    const band = interpolate(at(9), at(1), 1);
    expect(band[1].positions[0] % 10).toBeCloseTo(0, 9);
  });

  it('does not run atoms through each other', () => {
    // Two atoms of three exchange their places around the third.
    const from = { numbers: Int32Array.of(1, 1, 8), positions: Float64Array.of(-1, 0.01, 0, 1, 0, 0, 0, 2, 0) };
    const to = { ...from, positions: Float64Array.of(1, 0, 0, -1, -0.01, 0, 0, 2, 0) };
    for (const { positions } of interpolate(from, to, 5)) {
      expect(
        Math.hypot(positions[0] - positions[3], positions[1] - positions[4], positions[2] - positions[5]),
      ).toBeGreaterThan(1);
    }
  });
});
