import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatExtxyz } from '../../../src/io/extxyz.ts';
import type { InfoValue, Structure } from '../../../src/io/structure.ts';
import { ase, read, readFile, temporaryFolder } from './files.ts';

const real = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }).map((x) => x + 0);
const word = fc
  .stringMatching(/^[a-z][a-z_0-9]{0,8}$/)
  .filter((text) => !['pbc', 'pos', 'species', 't', 'f', 'true', 'false'].includes(text));
// Text that reads as a number or boolean is one in this format.
const text = fc
  .string({ unit: 'grapheme-ascii', minLength: 1 })
  .filter((t) => !/^[\s\d.+-]|^[TF[]|^true|^false/i.test(t) && t.trim() === t);
const info: fc.Arbitrary<InfoValue> = fc.oneof(
  real,
  fc.boolean(),
  text,
  fc.array(real, { minLength: 2, maxLength: 9 }),
  fc.array(fc.boolean(), { minLength: 2, maxLength: 3 }),
);

const structure: fc.Arbitrary<Structure> = fc.integer({ min: 0, max: 6 }).chain((n) =>
  fc.record({
    numbers: fc.array(fc.integer({ min: 1, max: 118 }), { minLength: n, maxLength: n }).map((a) => Int32Array.from(a)),
    positions: fc.array(real, { minLength: 3 * n, maxLength: 3 * n }).map((a) => Float64Array.from(a)),
    cell: fc.option(
      fc.array(real, { minLength: 9, maxLength: 9 }).map((a) => Float64Array.from(a)),
      { nil: undefined },
    ),
    pbc: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    info: fc.dictionary(word, info, { maxKeys: 4, noNullPrototype: true }),
    arrays: fc.record({
      forces: fc
        .array(real, { minLength: 3 * n, maxLength: 3 * n })
        .map((a) => ({ kind: 'real' as const, columns: 3, data: Float64Array.from(a) })),
      tag: fc
        .array(fc.integer({ min: -9, max: 9 }), { minLength: n, maxLength: n })
        .map((a) => ({ kind: 'integer' as const, columns: 1, data: Float64Array.from(a) })),
      fixed: fc
        .array(fc.boolean(), { minLength: 2 * n, maxLength: 2 * n })
        .map((data) => ({ kind: 'logical' as const, columns: 2, data })),
      label: fc
        .array(word, { minLength: n, maxLength: n })
        .map((data) => ({ kind: 'string' as const, columns: 1, data })),
    }),
  }),
);

describe('extended XYZ', () => {
  it('gives back what was written, to the last bit', () => {
    fc.assert(
      fc.property(fc.array(structure, { minLength: 1, maxLength: 3 }), (structures) => {
        expect(read('f.xyz', structures.map(formatExtxyz).join(''))).toEqual(structures);
      }),
    );
  });

  it('reads what ASE writes', () => {
    const file = join(temporaryFolder(), 'ase.xyz');
    const want = ase<{ positions: number[]; cell: number[]; energy: number; forces: number[]; numbers: number[] }>(
      `from ase.calculators.singlepoint import SinglePointCalculator
rng = np.random.default_rng(1)
atoms = ase.build.bulk('NaCl', 'rocksalt', a=5.64) * (2, 1, 1)
atoms.set_cell(atoms.cell + rng.normal(size=(3, 3)) * 0.1)
atoms.rattle(0.1, rng=rng)
atoms.pbc = [True, True, False]
atoms.info.update(config_type='a "quoted" name', flags=[True, False], virials=rng.normal(size=(3, 3)), name='x y')
forces = rng.normal(size=(len(atoms), 3))
atoms.calc = SinglePointCalculator(atoms, energy=-1.25, forces=forces)
ase.io.write(args[0], [atoms, atoms], format='extxyz')
back = ase.io.read(args[0])
result = dict(positions=back.positions.ravel().tolist(), cell=back.cell.array.ravel().tolist(), energy=-1.25,
              forces=back.get_forces().ravel().tolist(), numbers=back.numbers.tolist())`,
      file,
    );
    const frames = readFile(file);
    expect(frames.length).toBe(2);
    const [frame] = frames;
    expect([...frame.numbers]).toEqual(want.numbers);
    expect([...frame.positions]).toEqual(want.positions);
    expect([...frame.cell!]).toEqual(want.cell);
    expect(frame.pbc).toEqual([true, true, false]);
    expect(frame.info.energy).toBe(want.energy);
    expect(frame.info.config_type).toBe('a "quoted" name');
    expect(frame.info.flags).toEqual([true, false]);
    expect(frame.info.virials).toHaveLength(9);
    expect([...frame.arrays.forces.data]).toEqual(want.forces);
  });

  it('is read back by ASE', () => {
    const frame: Structure = {
      numbers: Int32Array.of(8, 1, 1),
      positions: Float64Array.of(0, 0, 0.1173, 0, 0.7572, -0.4692, 1e-7, -0.7572, -0.4692),
      cell: Float64Array.of(9, 0, 0, 0.5, 8, 0, 0.25, -1, 7.5),
      pbc: [true, false, true],
      info: { energy: -76.4, note: 'two words', list: [1, 2.5, 3] },
      arrays: { forces: { kind: 'real', columns: 3, data: Float64Array.of(0, 0, 1, 0, 0.5, -0.5, 0, -0.5, -0.5) } },
    };
    const file = join(temporaryFolder(), 'mlts.xyz');
    writeFileSync(file, formatExtxyz(frame));
    const got = ase<Record<string, unknown>>(
      `a = ase.io.read(args[0])
result = dict(n=a.numbers.tolist(), x=a.positions.ravel().tolist(), cell=a.cell.array.ravel().tolist(), pbc=a.pbc.tolist(),
              e=a.get_potential_energy(), f=a.get_forces().ravel().tolist(), note=a.info['note'], list=list(a.info['list']))`,
      file,
    );
    expect(got).toEqual({
      n: [...frame.numbers],
      x: [...frame.positions],
      cell: [...frame.cell!],
      pbc: frame.pbc,
      e: -76.4,
      f: [...frame.arrays.forces.data],
      note: 'two words',
      list: [1, 2.5, 3],
    });
  });

  it('takes columns in any order and atomic numbers for species', () => {
    const [frame] = read(
      'f.extxyz',
      '1\nLattice=[[1,0,0],[0,2,0],[0,0,3]] Properties=force:R:3:Z:I:1:pos:R:3 charge=-1 free\n1 2 3 17 4 5 6D-1\n',
    );
    expect([...frame.numbers]).toEqual([17]);
    expect([...frame.positions]).toEqual([4, 5, 0.6]);
    expect([...frame.cell!]).toEqual([1, 0, 0, 0, 2, 0, 0, 0, 3]);
    expect(frame.pbc).toEqual([true, true, true]);
    expect(frame.info).toEqual({ charge: -1, free: true });
    expect([...frame.arrays.force.data]).toEqual([1, 2, 3]);
  });
});

describe('plain XYZ', () => {
  it('reads frames, odd symbols, further columns, CRLF and blank lines at the end', () => {
    const frames = read('f.xyz', '2\r\nwater = wet? or not\r\nO 0 0 0 0.1\r\nCL 0 0 1\r\n1\n\n 6 .5 -1e0 2.\n\n\n');
    expect(frames.map(({ numbers }) => [...numbers])).toEqual([[8, 17], [6]]);
    expect([...frames[1].positions]).toEqual([0.5, -1, 2]);
    expect(frames[0].info).toEqual({ comment: 'water = wet? or not' });
    expect(frames[0].cell).toBeUndefined();
    expect(frames[0].pbc).toEqual([false, false, false]);
  });
});

describe('a damaged XYZ file', () => {
  it.each([
    ['truncated', '2\n\nH 0 0 0\n', /f\.xyz:3: the file ends where atom 1 of 2 should follow/],
    ['no count', 'H 0 0 0\n', /f\.xyz:1: the number of atoms is 'H 0 0 0'/],
    ['a NaN', '1\n\nH 0 nan 0\n', /f\.xyz:3: pos is 'nan', not a finite number/],
    ['a missing column', '1\n\nH 0 0\n', /f\.xyz:3: 3 columns where 4 were promised/],
    ['an unknown element', '1\n\nXx 0 0 0\n', /f\.xyz:3: 'Xx' is no element/],
    ['number 0', '1\n\n0 0 0 0\n', /f\.xyz:3: '0' is no element/],
    ['a short lattice', '1\nLattice="1 2 3 4"\nH 0 0 0\n', /f\.xyz:2: Lattice has 4 numbers/],
    ['no positions', '1\nProperties=species:S:1\nH\n', /f\.xyz:2: Properties 'species:S:1' holds no positions/],
    ['an odd kind', '1\nProperties=species:S:1:pos:Q:3\nH 0 0 0\n', /f\.xyz:2: Properties has 'pos:Q:3'/],
    ['an open quote', '1\nLattice="1 0 0\nH 0 0 0\n', /f\.xyz:2: the comment line is not key=value pairs/],
    ['an odd pbc', '1\nLattice="1 0 0 0 1 0 0 0 1" pbc="T T"\nH 0 0 0\n', /f\.xyz:2: pbc is 'T T'/],
  ])('with %s is refused with file and line', (_, content, message) => {
    expect(() => read('f.xyz', content)).toThrow(
      expect.objectContaining({ code: 'E_FILE', what: expect.stringMatching(message) }),
    );
  });

  it('of any bytes is a typed error or frames', () => {
    const noise = fc.oneof(fc.string(), fc.stringMatching(/^[0-3]\n[A-Za-z= ":,{}[\]0-9]{0,40}\n[HC .0-9\n-]{0,40}$/));
    fc.assert(
      fc.property(noise, (content) => {
        try {
          read('f.xyz', content);
        } catch (error) {
          expect(error).toMatchObject({ code: 'E_FILE' });
        }
      }),
    );
  });
});
