import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { operationsOf, orbit, parseOperation } from '../../../src/io/cif-symmetry.ts';
import { formatPoscar } from '../../../src/io/poscar.ts';
import { type Structure, volumeOf } from '../../../src/io/structure.ts';
import { ase, read, readFile, temporaryFolder } from './files.ts';

interface Wanted {
  numbers: number[];
  positions: number[];
  cell: number[];
}

const DUMP =
  'result = dict(numbers=a.numbers.tolist(), positions=a.positions.ravel().tolist(), cell=a.cell.array.ravel().tolist())';

function expectSame(got: Structure, want: Wanted): void {
  expect([...got.numbers]).toEqual(want.numbers);
  for (const [i, x] of want.cell.entries()) expect(got.cell![i]).toBeCloseTo(x, 8);
  for (const [i, x] of want.positions.entries()) expect(got.positions[i]).toBeCloseTo(x, 8);
}

const POSCAR5 = `fcc with a defect
-66.430125
 1 0 0
 0 1.0 0
 0 0 1.d0
Al_pv O/1a2b
 3 1
Selective dynamics
Direct
 0 0 0 T T F
 0.5 0.5 0 T T T
 0.5 0 0.5 F F F
 0 0.5 0.5 .TRUE. .FALSE. T
`;

describe('POSCAR', () => {
  it('of VASP 5 with a volume for scale and selective dynamics', () => {
    const [frame] = read('POSCAR', POSCAR5);
    expect([...frame.numbers]).toEqual([13, 13, 13, 8]);
    expect(volumeOf(frame.cell!)).toBeCloseTo(66.430125, 10);
    expect(frame.positions[3]).toBeCloseTo(2.025, 10);
    expect(frame.arrays.selective.data).toEqual([
      true,
      true,
      false,
      true,
      true,
      true,
      false,
      false,
      false,
      true,
      false,
      true,
    ]);
  });

  it('of VASP 4, Cartesian and scaled by axis', () => {
    const [frame] = read('x.vasp', 'H O\n2 3 4\n1 0 0\n0 1 0\n0.5 0 1\n2 1\ncart\n.1 .2 .3\n.1 .2 .4\n.5 .5 .5\n');
    expect([...frame.numbers]).toEqual([1, 1, 8]);
    expect([...frame.cell!]).toEqual([2, 0, 0, 0, 3, 0, 1, 0, 4]);
    expect(frame.positions[1]).toBeCloseTo(0.6, 12);
  });

  it('gives back what was written, and ASE reads the same', () => {
    const [frame] = read('POSCAR', POSCAR5);
    const file = join(temporaryFolder(), 'CONTCAR');
    writeFileSync(file, formatPoscar(frame as Structure & { cell: Float64Array }));
    const [back] = readFile(file);
    expect(back.numbers).toEqual(frame.numbers);
    expect(back.positions).toEqual(frame.positions);
    expect(back.cell).toEqual(frame.cell);
    expect(back.arrays).toEqual(frame.arrays);
    expectSame(back, ase<Wanted>(`a = ase.io.read(args[0], format='vasp')\n${DUMP}`, file));
  });

  it('of ASE is read', () => {
    const file = join(temporaryFolder(), 'POSCAR.ase');
    const want = ase<Wanted>(
      `a = ase.build.bulk('ZnO', 'wurtzite', a=3.25, c=5.2) * (2, 1, 1)
a.rattle(0.02, seed=1)
ase.io.write(args[0], a, format='vasp', direct=True)
a = ase.io.read(args[0], format='vasp')
${DUMP}`,
      file,
    );
    expectSame(readFile(file)[0], want);
  });

  it.each([
    ['scale 0', POSCAR5.replace('-66.430125', '0'), /POSCAR:2: the scale factor is '0'/],
    ['an unknown element', POSCAR5.replace('Al_pv', 'Qq'), /POSCAR:7: 'Qq' is no element/],
    ['counts that do not match', POSCAR5.replace(' 3 1', ' 3'), /POSCAR:7: 1 numbers of atoms for the elements/],
    ['atoms missing', POSCAR5.replace(' 3 1', ' 3 2'), /POSCAR:13: the file ends where atom 4 of 5 should follow/],
    ['a word for a flag', POSCAR5.replace('T T F', 'T x F'), /POSCAR:10: the selective-dynamics flag is 'x'/],
    ['a word for a coordinate', POSCAR5.replace('0.5 0.5 0', '0.5 half 0'), /POSCAR:11: a coordinate is 'half'/],
  ])('with %s is refused with file and line', (_, text, message) => {
    expect(() => read('POSCAR', text)).toThrow(
      expect.objectContaining({ code: 'E_FILE', what: expect.stringMatching(message) }),
    );
  });
});

