import { describe, expect, it } from 'vitest';
import type { Result, System } from '../../../src/engine/potential.ts';
import { overlap, resultFault, validateSystem } from '../../../src/engine/validate.ts';
import type { Code } from '../../../src/errors.ts';
import { testModel } from '../../support/models.ts';

const { model } = testModel('test-two');
const water: System = {
  numbers: Int32Array.of(8, 1, 1),
  positions: Float64Array.of(0, 0, 0, 0.96, 0, 0, -0.24, 0.93, 0),
};
const box = Float64Array.of(9, 0, 0, 1, 8, 0, -1, 2, 7);
const all = [true, true, true] as const;

/** The system with some of its fields replaced by anything. */
const having = (change: Record<string, unknown>): System => ({ ...water, ...change }) as System;
const cell = (...values: number[]) => Float64Array.from(values);

describe('a system that is right has no fault', () => {
  it.each<[string, System]>([
    ['a molecule', water],
    ['a molecule with a zero cell and no pbc', having({ cell: new Float64Array(9), pbc: [false, false, false] })],
    ['a crystal', having({ cell: box, pbc: all })],
    ['a slab with a zero third vector', having({ cell: cell(9, 0, 0, 0, 9, 0, 0, 0, 0), pbc: [true, true, false] })],
    [
      'a slab with a dependent third vector',
      having({ cell: cell(9, 0, 0, 0, 9, 0, 9, 9, 0), pbc: [true, true, false] }),
    ],
    ['a chain', having({ cell: cell(0, 0, 0, 0, 3, 0, 0, 0, 0), pbc: [false, true, false] })],
    ['a small and a long cell', having({ cell: cell(0.9, 0, 0, 0, 900, 0, 0, 0, 9), pbc: all })],
    ['a domain', having({ owned: 2 })],
    ['a domain with only ghosts', having({ owned: 0 })],
    ['a domain without atoms', { numbers: new Int32Array(0), positions: new Float64Array(0), owned: 0 }],
  ])('%s', (_, system) => expect(validateSystem(system, model)).toBeUndefined());
});

