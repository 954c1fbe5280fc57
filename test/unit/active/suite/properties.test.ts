import { describe, expect, it } from 'vitest';
import { dihedral } from '../../../../src/analysis/dihedral.ts';
import { crystal } from '../../../../src/dynamics/structures/crystal.ts';
import { MltsError } from '../../../../src/errors.ts';
import { EV_PER_ANGSTROM3_IN_GPA as GPA } from '../../../../src/units.ts';
import { Analytic, muellerBrown } from '../../../support/analytic.ts';
import { expectError } from '../../../support/expect-error.ts';
import {
  cubicSums,
  FCC_BASIS,
  latticeConstant,
  MORSE_ALUMINIUM,
  pairPotential,
} from '../../../support/pair-potential.ts';
import { framesFile, measure, measurement, molecule, textFile } from './support.ts';

const refusing = (code: 'E_OVERLAP' | 'E_USAGE') =>
  new Analytic('refusing', () => new MltsError(code, 'too close', 'Move them apart.'));

describe('elastic constants', () => {
  it('are compared in GPa with those of the lattice sums', async () => {
    const a = latticeConstant(MORSE_ALUMINIUM, FCC_BASIS, 3.8, 4.3);
    const { c11, c12 } = cubicSums(MORSE_ALUMINIUM, a, FCC_BASIS);
    const [C11, C12] = [GPA * c11, GPA * c12];
    const fcc = framesFile([crystal('fcc', [13], 1.005 * a)]);
    const reference = `{C11: ${C11}, C12: ${C12 + 7}, C44: ${C12}, bulk: ${(C11 + 2 * C12) / 3}}`;
    const { values } = await measure(
      `{kind: elastic, structure: ${fcc}, reference: ${reference}}`,
      pairPotential(MORSE_ALUMINIUM),
    );
    expect(values['elastic constants: C11']).toBeLessThan(0.5);
    expect(values['elastic constants: C12']).toBeCloseTo(7, 0);
    expect(values['elastic constants: C44']).toBeLessThan(0.5);
    expect(values['elastic constants: bulk']).toBeLessThan(0.5);
  });

  it('are Infinity where the crystal cannot be computed, and a wrong suite is said to be wrong', async () => {
    const fcc = framesFile([crystal('fcc', [13], 4)]);
    const text = `{kind: elastic, name: Al, structure: ${fcc}, reference: {C11: 100, young: 70}}`;
    expect(await measure(text, refusing('E_OVERLAP'))).toEqual({
      said: ['Al: too close'],
      values: { 'Al: C11': Infinity, 'Al: young': Infinity },
    });
    await expectError(() => measure(text, refusing('E_USAGE')), 'E_USAGE');
    await expectError(
      () => measurement(`{kind: elastic, structure: ${fcc}, reference: {C17: 1}}`),
      'E_USAGE',
      'C11 … C66',
    );
  });
});

describe('a torsion', () => {
  const file = () => framesFile([molecule([8, 8, 1, 1], [0, 0.73, 0, 0, -0.73, 0, 0.9, 1, 0.1, -0.5, -1, 0.7])]);
  /** E = A cos φ, eV. */
  const cosine = (A: number) =>
    new Analytic('cosine', ({ positions }) => {
      const energy = A * Math.cos(dihedral(positions, [2, 0, 1, 3]));
      return { energy, memberEnergies: Float64Array.of(energy) };
    });
  const angles = Array.from({ length: 12 }, (_, k) => 30 * k);
  const known = angles.map((angle) => `[${angle}, ${5 + 0.3 * Math.cos((angle * Math.PI) / 180)}]`);
  const scan = (reference: string) =>
    `{kind: torsion, structure: ${file()}, atoms: "2,0,1,3", relax: false, reference: ${reference}}`;

  it('has the energies of its reference up to a constant', async () => {
    const same = await measure(scan(`[${known}]`), cosine(0.3));
    expect(same.values['torsion: profile']).toBeLessThan(1e-6);
    // The root mean square of 0.1 eV cos φ.
    const other = await measure(scan(`[${known}]`), cosine(0.4));
    expect(other.values['torsion: profile']).toBeCloseTo(100 / Math.SQRT2, 6);
  });

  it('is read from the table of an analysis too', async () => {
    const rows = angles.map((angle) => `${angle - 180.02},${0.3 * Math.cos(((angle - 180) * Math.PI) / 180)},0`);
    const table = textFile('scan.csv', ['angle_deg,energy_eV,sigma_eV', ...rows].join('\n'));
    expect((await measure(scan(table), cosine(0.3))).values['torsion: profile']).toBeLessThan(1e-6);
    const wrong = textFile('other.csv', 'angle,energy\n1,2\n');
    await expectError(() => measure(scan(wrong), cosine(0.3)), 'E_FILE', 'holds no torsion');
    await expectError(() => measurement(scan('[[0, 1], [50, 2], [77, 1]]')), 'E_USAGE', 'multiples of a step');
  });

  it('is Infinity where an angle cannot be computed', async () => {
    const picky = new Analytic('picky', ({ positions }) =>
      Math.abs(dihedral(positions, [2, 0, 1, 3])) < 0.1
        ? new MltsError('E_OVERLAP', 'too close', 'Move away.')
        : { energy: 0, memberEnergies: Float64Array.of(0) },
    );
    expect((await measure(scan(`[${known}]`), picky)).values['torsion: profile']).toBe(Infinity);
  });
});

