import { describe, expect, it } from 'vitest';
import { coldCurve } from '../../../src/analysis/cold-curve.ts';
import { stackingFault, surfaces, vacancy } from '../../../src/analysis/defects.ts';
import { cubicConstants, elasticConstants } from '../../../src/analysis/elastic.ts';
import { type Crystal, orient, primitiveCell, slab } from '../../../src/analysis/oriented.ts';
import { transformation } from '../../../src/analysis/transformation.ts';
import { volumeCurve } from '../../../src/analysis/volume-curve.ts';
import { crystal, type LatticeName, repeat } from '../../../src/dynamics/structures/crystal.ts';
import { determinant } from '../../../src/engine/cell.ts';
import type { Potential } from '../../../src/engine/potential.ts';
import { openPotential } from '../../../src/engine/select.ts';
import { EV_PER_ANGSTROM3_IN_GPA as GPA } from '../../../src/units.ts';
import { close, expectClose } from '../../support/close.ts';
import { expectError } from '../../support/expect-error.ts';
import {
  cubicSums,
  FCC_BASIS,
  LENNARD_JONES,
  latticeConstant,
  MORSE_ALUMINIUM,
  pairPotential,
} from '../../support/pair-potential.ts';
import { NOT_RUN, publishedFolder, publishedModel } from '../../support/published.ts';
import { python } from '../../support/python.ts';

const lattice = (name: LatticeName, a: number, numbers = [13], times = 1): Crystal => {
  const one = crystal(name, numbers, a);
  const { positions, cell, pbc, ...rest } = repeat({ ...one, cell: one.cell! }, [times, times, times]);
  return { numbers: rest.numbers, positions, cell: cell!, pbc };
};

const [LJ, MORSE] = [pairPotential(LENNARD_JONES), pairPotential(MORSE_ALUMINIUM)];
const LJ_A = latticeConstant(LENNARD_JONES, FCC_BASIS, 1.4, 1.7);
const MORSE_A = latticeConstant(MORSE_ALUMINIUM, FCC_BASIS, 3.8, 4.3);

describe('elastic constants', () => {
  it.each([
    ['Lennard-Jones', LJ, LENNARD_JONES, LJ_A],
    ['Morse', MORSE, MORSE_ALUMINIUM, MORSE_A],
  ] as const)('of an fcc crystal of %s atoms are those of their lattice sums', async (_, potential, pair, a) => {
    const want = cubicSums(pair, a, FCC_BASIS);
    const found = await elasticConstants(potential, lattice('fcc', 1.005 * a), { strain: 0.004 });
    expect(close(found.system.cell[0], a, 1e-4)).toBe(true);
    const cubic = cubicConstants(found.constants)!;
    expectClose([cubic.c11, cubic.c12, cubic.c44], [want.c11, want.c12, want.c12], 0, 'constants', 1e-3);
    expect(Math.abs(cubic.c11 - want.c11)).toBeLessThan(found.uncertainty + 1e-3 * want.c11);
    expect(close(found.bulk.hill, (want.c11 + 2 * want.c12) / 3, 0, 1e-3)).toBe(true);
    expect(close(found.shear.voigt, (want.c11 - want.c12 + 3 * want.c12) / 5, 0, 1e-3)).toBe(true);
    // Reuss of a cubic crystal: 5(C11 − C12)C44/(4C44 + 3(C11 − C12)).
    const soft = want.c11 - want.c12;
    expect(close(found.shear.reuss, (5 * soft * want.c12) / (4 * want.c12 + 3 * soft), 0, 1e-3)).toBe(true);
    expect(close(found.stability, Math.min(2 * want.c12, soft), 0, 2e-3)).toBe(true);
  });

  it('turned crystals are as stiff: the tensor turns with them', async () => {
    const cut = orient(lattice('fcc', MORSE_A), [1, 1, 1]).crystal;
    const [straight, turned] = [
      await elasticConstants(MORSE, lattice('fcc', MORSE_A), { strain: 0.004 }),
      await elasticConstants(MORSE, cut, { strain: 0.004 }),
    ];
    const { c11, c12, c44 } = cubicConstants(straight.constants)!;
    // Along [111]: (C11 + 2C12 + 4C44)/3.
    expect(close(turned.constants[2][2], (c11 + 2 * c12 + 4 * c44) / 3, 0, 2e-3)).toBe(true);
    expect(cubicConstants(turned.constants)).toBeUndefined();
    expect(close(turned.bulk.hill, straight.bulk.hill, 0, 1e-3)).toBe(true);
    expect(close(turned.stability, straight.stability, 0, 2e-3)).toBe(true);
  });

  it('atoms that may relax make a crystal softer, and keep its symmetry', async () => {
    const hcp = lattice('hcp', LJ_A / Math.SQRT2);
    const [relaxed, clamped] = [
      await elasticConstants(LJ, hcp, { strain: 0.004 }),
      await elasticConstants(LJ, hcp, { strain: 0.004, clamped: true }),
    ];
    for (const { constants: c } of [relaxed, clamped]) {
      expect(close(c[5][5], (c[0][0] - c[0][1]) / 2, 0, 5e-3)).toBe(true);
      expect(close(c[0][0], c[1][1], 0, 2e-3)).toBe(true);
    }
    expect(relaxed.constants[5][5]).toBeLessThan(0.97 * clamped.constants[5][5]);
    // Along c nothing moves against each other.
    expect(close(relaxed.constants[2][2], clamped.constants[2][2], 0, 2e-3)).toBe(true);
  });
});

