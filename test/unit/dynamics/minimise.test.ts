import { describe, expect, it } from 'vitest';
import { MINIMISERS, type Relaxed, relax } from '../../../src/dynamics/minimise/relax.ts';
import { crystal, repeat } from '../../../src/dynamics/structures/crystal.ts';
import type { System } from '../../../src/engine/potential.ts';
import { MltsError } from '../../../src/errors.ts';
import { EV_PER_ANGSTROM3_IN_GPA } from '../../../src/units.ts';
import { Analytic, lennardJones } from '../../support/analytic.ts';
import { randomNumbers } from '../../support/systems.ts';

/** The icosahedron of 13 atoms, shaken. */
function icosahedron(seed: number): System {
  const random = randomNumbers(seed);
  const golden = (1 + Math.sqrt(5)) / 2;
  const corners = [-1, 1].flatMap((a) =>
    [-golden, golden].flatMap((b) => [
      [0, a, b],
      [a, b, 0],
      [b, 0, a],
    ]),
  );
  const scale = 1.1 / Math.hypot(1, golden);
  return {
    numbers: new Int32Array(13).fill(18),
    positions: Float64Array.from([0, 0, 0, ...corners.flat()], (x) => scale * x + 0.1 * (random() - 0.5)),
  };
}

const one = async (...args: Parameters<typeof relax>): Promise<Relaxed> => {
  const [outcome] = await relax(...args);
  if (outcome instanceof MltsError) throw outcome;
  return outcome;
};

describe.each(MINIMISERS)('%s', (minimiser) => {
  it('finds the minimum of 13 Lennard-Jones atoms', async () => {
    const potential = lennardJones();
    const relaxed = await one(potential, [icosahedron(1)], { minimiser, fmax: 1e-5 });
    expect(relaxed.converged).toBe(true);
    // Cambridge Cluster Database, LJ13.
    expect(relaxed.result.energy).toBeCloseTo(-44.326801, 6);
    expect(relaxed.steps).toBeLessThan(250);
    expect(potential.open).toBe(0);
  });

  it('relaxes many at once, each as if it were alone', async () => {
    const systems = [
      icosahedron(1),
      { ...icosahedron(2), positions: icosahedron(2).positions.slice(0, 9), numbers: Int32Array.of(18, 18, 18) },
      icosahedron(3),
    ];
    const potential = lennardJones();
    const together = await relax(potential, systems, { minimiser, fmax: 1e-3 });
    for (const [i, system] of systems.entries()) {
      const alone = await one(lennardJones(), [system], { minimiser, fmax: 1e-3 });
      expect((together[i] as Relaxed).system.positions).toEqual(alone.system.positions);
      expect((together[i] as Relaxed).steps).toBe(alone.steps);
    }
    expect(potential.calls.length).toBe(1 + Math.max(...together.map((outcome) => (outcome as Relaxed).steps)));
    expect(potential.calls.at(-1)).toBeLessThan(3);
  });

  it('relaxes a triclinic cell to its stress', async () => {
    const { cell, positions, numbers, pbc } = crystal('fcc', [18], 1.6);
    const strain = Float64Array.of(1.03, 0.02, 0, 0, 0.97, -0.03, 0, 0, 1.02);
    const strained = (rows: Float64Array) =>
      rows.map((_, k) => [0, 1, 2].reduce((sum, m) => sum + rows[k - (k % 3) + m] * strain[3 * m + (k % 3)], 0));
    const pressure = 3 / EV_PER_ANGSTROM3_IN_GPA;
    const relaxed = await one(
      lennardJones(2.5),
      [{ numbers, pbc, positions: strained(positions), cell: strained(cell!) }],
      { minimiser, cell: 'triclinic', pressure, fmax: 1e-4, smax: 1e-5 },
    );
    expect(relaxed.converged).toBe(true);
    const [a, b, c] = [0, 3, 6].map((k) => relaxed.system.cell!.subarray(k, k + 3));
    const lengths = [a, b, c].map((v) => Math.hypot(...v));
    for (const length of lengths) expect(length).toBeCloseTo(lengths[0], 3);
    for (const [u, v] of [
      [a, b],
      [b, c],
      [c, a],
    ])
      expect(u[0] * v[0] + u[1] * v[1] + u[2] * v[2]).toBeCloseTo(0, 3);
    // −dE/dV at this lattice constant, by the energy alone.
    const energy = async (length: number) => {
      const { numbers, positions, cell, pbc } = crystal('fcc', [18], length);
      const [result] = await lennardJones(2.5).evaluate([{ numbers, positions, cell: cell!, pbc }], new Set());
      return (result as { energy: number }).energy;
    };
    const h = 1e-4;
    const slope = ((await energy(lengths[0] + h)) - (await energy(lengths[0] - h))) / (2 * h);
    expect(-slope / (3 * lengths[0] ** 2)).toBeCloseTo(pressure, 4);
  });
});

