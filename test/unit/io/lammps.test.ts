import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLammpsData } from '../../../src/io/lammps-data.ts';
import { formatLammpsData } from '../../../src/io/lammps-format.ts';
import { openLines } from '../../../src/io/lines.ts';
import { type Structure, volumeOf } from '../../../src/io/structure.ts';
import { ase, read, readFile, temporaryFolder } from './files.ts';

const data = (atoms: string, { types = 2, header = '', rest = '\nMasses\n\n1 15.999\n2 1.008 # H\n' } = {}) =>
  `water\n\n${atoms.trim().split('\n').length - 2} atoms\n${types} atom types\n0 5 xlo xhi\n-1 6 ylo yhi\n0 8.5 zlo zhi\n${header}${rest}\n${atoms}\n`;

const POSITIONS = [0.1, 0.2, 0.3, 1, 0.2, 0.3, 0.1, 1.2, 0.3];

const STYLES: [string, string][] = [
  ['atomic', 'Atoms # atomic\n\n2 2 1.0 0.2 0.3\n1 1 0.1 0.2 0.3\n3 2 0.1 1.2 0.3'],
  ['atomic with images', 'Atoms\n\n1 1 0.1 0.2 0.3 0 0 -1\n2 2 1.0 0.2 0.3 0 1 0\n3 2 0.1 1.2 0.3 0 0 0'],
  ['charge', 'Atoms # charge\n\n1 1 -1 0.1 0.2 0.3\n2 2 1 1.0 0.2 0.3\n3 2 1 0.1 1.2 0.3'],
  ['charge without a hint', 'Atoms\n\n1 1 -0.8 0.1 0.2 0.3\n2 2 0.4 1.0 0.2 0.3\n3 2 0.4 0.1 1.2 0.3'],
  ['molecular', 'Atoms # molecular\n\n1 7 1 0.1 0.2 0.3\n2 7 2 1.0 0.2 0.3\n3 7 2 0.1 1.2 0.3'],
  ['full', 'Atoms # full\n\n1 7 1 -0.8 0.1 0.2 0.3\n2 7 2 0.4 1.0 0.2 0.3 # second\n3 7 2 0.4 0.1 1.2 0.3'],
  [
    'full without a hint',
    'Atoms\n\n1 7 1 -0.8 0.1 0.2 0.3 0 0 0\n2 7 2 0.4 1.0 0.2 0.3 0 0 0\n3 7 2 0.4 0.1 1.2 0.3 0 0 0',
  ],
];