describe('cold curves', () => {
  it('of fcc are the lattice sums', async () => {
    const want = cubicSums(MORSE_ALUMINIUM, MORSE_A, FCC_BASIS);
    const found = await coldCurve(MORSE, 13, 'fcc', { range: 0.02 });
    expect(close(found.a, MORSE_A, 1e-4)).toBe(true);
    expect(close(found.energy, want.energy, 1e-6)).toBe(true);
    expect(close(found.modulus, (want.c11 + 2 * want.c12) / 3, 0, 1e-3)).toBe(true);
    expect(close(found.state.modulus, (want.c11 + 2 * want.c12) / 3, 0, 2e-2)).toBe(true);
    expect(found.deviations).toEqual({ a: 0, energy: 0, modulus: 0 });
    const volumes = found.points.map(({ volume }) => volume);
    expect(volumes).toEqual([...volumes].sort((x, y) => x - y));
    expect(found.points.filter(({ isFitted }) => isFitted)).toHaveLength(11);
  });

  it('relax c/a of hcp, and ask for all volumes at once', async () => {
    const potential = pairPotential(MORSE_ALUMINIUM);
    const found = await coldCurve(potential, 13, 'hcp');
    expect(found.isRatioRelaxed).toBe(true);
    // No other c/a is lower at the same volume.
    const { a, c = 0 } = found;
    const energies = await Promise.all(
      [0.995, 1, 1.005].map(async (factor) => {
        const one = crystal('hcp', [13], a / Math.cbrt(factor), (c / Math.cbrt(factor)) * factor);
        const [outcome] = await potential.evaluate([one], new Set());
        return outcome instanceof Error ? Number.NaN : outcome.energy / 2;
      }),
    );
    expect(energies[1]).toBeLessThan(energies[0]);
    expect(energies[1]).toBeLessThan(energies[2]);
    expect(close(found.energy, energies[1], 1e-6)).toBe(true);
    // 41 volumes with 9 c/a each.
    expect(potential.calls.filter((systems) => systems === 41 * 9)).toHaveLength(1);
  });

  it('of a given structure too', async () => {
    const want = cubicSums(MORSE_ALUMINIUM, MORSE_A, FCC_BASIS);
    const { state, points } = await volumeCurve(MORSE, lattice('fcc', 1.002 * MORSE_A), { range: 0.02 });
    expect(close(state.volume, MORSE_A ** 3 / 4, 0, 1e-4)).toBe(true);
    expect(close(state.modulus, (want.c11 + 2 * want.c12) / 3, 0, 2e-2)).toBe(true);
    expect(points).toHaveLength(11);
    await expectError(
      () => volumeCurve(MORSE, lattice('fcc', 1.1 * MORSE_A), { range: 0.02 }),
      'E_USAGE',
      'no minimum',
    );
  });
});