const QUARTZ = `# alpha quartz
data_quartz
_publ_author 'O'Neil, A.'
_cell_length_a 4.9134(2)
_cell_length_b 4.9134
_CELL_LENGTH_C 5.4052
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 120
SYMMETRY
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Si1 Si4+ 0.4699(1) 0 0.66667 1.0
O1 O2- 0.4141 0.2681 0.7854 1
`;

const P3221 = ['x,y,z', '-Y, x-y, z+2/3', '-x+y, -x, 1/3+z', 'y, x, -z', 'x-y, -y, -z+1/3', '-x,-x+y,-z+0.6666667'];
const LISTED = QUARTZ.replace(
  'SYMMETRY',
  `loop_\n_symmetry_equiv_pos_as_xyz\n${P3221.map((op) => `'${op}'`).join('\n')}`,
);

/** Both lists hold the same atoms, up to lattice vectors and order. */
function expectSameCrystal(got: Structure, want: Wanted): void {
  const key = (numbers: ArrayLike<number>, positions: ArrayLike<number>, cell: ArrayLike<number>) => {
    const inverse = invert(cell);
    return Array.from(numbers, (z, i) => {
      const s = [0, 1, 2].map((k) => {
        const x =
          positions[3 * i] * inverse[k] + positions[3 * i + 1] * inverse[3 + k] + positions[3 * i + 2] * inverse[6 + k];
        return (Math.round((x - Math.floor(x)) * 500) % 500).toString().padStart(3, '0');
      });
      return `${z} ${s.join(' ')}`;
    }).sort();
  };
  for (const [i, x] of want.cell.entries()) expect(got.cell![i]).toBeCloseTo(x, 6);
  expect(key(got.numbers, got.positions, got.cell!)).toEqual(key(want.numbers, want.positions, want.cell));
}

function invert(m: ArrayLike<number>): number[] {
  const v = volumeOf(m);
  const minor = (a: number, b: number, c: number, d: number) => (m[a] * m[d] - m[b] * m[c]) / v;
  return [
    ...[minor(4, 5, 7, 8), minor(2, 1, 8, 7), minor(1, 2, 4, 5)],
    ...[minor(5, 3, 8, 6), minor(0, 2, 6, 8), minor(2, 0, 5, 3)],
    ...[minor(3, 4, 6, 7), minor(1, 0, 7, 6), minor(0, 1, 3, 4)],
  ];
}

