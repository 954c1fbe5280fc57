import { afterEach, describe, expect, it, vi } from 'vitest';
import { build, repeated } from '../../../src/dynamics/structures/build.ts';
import { packing } from '../../../src/dynamics/structures/packing.ts';
import { symbolOf } from '../../../src/elements.ts';
import type { Structure } from '../../../src/io/structure.ts';
import { volumeOf } from '../../../src/io/structure.ts';
import { errorOf, expectError } from '../../support/expect-error.ts';
import { randomNumbers } from '../../support/systems.ts';

const made = (spec: string, seed = 1) => build(spec, seed, randomNumbers(seed));

/** Distances from an atom to all others and their images, ascending, with the element at the end of each. */
function around({ numbers, positions, cell }: Structure, atom: number): { distance: number; number: number }[] {
  const found: { distance: number; number: number }[] = [];
  for (let j = 0; j < numbers.length; j++) {
    for (let image = 0; image < 125; image++) {
      const shift = [(image % 5) - 2, (Math.floor(image / 5) % 5) - 2, Math.floor(image / 25) - 2];
      const d = [0, 1, 2].map(
        (k) =>
          positions[3 * j + k] - positions[3 * atom + k] + shift.reduce((sum, s, v) => sum + s * cell![3 * v + k], 0),
      );
      const distance = Math.hypot(...d);
      if (distance > 1e-6) found.push({ distance, number: numbers[j] });
    }
  }
  return found.sort((a, b) => a.distance - b.distance);
}

describe('crystals', () => {
  const ideal = Math.sqrt(8 / 3);
  it.each([
    ['sc:Po:3.35', 1, 6, 3.35, 3.35 ** 3],
    ['bcc:Fe:2.87', 2, 8, (2.87 * Math.sqrt(3)) / 2, 2.87 ** 3],
    ['fcc:Al:4.05', 4, 12, 4.05 / Math.SQRT2, 4.05 ** 3],
    ['diamond:Si:5.43', 8, 4, (5.43 * Math.sqrt(3)) / 4, 5.43 ** 3],
    ['hcp:Mg:3.2', 2, 12, 3.2, (3.2 ** 3 * ideal * Math.sqrt(3)) / 2],
    ['betasn:Sn:5.83:3.18', 4, 4, Math.sqrt(5.83 ** 2 / 4 + 3.18 ** 2 / 16), 5.83 ** 2 * 3.18],
    ['rocksalt:NaCl:5.64', 8, 6, 2.82, 5.64 ** 3],
    ['zincblende:GaAs:5.65', 8, 4, (5.65 * Math.sqrt(3)) / 4, 5.65 ** 3],
    ['cesiumchloride:CsCl:4.12', 2, 8, (4.12 * Math.sqrt(3)) / 2, 4.12 ** 3],
    ['wurtzite:ZnO:3.25', 4, 4, (3.25 * ideal * 3) / 8, (3.25 ** 3 * ideal * Math.sqrt(3)) / 2],
  ])('%s has %i atoms in its cell, each with %i neighbours', (spec, atoms, neighbours, distance, volume) => {
    const structure = made(spec);
    expect(structure.numbers.length).toBe(atoms);
    expect(volumeOf(structure.cell!)).toBeCloseTo(volume, 9);
    const isCompound = new Set(structure.numbers).size === 2;
    for (let atom = 0; atom < atoms; atom++) {
      const shell = around(structure, atom).filter((other) => other.distance < distance + 1e-6);
      expect(shell).toHaveLength(neighbours);
      for (const other of shell) {
        expect(other.distance).toBeCloseTo(distance, 9);
        expect(other.number !== structure.numbers[atom]).toBe(isCompound);
      }
    }
  });

  it('repeat without a change of the neighbourhoods', async () => {
    const cell = made('hcp:Mg:3.2:5.2');
    const large = repeated(cell, [3, 2, 4]);
    expect(large.numbers.length).toBe(48);
    expect(volumeOf(large.cell!)).toBeCloseTo(24 * volumeOf(cell.cell!), 6);
    const distances = (structure: Structure, atom: number) =>
      around(structure, atom)
        .slice(0, 30)
        .map(({ distance }) => distance.toFixed(8));
    expect(distances(large, 29)).toEqual(distances(cell, 29 % 2));
    const gas: Structure = { ...cell, cell: undefined, pbc: [false, false, false] };
    await expectError(() => repeated(gas, [1, 2, 1]), 'E_CELL', 'along b');
  });
});