describe('LAMMPS data', () => {
  it.each(STYLES)('of style %s is read in order of ids', (_, atoms) => {
    const [frame] = read('water.data', data(atoms));
    expect([...frame.numbers]).toEqual([8, 1, 1]);
    expect([...frame.positions]).toEqual(POSITIONS);
    expect([...frame.cell!]).toEqual([5, 0, 0, 0, 7, 0, 0, 0, 8.5]);
    expect(frame.pbc).toEqual([true, true, true]);
  });

  it('with a tilted box and sections of topology', () => {
    const rest = '\nMasses\n\n1 15.999\n2 1.008\n\nVelocities\n\n1 0 0 0\n\nBonds\n\n1 1 1 2\n';
    const header = '1 bonds\n1 bond types\n0.5 -0.25 1.5 xy xz yz\n';
    const [frame] = read('data.water', data(STYLES[0][1], { header, rest }));
    expect([...frame.cell!]).toEqual([5, 0, 0, 0.5, 7, 0, -0.25, 1.5, 8.5]);
    expect([...frame.numbers]).toEqual([8, 1, 1]);
  });

  it('with type labels, and elements given by the caller', () => {
    const labelled = data('Atoms # atomic\n\n1 O 0.1 0.2 0.3\n2 H 1.0 0.2 0.3\n3 H 0.1 1.2 0.3', {
      rest: '\nAtom Type Labels\n\n1 O\n2 H\n',
    });
    expect([...read('a.data', labelled)[0].numbers]).toEqual([8, 1, 1]);
    const file = join(temporaryFolder(), 'b.data');
    writeFileSync(file, data(STYLES[0][1]));
    expect([...[...readLammpsData(openLines(file), ['S', 'F'])][0].numbers]).toEqual([16, 9, 9]);
  });

  it('with general triclinic vectors', () => {
    const text = `t\n\n1 atoms\n1 atom types\n1 2 0 avec\n-2 1 0 bvec\n0 0 3 cvec\n0 0 0 abc origin\n\nMasses\n\n1 26.98\n\nAtoms # atomic\n\n1 1 0 0 0\n`;
    expect([...read('a.data', text)[0].cell!]).toEqual([1, 2, 0, -2, 1, 0, 0, 0, 3]);
  });

  it('of ASE is read, and ours by ASE', () => {
    const folder = temporaryFolder();
    const [theirs, ours] = [join(folder, 'ase.data'), join(folder, 'mlts.data')];
    const want = ase<{ cell: number[]; positions: number[]; numbers: number[] }>(
      `atoms = ase.build.bulk('Al', 'fcc', a=4.05) * (2, 2, 1)
atoms.rattle(0.05, seed=3)
atoms.symbols[1] = 'O'
ase.io.write(args[0], atoms, format='lammps-data', masses=True)
a = ase.io.read(args[0], format='lammps-data')
result = dict(cell=a.cell.array.ravel().tolist(), positions=a.positions.ravel().tolist(), numbers=a.numbers.tolist())`,
      theirs,
    );
    const [frame] = readFile(theirs);
    expect([...frame.numbers]).toEqual(want.numbers);
    for (const [i, x] of want.cell.entries()) expect(frame.cell![i]).toBeCloseTo(x, 8);
    for (const [i, x] of want.positions.entries()) expect(frame.positions[i]).toBeCloseTo(x, 8);

    writeFileSync(ours, formatLammpsData(frame));
    const back = ase<typeof want>(
      `a = ase.io.read(args[0], format='lammps-data')
result = dict(cell=a.cell.array.ravel().tolist(), positions=a.positions.ravel().tolist(), numbers=a.numbers.tolist())`,
      ours,
    );
    expect(back.numbers).toEqual(want.numbers);
    for (const [i, x] of want.positions.entries()) expect(back.positions[i]).toBeCloseTo(x, 8);
  });

  it('turns a general cell into LAMMPS’ own without changing a distance', () => {
    const frame: Structure = {
      numbers: Int32Array.of(6, 8),
      positions: Float64Array.of(0.3, -0.2, 0.7, 1.4, 0.9, 1.1),
      cell: Float64Array.of(1, 4, 0.5, -5, 1, 0.25, 0.3, -0.2, 6),
      pbc: [true, true, true],
      info: {},
      arrays: {},
    };
    const [back] = read('c.data', formatLammpsData(frame));
    const length = (x: ArrayLike<number>, i: number, j: number) =>
      Math.hypot(x[i] - x[j], x[i + 1] - x[j + 1], x[i + 2] - x[j + 2]);
    expect(volumeOf(back.cell!)).toBeCloseTo(volumeOf(frame.cell!), 9);
    expect(back.cell!.slice(1, 3)).toEqual(Float64Array.of(0, 0));
    expect(length(back.positions, 0, 3)).toBeCloseTo(length(frame.positions, 0, 3), 12);
    for (const [i, j] of [
      [0, 3],
      [0, 6],
      [3, 6],
    ])
      expect(length(back.cell!, i, j)).toBeCloseTo(length(frame.cell!, i, j), 12);
  });
});

describe('a damaged LAMMPS data file', () => {
  it.each([
    ['an unknown style', data(STYLES[0][1].replace('atomic', 'sphere')), /the atom style 'sphere' is not read/],
    ['columns that say nothing', data('Atoms\n\n1 1 1 0.1 0.2 0.3\n2 2 1 1 1 1'), /the atom style cannot be told/],
    [
      'a type beyond the header',
      data('Atoms # atomic\n\n1 3 0 0 0'),
      /a\.data:16: the atom type '3' is not among the 2/,
    ],
    [
      'a mass of no element',
      data(STYLES[0][1], { rest: '\nMasses\n\n1 5.5\n2 1\n' }),
      /type 1 cannot be told from its mass 5\.5/,
    ],
    ['no masses', data(STYLES[0][1], { rest: '' }), /the element of atom type \d cannot be told without a mass/],
    [
      'atoms missing',
      data(STYLES[0][1]).replace('3 atoms', '4 atoms'),
      /3 atoms in the Atoms section, 4 in the header/,
    ],
    ['no Atoms', 'x\n\n1 atoms\n1 atom types\n', /there is no Atoms section/],
    ['a box inside out', data(STYLES[0][1]).replace('0 5 xlo', '5 0 xlo'), /the box has xlo xhi = 5 0/],
    ['a NaN', data(STYLES[0][1]).replace(' 1.0 ', ' nan '), /a\.data:16: a coordinate is 'nan'/],
    ['a title alone', 'x\n', /the header does not say how many atoms/],
  ])('with %s is refused', (_, text, message) => {
    expect(() => read('a.data', text)).toThrow(
      expect.objectContaining({ code: 'E_FILE', what: expect.stringMatching(message) }),
    );
  });
});
