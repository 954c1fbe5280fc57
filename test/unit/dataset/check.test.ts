import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { checkDataset, LIMITS } from '../../../src/dataset/check/check.ts';
import { closestBelow } from '../../../src/dataset/check/closest.ts';
import { atomicEnergy } from '../../../src/dataset/check/units.ts';
import type { Frame } from '../../../src/dataset/dataset.ts';
import { splitDataset } from '../../../src/dataset/split.ts';
import { selfEnergiesOf, summarise } from '../../../src/dataset/summary.ts';
import { BOHR, HARTREE, KCAL_PER_MOL } from '../../../src/units.ts';
import { shakenWaters, store } from '../../support/labelled-sets.ts';

const folder = mkdtempSync(join(tmpdir(), 'mlts-check-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const nothing = () => undefined;

function check(frames: readonly Frame[]) {
  const set = store(join(folder, 'set.mltsdata'), frames);
  try {
    return checkDataset(set, LIMITS, nothing);
  } finally {
    set.close();
  }
}

const scaled = (energy: number, force: number) =>
  shakenWaters(60).map((frame) => ({
    ...frame,
    energy: frame.energy! * energy,
    forces: frame.forces!.map((component) => component * force),
  }));

describe('units and signs, as the numbers tell', () => {
  it('finds nothing wrong with eV and eV/Å', () => {
    const { problems, remarks, faults, clean, consistency } = check(scaled(1, 1));
    expect({ problems, faults }).toEqual({ problems: [], faults: [] });
    expect(remarks).toEqual([
      'energies are total ones in eV',
      expect.stringMatching(/^forces are −∂E\/∂R in the units/),
    ]);
    expect(clean).toHaveLength(60);
    expect(consistency!.slope).toBeGreaterThan(0.95);
    expect(consistency!.slope).toBeLessThan(1.05);
  });

  it.each([
    ['hartree', 1 / HARTREE],
    ['kcal/mol', 1 / KCAL_PER_MOL],
    ['kJ/mol', 4.184 / KCAL_PER_MOL],
  ])('energies in %s', (unit, factor) => {
    expect(check(scaled(factor, factor)).problems).toEqual([expect.stringContaining(`total ones in ${unit}, not eV`)]);
  });

  it('the sign of forces, by work and by bonds alone', () => {
    expect(check(scaled(1, -1)).problems).toEqual([expect.stringContaining('sign of +∂E/∂R')]);
    const alone = scaled(1, -1).map(({ energy: _, ...frame }) => frame);
    const { problems, consistency } = check(alone);
    expect(problems).toEqual([expect.stringContaining('sign of +∂E/∂R')]);
    expect(consistency!.slope).toBeNaN();
    const right = check(scaled(1, 1).map(({ energy: _, ...frame }) => frame));
    expect(right.problems).toEqual([]);
    expect(right.remarks).toContainEqual(expect.stringContaining('forces have the right sign, by bonds'));
  });

  it('forces in other units than energies', () => {
    expect(check(scaled(1, 1 / HARTREE)).problems).toEqual([
      expect.stringMatching(/change by 2[67].* their units differ/),
    ]);
    expect(check(scaled(1, BOHR)).problems).toEqual([expect.stringMatching(/change by 1\.[89].* their units differ/)]);
  });

  it('says where energies cannot tell', () => {
    const relative = shakenWaters(20).map((frame) => ({ ...frame, energy: frame.energy! + 2078.5 - 3 }));
    expect(check(relative)).toMatchObject({ problems: [] });
    expect(check(relative).remarks[0]).toContain('no total ones with all electrons');
  });

  it('the formula for atoms is within a few per cent of Hartree–Fock and DFT', () => {
    for (const [z, energy] of [
      [1, -0.5],
      [6, -37.84],
      [7, -54.58],
      [8, -75.06],
      [17, -460.1],
      [13, -242.3],
    ]) {
      expect(Math.abs(atomicEnergy(z) / energy - 1)).toBeLessThan(0.08);
    }
  });
});

it('every fault is counted once, with its first frame, and only faultless frames are clean', () => {
  const good = shakenWaters(60);
  const nan = (of: Float64Array) => Float64Array.from(of, (x, i) => (i === 4 ? Number.NaN : x));
  const [a, b, c, d, e, f, g, h, i, j] = shakenWaters(80).slice(60);
  const { energy: _, forces: __, ...bare } = a;
  const bad: Frame[] = [
    bare,
    { ...b, energy: Number.NaN },
    { ...c, forces: nan(c.forces!) },
    { ...d, positions: nan(d.positions) },
    { ...e, virial: nan(new Float64Array(9)) },
    { ...f, positions: Float64Array.of(0, 0, 0, 0.3, 0, 0, 0, 1, 0) },
    { ...g, forces: g.forces!.map((x) => x + 1) },
    good[5],
    { ...good[6], energy: -1 },
    { ...h, energy: h.energy! + 500 },
    { ...i, forces: Float64Array.of(900, 0, 0, -900, 0, 0, 0, 0, 0) },
    j,
  ];
  const { faults, clean } = check([...good, ...bad]);
  expect(faults.map(({ reason, count, first }) => [first - 60, count, reason])).toEqual([
    [0, 1, 'neither energy nor forces'],
    [1, 1, 'an energy that is not finite'],
    [2, 1, 'forces that are not finite'],
    [3, 1, 'a position or cell that is not finite'],
    [4, 1, 'a virial that is not finite'],
    [5, 1, 'atoms closer than 0.5 Å'],
    [6, 1, 'a net force above 0.05 eV/Å √atoms'],
    [7, 1, 'the same structure as an earlier frame'],
    [8, 1, 'the same structure as an earlier frame, with another label'],
    [9, 1, 'an energy far from all others of like composition'],
    [10, 1, 'a force far above all others'],
  ]);
  expect([...clean]).toEqual([...Array.from({ length: 60 }, (_, k) => k), 71]);
});

it('several levels of theory are a problem, missing labels a remark', () => {
  const frames = shakenWaters(12).map((frame, k) => (k < 4 ? { ...frame, level: 'PBE' } : frame));
  const { forces: _, ...unlabelled } = frames[11];
  const { problems, remarks } = check([...frames.slice(0, 11), unlabelled]);
  expect(problems).toEqual(['several levels of theory: 4 of PBE, 8 of wB97X/6-31G*']);
  expect(remarks).toContain('1 of 12 frames have no forces');
});

it('the closest two atoms, images among them, as all pairs and images have them', () => {
  const cells = [Float64Array.of(3, 0, 0, 1, 2.5, 0, -0.7, 0.4, 2), Float64Array.of(0.4, 0, 0, 0, 5, 0, 0.1, 0, 5)];
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: 6, maxLength: 12 }),
      fc.constantFrom(...cells),
      fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
      (values, cell, pbc) => {
        const n = Math.floor(values.length / 3);
        const positions = Float64Array.from(values.slice(0, 3 * n));
        let least = Infinity;
        const range = pbc.map((periodic) => (periodic ? 24 : 0));
        for (let p = 0; p < n; p++) {
          for (let q = p; q < n; q++) {
            for (let x = -range[0]; x <= range[0]; x++) {
              for (let y = -range[1]; y <= range[1]; y++) {
                for (let z = -range[2]; z <= range[2]; z++) {
                  if (p === q && x === 0 && y === 0 && z === 0) continue;
                  const d = [0, 1, 2].map(
                    (k) =>
                      positions[3 * p + k] - positions[3 * q + k] + x * cell[k] + y * cell[3 + k] + z * cell[6 + k],
                  );
                  least = Math.min(least, Math.hypot(...d));
                }
              }
            }
          }
        }
        const found = closestBelow(0.5, { numbers: new Int32Array(n).fill(1), positions, cell, pbc });
        if (least < 0.5 - 1e-9) expect(found).toBeCloseTo(least, 9);
        else if (least > 0.5 + 1e-9) expect(found).toBe(Infinity);
      },
    ),
    { numRuns: 30 },
  );
});