describe('random packing', () => {
  it('has the density and keeps the distances', () => {
    const structure = made('random:Si30O60:2.2:1.5');
    expect(structure.numbers.filter((number) => number === 14)).toHaveLength(30);
    // 30·28.085 + 60·15.999 amu at 2.2 g/cm³
    expect(volumeOf(structure.cell!)).toBeCloseTo(((30 * 28.085 + 60 * 15.999) * 1.6605390666) / 2.2, 6);
    for (let atom = 0; atom < 90; atom++) expect(around(structure, atom)[0].distance).toBeGreaterThanOrEqual(1.5);
    expect(made('random:Si30O60:2.2:1.5').positions).toEqual(structure.positions);
    expect(made('random:Si30O60:2.2:1.5', 2).positions).not.toEqual(structure.positions);
  });

  it('fills boxes of any shape, and keeps the distances across each face', () => {
    const atom = { numbers: Int32Array.of(13), positions: new Float64Array(3), count: 40 };
    const shape = [1, 2, 1.5] as const;
    const box = packing({ pieces: [atom], density: 2.4, minDistance: 2.2, shape, random: randomNumbers(3) });
    expect(box.cell![4] / box.cell![0]).toBeCloseTo(2, 12);
    expect(box.cell![8] / box.cell![0]).toBeCloseTo(1.5, 12);
    expect((40 * 26.9815385 * 1.6605390666) / volumeOf(box.cell!)).toBeCloseTo(2.4, 5);
    for (let i = 0; i < 40; i++) expect(around(box, i)[0].distance).toBeGreaterThanOrEqual(2.2);
  });

  it('says so where there is no room', async () => {
    await expectError(() => made('random:Al64:9'), 'E_LIMIT', 'no room for atom');
  });
});

describe('SMILES', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('become molecules with all their hydrogens', () => {
    const { numbers, positions } = made('smiles:CCO');
    expect([...numbers].map(symbolOf).sort().join('')).toBe('CCHHHHHHO');
    const bond = Math.hypot(...[0, 1, 2].map((k) => positions[k] - positions[3 + k]));
    expect(bond).toBeGreaterThan(1.45);
    expect(bond).toBeLessThan(1.6);
  });

  it('fill boxes', () => {
    const { numbers, positions, cell } = made('smiles:O*20:0.9');
    expect(numbers.length).toBe(60);
    expect(volumeOf(cell!)).toBeCloseTo((20 * 18.015 * 1.6605390666) / 0.9, 6);
    // Each molecule kept its shape.
    for (let i = 0; i < 60; i += 3) {
      const bond = Math.hypot(...[0, 1, 2].map((k) => positions[3 * i + k] - positions[3 * i + 3 + k]));
      expect(bond).toBeGreaterThan(0.9);
      expect(bond).toBeLessThan(1.05);
    }
  });

  it('mix: one among others', async () => {
    const { numbers, cell } = made('smiles:CCO,O*5:0.5');
    expect([...numbers].map(symbolOf).join('')).toBe('CCOHHHHHHOHHOHHOHHOHHOHH');
    expect(volumeOf(cell!)).toBeCloseTo(((46.069 + 5 * 18.015) * 1.6605390666) / 0.5, 6);
    await expectError(() => made('smiles:CCO,O*0:0.5'), 'E_USAGE', "'O*0' is no molecule at all");
  });

  it('are refused where they are none, or where there is no RDKit', async () => {
    await expectError(() => made('smiles:C1CC'), 'E_USAGE', 'no SMILES');
    vi.stubEnv('MLTS_PYTHON', '/nonexistent/python');
    await expectError(() => made('smiles:CCO'), 'E_UNAVAILABLE', 'need RDKit');
  });
});

it.each([
  ['diamnd:Si:5', "Did you mean 'diamond'"],
  ['fcc:Al', 'lattice constant a is missing'],
  ['fcc:Al:-4', "'-4'"],
  ['fcc:Al:4:5', 'one lattice constant'],
  ['fcc:Al2:4', 'takes 1 element'],
  ['rocksalt:Na:5', 'takes 2 elements'],
  ['fcc:Qq:4', "'Qq' is no element"],
  ['random:Al10', 'density is missing'],
  ['random:al10:2', 'no formula'],
  ['', "there is no ''"],
])('%s is refused', async (spec, message) => {
  const { message: text } = await errorOf(() => made(spec), 'E_USAGE');
  expect(text).toContain(message);
});