describe('oriented crystals', () => {
  it.each([
    ['fcc', [1, 1, 1], 1, 3 ** 0.5 / 4],
    ['fcc', [1, 0, 0], 1, 1 / 2],
    ['fcc', [1, 1, 0], 1, 1 / Math.SQRT2],
    ['fcc', [2, 1, 0], 1, 5 ** 0.5 / 2],
    ['bcc', [1, 1, 0], 1, 1 / Math.SQRT2],
    ['bcc', [1, 1, 1], 1, Math.sqrt(3)],
    ['diamond', [1, 1, 1], 2, 3 ** 0.5 / 4],
    ['sc', [1, 2, 3], 1, Math.sqrt(14)],
  ] as const)('%s (%j): one primitive cell, its plane of the right area', (name, miller, atoms, area) => {
    const { crystal: cut, ...found } = orient(lattice(name, 1), [...miller]);
    expect(cut.numbers).toHaveLength(atoms);
    expect(close(found.area, area, 1e-9)).toBe(true);
    expect(close(determinant(cut.cell), found.area * found.spacing, 1e-9)).toBe(true);
    expect([cut.cell[1], cut.cell[2], cut.cell[5]]).toEqual([0, 0, 0]);
  });

  it('have the neighbours of the crystal: every distance of ASE bulk is there as often', () => {
    for (const miller of [
      [1, 1, 1],
      [2, 1, 0],
      [3, 1, -1],
    ] as const) {
      const { crystal: cut } = orient(lattice('hcp', 3), [...miller]);
      const counts = python<[number[], number[]]>(
        `from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list
import numpy as np
one = Atoms("Al%d" % len(given["n"]), positions=np.reshape(given["x"], (-1, 3)), cell=np.reshape(given["cell"], (3, 3)), pbc=True)
result = [np.histogram(neighbor_list("d", a, 7.0), bins=70, range=(0.05, 7.05))[0].tolist() for a in (one, bulk("Al", "hcp", a=3, c=3 * (8 / 3) ** 0.5))]`,
        { n: [...cut.numbers], x: [...cut.positions], cell: [...cut.cell] },
      );
      expect(counts[0]).toEqual(counts[1]);
    }
  });

  it('finds primitive cells, and refuses what is no plane', async () => {
    const counted = (name: LatticeName, numbers: number[], times = 1) =>
      primitiveCell(lattice(name, 4, numbers, times)).numbers.length;
    expect(counted('fcc', [13], 2)).toBe(1);
    expect(counted('rocksalt', [11, 17])).toBe(2);
    expect(counted('cesiumchloride', [55, 17])).toBe(2);
    expect(counted('hcp', [13])).toBe(2);
    expect(counted('betasn', [50])).toBe(2);
    await expectError(() => orient(lattice('fcc', 4), [0, 0, 0]), 'E_USAGE', '(000)');
    const two = slab(orient(lattice('fcc', 4), [1, 0, 0]), 3, 10);
    expect(two.numbers).toHaveLength(3);
    expect(two.cell[8]).toBeCloseTo(3 * 2 + 10, 9);
  });
});

describe('defects', () => {
  it('a vacancy of pair forces costs, before relaxation, minus the energy of an atom', async () => {
    const bulk = cubicSums(MORSE_ALUMINIUM, MORSE_A, FCC_BASIS).energy;
    const found = await vacancy(MORSE, lattice('fcc', MORSE_A, [13], 5));
    expect(found.atoms).toBe(500);
    expect(close(found.unrelaxed, -bulk, 1e-6)).toBe(true);
    expect(found.relaxed).toBeLessThan(found.unrelaxed - 1e-3);
    await expectError(() => vacancy(MORSE, lattice('rocksalt', 4, [13, 18])), 'E_USAGE', 'several elements');
  });

  it('surfaces of pair forces cost half the bonds that cross them', async () => {
    const found = await surfaces(
      MORSE,
      lattice('fcc', MORSE_A),
      [
        [1, 1, 1],
        [1, 0, 0],
        [1, 1, 0],
      ],
      { thickness: 30 },
    );
    for (const { miller, unrelaxed, relaxed } of found) {
      // Bonds across a plane: each of projection d·n on the normal crosses planes in that many places.
      const size = Math.hypot(...miller);
      let broken = 0;
      for (let i = -4; i <= 4; i++) {
        for (let j = -4; j <= 4; j++) {
          for (let k = -4; k <= 4; k++) {
            for (const [u, v, w] of FCC_BASIS) {
              const d = [(i + u) * MORSE_A, (j + v) * MORSE_A, (k + w) * MORSE_A];
              const r = Math.hypot(...d);
              const along = (d[0] * miller[0] + d[1] * miller[1] + d[2] * miller[2]) / size;
              if (r < 1e-9 || r >= MORSE_ALUMINIUM.cutoff || along <= 0) continue;
              broken += (MORSE_ALUMINIUM.at(r)[0] * along) / (MORSE_A ** 3 / 4);
            }
          }
        }
      }
      expect(close(unrelaxed, -broken / 2, 1e-6), `(${miller}) ${unrelaxed} for ${-broken / 2}`).toBe(true);
      expect(relaxed).toBeLessThan(unrelaxed);
      expect(relaxed).toBeGreaterThan(0.8 * unrelaxed);
    }
  });

  it('the intrinsic fault of pair forces is the difference of stackings', async () => {
    const found = await stackingFault(MORSE, lattice('fcc', MORSE_A), [1, 1, 1], [1 / 6, 1 / 6, -1 / 3], {
      thickness: 50,
    });
    // Rigid: counted directly in a periodic stack of 30 layers with one fault.
    const oriented = orient(lattice('fcc', MORSE_A), [1, 1, 1]);
    const { crystal: cut, area } = oriented;
    const stack = (shift: number): Crystal => {
      const layers = slab(oriented, 30, 0);
      const step = [cut.cell[6], cut.cell[7], cut.cell[8]];
      const cell = layers.cell.slice();
      // A third of the in-plane sum carries A to B or to C.
      for (let k = 0; k < 3; k++) cell[6 + k] = 30 * step[k] + (shift * (cut.cell[k] + cut.cell[3 + k])) / 3;
      return { ...layers, cell, pbc: [true, true, true] };
    };
    const energies = (await MORSE.evaluate([stack(0), stack(1), stack(-1)], new Set())).map((outcome) =>
      outcome instanceof Error ? Number.NaN : outcome.energy,
    );
    const want = (Math.min(energies[1], energies[2]) - energies[0]) / area;
    expect(close(found.points.at(-1)!.rigid, want, 1e-6), `${found.points.at(-1)!.rigid} for ${want}`).toBe(true);
    expect(found.points[0].relaxed).toBe(0);
    expect(found.unstable).toBeGreaterThan(found.stable);
    const [middle] = found.points.filter(({ shift }) => Math.abs(shift - 0.5) < 1e-9);
    expect(middle.relaxed).toBeLessThan(0.98 * middle.rigid);
    expect(middle.relaxed).toBeGreaterThan(0.3 * middle.rigid);
    await expectError(
      () => stackingFault(MORSE, lattice('fcc', 4), [1, 1, 1], [1, 0, 0]),
      'E_USAGE',
      'does not lie in',
    );
  });
});