it('a summary counts, and fits what composition explains', () => {
  const waters = shakenWaters(30, 0);
  const hydrogen = { numbers: Int32Array.of(1, 1), positions: Float64Array.of(0, 0, 0, 0.74, 0, 0), energy: -31 };
  const set = store(join(folder, 'sum.mltsdata'), [...waters, hydrogen]);
  const summary = summarise(set, nothing);
  expect(summary).toMatchObject({ frames: 31, atoms: 92, smallest: 2, largest: 3, periodic: 0, groups: 0 });
  expect([...summary.elements]).toEqual([
    ['H', 31],
    ['O', 30],
  ]);
  const { energies } = selfEnergiesOf(summary)!;
  expect(energies.H).toBeCloseTo(-15.5, 6);
  expect(energies.O).toBeCloseTo(-2078.5 + 31, 6);
});

it('sixteen blocks and a test part share all frames, equal structures together', () => {
  const frames = shakenWaters(400);
  const set = store(join(folder, 'split.mltsdata'), [...frames, ...frames]);
  const parts = splitDataset(set, { validation: 0, test: 0.1, blocks: true, by: 'content' });
  expect([...parts.keys()]).toEqual([...Array.from({ length: 16 }, (_, k) => String(k).padStart(2, '0')), 'test']);
  expect([...parts.values()].flatMap((part) => [...part]).sort((p, q) => p - q)).toEqual([...Array(800).keys()]);
  for (const part of parts.values()) {
    expect([...part].filter((k) => k < 400)).toEqual([...part].flatMap((k) => (k >= 400 ? [k - 400] : [])));
  }
  const grouped = store(
    join(folder, 'groups.mltsdata'),
    frames.map((frame, k) => ({ ...frame, group: `${k % 20}` })),
  );
  const byGroup = splitDataset(grouped, { validation: 0.2, test: 0.2, blocks: false, by: 'group' });
  const owners = [...byGroup.values()].map((part) => new Set([...part].map((k) => k % 20)));
  expect(owners.reduce((sum, { size }) => sum + size, 0)).toBe(20);
});