describe('a fault has its code, says what and where, and what to do', () => {
  const faults: [string, System, Code, string[], number?][] = [
    ['numbers of another type', having({ numbers: [8, 1, 1] }), 'E_SHAPE', ['numbers', 'Int32Array']],
    ['positions of another type', having({ positions: new Float32Array(9) }), 'E_SHAPE', ['positions', 'Float64Array']],
    ['too few positions', having({ positions: new Float64Array(8) }), 'E_SHAPE', ['8 values', '9']],
    ['a cell of six', having({ cell: new Float64Array(6), pbc: all }), 'E_SHAPE', ['cell', '6 values']],
    ['a cell of another type', having({ cell: [...box], pbc: all }), 'E_SHAPE', ['cell']],
    ['two directions', having({ cell: box, pbc: [true, true] }), 'E_SHAPE', ['pbc']],
    ['pbc of numbers', having({ cell: box, pbc: [1, 1, 1] }), 'E_SHAPE', ['pbc']],
    ['more owned than there are', having({ owned: 4 }), 'E_SHAPE', ['owned is 4', '3']],
    ['negative owned', having({ owned: -1 }), 'E_SHAPE', ['owned is -1']],
    ['half an owned atom', having({ owned: 1.5 }), 'E_SHAPE', ['owned is 1.5']],
    ['a periodic domain', having({ owned: 2, cell: box, pbc: all }), 'E_SHAPE', ['domain']],
    ['no atoms', { numbers: new Int32Array(0), positions: new Float64Array(0) }, 'E_EMPTY', ['no atoms']],
    ['bromine', having({ numbers: Int32Array.of(8, 35, 1) }), 'E_SPECIES', ['Br (atom 1)', 'test-two', 'H O'], 1],
    ['element 0', having({ numbers: Int32Array.of(8, 1, 0) }), 'E_SPECIES', ['Z=0 (atom 2)'], 2],
    ['element −1', having({ numbers: Int32Array.of(-1, 1, 1) }), 'E_SPECIES', ['Z=-1'], 0],
    ['element 2³¹−1', having({ numbers: Int32Array.of(2147483647, 1, 1) }), 'E_SPECIES', ['Z=2147483647'], 0],
    [
      'NaN',
      having({ positions: water.positions.with(4, Number.NaN) }),
      'E_NONFINITE',
      ['y coordinate of atom 1 is NaN'],
      1,
    ],
    [
      'infinity',
      having({ positions: water.positions.with(8, Number.NEGATIVE_INFINITY) }),
      'E_NONFINITE',
      ['z coordinate of atom 2 is -Infinity'],
      2,
    ],
    [
      'a coordinate beyond reason',
      having({ positions: water.positions.with(0, 1e300) }),
      'E_LIMIT',
      ['x coordinate of atom 0', '1e+300'],
      0,
    ],
    ['no cell', having({ pbc: [true, false, true] }), 'E_CELL', ['a, c', 'no cell']],
    ['a zero vector', having({ cell: cell(9, 0, 0, 0, 0, 0, 0, 0, 9), pbc: all }), 'E_CELL', ['vector b is zero']],
    [
      'NaN in the cell',
      having({ cell: box.with(5, Number.NaN), pbc: all }),
      'E_NONFINITE',
      ['component z of cell vector b is NaN'],
    ],
    ['a cell beyond reason', having({ cell: box.with(8, 1e9), pbc: all }), 'E_LIMIT', ['vector c is 1000000000']],
    [
      'a left-handed cell',
      having({ cell: cell(0, 9, 0, 9, 0, 0, 0, 0, 9), pbc: all }),
      'E_CELL',
      ['left-handed', '-729'],
    ],
    [
      'dependent vectors',
      having({ cell: cell(9, 0, 0, 0, 9, 0, 9, 9, 0), pbc: all }),
      'E_CELL',
      ['singular', 'a, b, c'],
    ],
    [
      'parallel vectors of a slab',
      having({ cell: cell(9, 0, 0, 18, 0, 0, 0, 0, 9), pbc: [true, true, false] }),
      'E_CELL',
      ['singular'],
    ],
    [
      'a tiny cell',
      having({ cell: cell(0.01, 0, 0, 0, 0.01, 0, 0, 0, 0.01), pbc: all }),
      'E_CELL',
      ['0.0100', 'images', '4.6'],
    ],
    ['a flat cell', having({ cell: cell(9, 0, 0, 0, 9, 0, 8e4, 0, 1), pbc: all }), 'E_CELL', ['images']],
  ];
  it.each(faults)('%s', (_, system, code, parts, atom) => {
    const fault = validateSystem(system, model);
    expect(fault?.code, fault?.message).toBe(code);
    for (const part of parts) expect(fault!.what).toContain(part);
    expect(fault!.atom).toBe(atom);
    expect(fault!.remedy.length).toBeGreaterThan(8);
  });
});

describe('a result', () => {
  it.each<[string, Result, string]>([
    ['with a NaN energy', { energy: Number.NaN }, 'energy is NaN'],
    [
      'with an infinite force',
      { energy: 1, forces: Float64Array.of(0, 0, 0, 0, Number.POSITIVE_INFINITY, 0) },
      'atom 1 is Infinity',
    ],
  ])('%s is E_NONFINITE', (_, result, part) => {
    const fault = resultFault(result);
    expect(fault?.code).toBe('E_NONFINITE');
    expect(fault?.what).toContain(part);
  });

  it('that is finite is none', () => expect(resultFault({ energy: -1, forces: new Float64Array(3) })).toBeUndefined());
});

it('an overlap names the atoms, the distance and the bound', () => {
  expect(overlap(3, 7, 0.12345, model)).toMatchObject({
    code: 'E_OVERLAP',
    what: 'atoms 3 and 7 are 0.1235 Å apart, test-two needs at least 0.5 Å',
    atom: 3,
  });
  expect(overlap(2, 2, 0.4, model).what).toContain('atom 2 and its periodic image');
});