describe('CIF', () => {
  let quartz: Wanted;
  beforeAll(() => {
    // From the symbol, which ASE needs even beside listed operations.
    const text = QUARTZ.replace('SYMMETRY', "_symmetry_space_group_name_H-M 'P 32 2 1'");
    quartz = ase<Wanted>(`import io\na = ase.io.read(io.StringIO(args[0]), format='cif')\n${DUMP}`, text);
  });

  it.each([
    ['listed operations', LISTED],
    ['a Hermann–Mauguin symbol', QUARTZ.replace('SYMMETRY', "_symmetry_space_group_name_H-M 'P 32 2 1'")],
    ['a Hall symbol', QUARTZ.replace('SYMMETRY', `_space_group_name_Hall 'P 32 2"'`)],
    ['a number', QUARTZ.replace('SYMMETRY', '_space_group_IT_number 154')],
  ])('with %s holds the atoms that ASE finds', (_, text) => {
    expect(quartz.numbers.length).toBe(9);
    expectSameCrystal(read('quartz.cif', text)[0], quartz);
  });

  it.each([
    ['225', "ase.spacegroup.crystal(['Na','Cl'], [(0,0,0),(.5,.5,.5)], spacegroup=225, cellpar=[5.64]*3+[90]*3)", 8],
    ['227 in choice 1', "ase.spacegroup.crystal('Si', [(0,0,0)], spacegroup=227, cellpar=[5.43]*3+[90]*3)", 8],
    [
      '167',
      "ase.spacegroup.crystal(['Al','O'], [(0,0,.352),(.306,0,.25)], spacegroup=167, cellpar=[4.76,4.76,12.99,90,90,120])",
      30,
    ],
    ['14', "ase.spacegroup.crystal(['C','O'], [(.1,.2,.3),(.4,.15,.85)], spacegroup=14, cellpar=[5,6,7,90,103,90])", 8],
    ['2', "ase.spacegroup.crystal(['C','N'], [(.1,.2,.3),(.5,.5,0)], spacegroup=2, cellpar=[5,6,7,81,103,95])", 3],
  ])('that ASE writes for space group %s is read alike', (_, program, atoms) => {
    const file = join(temporaryFolder(), 'a.cif');
    const want = ase<Wanted>(
      `a = ${program}\nase.io.write(args[0], a, format='cif')\na = ase.io.read(args[0])\n${DUMP}`,
      file,
    );
    expect(want.numbers.length).toBe(atoms);
    expectSameCrystal(readFile(file)[0], want);
  });

  it('expands to as many images as the group has operations', () => {
    for (const [number, order] of [
      [1, 1],
      [2, 2],
      [14, 4],
      [62, 8],
      [167, 36],
      [225, 192],
      [230, 96],
    ]) {
      const operations = operationsOf({ hall: undefined, hermannMauguin: undefined, number })!;
      expect(orbit([0.113, 0.271, 0.389], operations)).toHaveLength(order);
    }
  });

  it.each([
    ['-x+1/2, y, 0.25-z', [-1, 0, 0, 0, 1, 0, 0, 0, -1], [0.5, 0, 0.25]],
    ['Y-X,1/3+Z,X', [-1, 1, 0, 0, 0, 1, 1, 0, 0], [0, 1 / 3, 0]],
  ])('reads the operation %s', (text, rotation, translation) => {
    expect(parseOperation(text)).toEqual({ rotation, translation });
  });

  it.each(['x,y', 'x,y,w', 'x,y,', '2x,y,z', 'x,y,z+1/', ''])('refuses the operation %j', (text) => {
    expect(parseOperation(text)).toBeUndefined();
  });

  it.each([
    [
      'a partly occupied site',
      LISTED.replace('0.7854 1', '0.7854 0.5'),
      /data_quartz: the site O1 is occupied by 0\.5, not 1/,
    ],
    ['an unknown coordinate', LISTED.replace('0.2681', '?'), /entry 2 of _atom_site_fract_y is \?, not a number/],
    ['a missing cell length', LISTED.replace('_cell_length_b 4.9134', ''), /_cell_length_b is missing/],
    ['a flat cell', LISTED.replace('gamma 120', 'gamma 180'), /the cell angles enclose no volume/],
    ['an odd operation', LISTED.replace('y, x, -z', 'y, x, -q'), /'y, x, -q' is no symmetry operation/],
    [
      'an unknown group',
      QUARTZ.replace('SYMMETRY', "_symmetry_space_group_name_H-M 'P 99'"),
      /no space group is known as 'P 99'/,
    ],
    ['a broken loop', LISTED.replace('0.7854 1', '0.7854'), /not valid CIF: .*multiple of tags/],
  ])('with %s is refused', (_, text, message) => {
    expect(() => read('q.cif', text)).toThrow(
      expect.objectContaining({ code: 'E_FILE', what: expect.stringMatching(message) }),
    );
  });
});