describe('reactions', () => {
  it('give a metric for each value that is known', async () => {
    const atom = framesFile([molecule([18, 18], [0, 0, 0, 1.2, 0, 0])]);
    const text = `
- {name: split, reactants: {${atom}: 2}, products: {${atom}: 2}, reference: {energy: 0.25}}
- {name: unknown, reactants: [${atom}], products: [${atom}]}
- {name: path, reactants: [${atom}], products: [${atom}], transition: ${atom}, reference: {energy: 0, barrier: 0.1}}
`;
    const list = textFile('reactions.yaml', text);
    const flat = new Analytic('flat', () => ({ energy: -1, memberEnergies: Float64Array.of(-1) }));
    const suite = `{kind: reactions, file: ${list}, relax: false}`;
    expect((await measure(suite, flat)).values).toEqual({
      'reactions: split energy': 250,
      'reactions: path energy': 0,
      'reactions: path barrier': 100,
    });
    const failed = await measure(suite, refusing('E_OVERLAP'));
    expect(Object.values(failed.values)).toEqual([Infinity, Infinity, Infinity]);
    expect(failed.said).toHaveLength(3);
  });
});

describe('a barrier', () => {
  /** Minima near (−0.558, 1.442) and (−0.050, 0.467), saddle at −0.4066; doi:10.1007/BF00547608. */
  const ends = () =>
    `[${framesFile([molecule([1], [-0.5, 1.4, 0])])}, ${framesFile([molecule([1], [-0.05, 0.47, 0])])}]`;

  it('is that of the Müller–Brown surface, from the deeper minimum', async () => {
    const text = `{kind: barrier, ends: ${ends()}, reference: 1.0603467}`;
    expect((await measure(text, muellerBrown())).values['barrier: height']).toBeLessThan(2);
    const off = await measure(text.replace('1.0603467', '0.5603467'), muellerBrown());
    expect(off.values['barrier: height']).toBeGreaterThan(498);
  });

  it('lets the cells change: the Bain path from fcc through bcc to fcc', async () => {
    // The same tetragonal cell, c/a = √2 along two axes.
    const a = latticeConstant(MORSE_ALUMINIUM, FCC_BASIS, 3.8, 4.3);
    const along = (axis: number) => {
      const edges = [0, 1, 2].map((k) => (k === axis ? a : a / Math.SQRT2));
      const cell = Float64Array.of(edges[0], 0, 0, 0, edges[1], 0, 0, 0, edges[2]);
      const positions = Float64Array.of(0, 0, 0, ...edges.map((edge) => edge / 2));
      return framesFile([{ ...crystal('bcc', [13], 1), cell, positions }]);
    };
    const text = `{kind: barrier, ends: [${along(0)}, ${along(1)}], reference: 0, images: 3, cell: true}`;
    const potential = pairPotential(MORSE_ALUMINIUM);
    const [fcc, bcc] = await Promise.all(
      ['fcc', 'bcc'].map(async (lattice) => {
        const curve = Array.from({ length: 60 }, (_, k) =>
          crystal(lattice as 'fcc', [13], (lattice === 'fcc' ? 3.8 : 3) + 0.01 * k),
        );
        const found = await potential.evaluate(curve, new Set());
        return Math.min(...found.map((one, k) => (one as { energy: number }).energy / curve[k].numbers.length));
      }),
    );
    const { values, said } = await measure(text, potential);
    expect(said).toEqual([]);
    // Two atoms in the cell.
    expect(Math.abs(values['barrier: height'] - 2000 * (bcc - fcc))).toBeLessThan(5);
  });

  it('is Infinity where the band runs away', async () => {
    const { values } = await measure(`{kind: barrier, ends: ${ends()}, reference: 1}`, refusing('E_OVERLAP'));
    expect(values).toEqual({ 'barrier: height': Infinity });
    await expectError(() => measurement('{kind: barrier, ends: [a]}'), 'E_USAGE', 'a list of 2');
  });
});