it.each([
  ['isotropic', [1, 0, 0, 0, 1.1, 0, 0, 0, 0.9]],
  ['anisotropic', [1, 0, 0, 0, 1, 0, 0, 0, 1]],
] as const)('an %s relaxation keeps what it must', async (cell, shape) => {
  const start = crystal('fcc', [18], 1.58);
  const strained = (rows: Float64Array) => rows.map((value, k) => value * [1, 1.1, 0.9][k % 3]);
  const system = {
    numbers: start.numbers,
    pbc: start.pbc,
    positions: strained(start.positions),
    cell: strained(start.cell!),
  };
  const relaxed = await one(lennardJones(2.5), [system], { cell, fmax: 1e-4, smax: 1e-5 });
  expect(relaxed.converged).toBe(true);
  const scale = relaxed.system.cell![0];
  expect([...relaxed.system.cell!].map((value) => Number((value / scale).toFixed(3)) + 0)).toEqual(shape);
});

it('holds atoms that are fixed', async () => {
  const system = icosahedron(4);
  const relaxed = await one(lennardJones(), [system], { fixed: [0, 5], fmax: 1e-4 });
  for (const atom of [0, 5]) {
    expect(relaxed.system.positions.slice(3 * atom, 3 * atom + 3)).toEqual(
      system.positions.slice(3 * atom, 3 * atom + 3),
    );
  }
  expect(relaxed.converged).toBe(true);
});

it('lets one system fail alone, and says where steps ran out', async () => {
  const fault = new MltsError('E_OVERLAP', 'too close', 'Move.');
  const springs = new Analytic('springs', ({ numbers, positions }) =>
    numbers[0] === 1 ? fault : { energy: 0, forces: positions.map((x) => -x) },
  );
  const at = (number: number) => ({ numbers: Int32Array.of(number), positions: Float64Array.of(3, 0, 0) });
  const [bad, good] = await relax(springs, [at(1), at(6)], { maxSteps: 3 });
  expect(bad).toBe(fault);
  expect(good).toMatchObject({ converged: false, steps: 3 });
  expect(springs.open).toBe(0);
});

it('takes a step back that ran atoms into each other', async () => {
  // A stiff spring of length 1, and a model that knows nothing below 0.95.
  const short = new MltsError('E_OVERLAP', 'too close', 'Move.');
  const spring = new Analytic('spring', ({ positions: x }) => {
    const miss = x[3] - x[0] - 1;
    return miss < -0.05
      ? short
      : { energy: 250 * miss ** 2, forces: Float64Array.of(500 * miss, 0, 0, -500 * miss, 0, 0) };
  });
  const start = { numbers: Int32Array.of(1, 1), positions: Float64Array.of(0, 0, 0, 1.5, 0, 0) };
  for (const minimiser of MINIMISERS) {
    const relaxed = await one(spring, [start], { minimiser, fmax: 1e-3 });
    expect(relaxed.converged).toBe(true);
    expect(relaxed.system.positions[3] - relaxed.system.positions[0]).toBeCloseTo(1, 5);
  }
  const [fault] = await relax(spring, [{ ...start, positions: Float64Array.of(0, 0, 0, 0.9, 0, 0) }]);
  expect(fault).toBe(short);
});

it('a cell that is none does not relax', async () => {
  await expect(relax(lennardJones(), [icosahedron(1)], { cell: 'triclinic' })).rejects.toThrow(/E_CELL.*not periodic/);
});

it('the size of the crystal does not change how fast its cell relaxes', async () => {
  const steps = async (times: 1 | 2) => {
    const cell = crystal('fcc', [18], 1.62);
    const { numbers, positions, cell: box, pbc } = repeat({ ...cell, cell: cell.cell! }, [times, times, times]);
    return (await one(lennardJones(1.9), [{ numbers, positions, cell: box!, pbc }], { cell: 'isotropic' })).steps;
  };
  const [small, large] = [await steps(1), await steps(2)];
  expect(large).toBeLessThanOrEqual(small + 5);
});