it('the Bain path of Morse atoms ends at the lattice sums of bcc', async () => {
  const bcc = [
    [0, 0, 0],
    [0.5, 0.5, 0.5],
  ];
  const a = latticeConstant(MORSE_ALUMINIUM, bcc, 3, 3.5);
  const difference = cubicSums(MORSE_ALUMINIUM, a, bcc).energy - cubicSums(MORSE_ALUMINIUM, MORSE_A, FCC_BASIS).energy;
  const found = await transformation(MORSE, 13, 'bain', { images: 5 });
  expect(close(found.difference, difference, 1e-5)).toBe(true);
  expect(found.points[0].ratio).toBeCloseTo(Math.SQRT2, 6);
  expect(found.points.at(-1)!.ratio).toBeCloseTo(1, 6);
  expect(found.barrier).toBeGreaterThanOrEqual(found.difference - 1e-9);
});

describe.skipIf(publishedFolder === undefined)('ANI-Al', () => {
  const open = async (): Promise<Potential> => openPotential((await publishedModel('ani-al')).model);

  it('has the lattices that another implementation found', async () => {
    const potential = await open();
    const [fcc, bcc, hcp] = [
      await coldCurve(potential, 13, 'fcc'),
      await coldCurve(potential, 13, 'bcc'),
      await coldCurve(potential, 13, 'hcp'),
    ];
    expectClose([fcc.a, fcc.energy, fcc.modulus * GPA], [4.0543, -74.474979, 77], 0, 'fcc', 0.01);
    expectClose([fcc.a], [4.0543], 1e-4, 'fcc a');
    expectClose([fcc.energy], [-74.474979], 2e-5, 'fcc energy');
    expectClose([bcc.energy - fcc.energy, hcp.energy - fcc.energy], [0.1006, 0.0312], 0, 'lattices', 0.01);
    expectClose([bcc.a, hcp.a, hcp.c! / hcp.a], [3.2388, 2.856, 1.668], 0, 'constants', 0.01);
    expect(fcc.deviations!.a).toBeGreaterThan(0);
    potential.close();
  });

  it('has the elastic constants that another implementation found', async () => {
    const potential = await open();
    const { constants, bulk } = await elasticConstants(potential, lattice('fcc', 4.05));
    const { c11, c12, c44 } = cubicConstants(constants)!;
    expectClose([c11 * GPA, c12 * GPA, c44 * GPA], [117.6, 57.2, 30.4], 0, 'constants', 0.01);
    expect(close(bulk.hill * GPA, 77, 0, 0.01)).toBe(true);
    potential.close();
  });
});

if (publishedFolder === undefined) it.skip(NOT_RUN, () => undefined);
