/** The parts of the benchmark whose faults would look like measurements. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type BenchModel, type Shape, weightBytes } from '../../../bench/lib/models.ts';
import { median, quantile, spread } from '../../../bench/lib/statistics.ts';
import { generate, type Recipe, readStructure, type Structure } from '../../../bench/lib/structures.ts';
import { page } from '../../../bench/lib/table.ts';

const cases = JSON.parse(readFileSync(new URL('../../../bench/cases.json', import.meta.url), 'utf8')) as {
  models: Record<string, Shape>;
  structures: Record<string, Recipe>;
};
const folder = mkdtempSync(join(tmpdir(), 'mlts-bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('statistics', () => {
  it('interpolate between order statistics', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(quantile([1, 2, 3, 4, 5], 0.25)).toBe(2);
    expect(quantile([5], 0.99)).toBe(5);
    expect(spread([1, 2, 3, 4, 5])).toBeCloseTo(2 / 3);
  });

  it('refuse an empty sample', () => {
    expect(() => median([])).toThrow(/measured nothing/);
  });
});

/** Smallest distance between two atoms of a small structure, periodic images included, Å. */
function closest({ symbols, positions, cell }: Structure): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < symbols.length; i++) {
    for (let j = 0; j < i; j++) {
      const d = [0, 1, 2].map((axis) => {
        const x = positions[3 * i + axis] - positions[3 * j + axis];
        return cell === undefined ? x : x - cell[4 * axis] * Math.round(x / cell[4 * axis]);
      });
      least = Math.min(least, Math.hypot(...d));
    }
  }
  return least;
}

describe('generated structures', () => {
  const sizes: Record<string, number> = {
    ...{ alcohol_9: 9, alcohol_33: 33, alcohol_264: 264, water_96: 96, water_384: 384, water_1500: 1500 },
    ...{ water_6000: 6000, water_24000: 24_000, water_100k: 101_277, al_2048: 2048 },
  };

  it('are all accounted for here', () => {
    expect(Object.keys(cases.structures).sort()).toEqual(Object.keys(sizes).sort());
  });

  it.each(Object.keys(sizes))('%s has the atoms of its name and reads back as it was made', (name) => {
    const made = generate(folder, name, cases.structures[name]);
    expect(made.symbols).toHaveLength(sizes[name]);
    const read = readStructure(made.path);
    expect(read.symbols).toEqual(made.symbols);
    expect(read.cell).toEqual(made.cell);
    for (let i = 0; i < 99 && i < made.positions.length; i++)
      expect(read.positions[i]).toBeCloseTo(made.positions[i], 7);
  });

  it('are the same each time', () => {
    const [first, second] = [0, 1].map(() => generate(folder, 'again', cases.structures.water_96));
    expect(second.positions).toEqual(first.positions);
  });

  it.each(['alcohol_33', 'water_384'])('%s has no atoms on top of each other', (name) => {
    const distance = closest(generate(folder, name, cases.structures[name]));
    expect(distance).toBeGreaterThan(0.9);
    expect(distance).toBeLessThan(1);
  });

  it('water has 1 g/cm³', () => {
    const { symbols, cell } = generate(folder, 'density', cases.structures.water_1500);
    const grams = ((symbols.length / 3) * 18.015) / 6.02214076e23;
    const volume = (cell as Float64Array)[0] * (cell as Float64Array)[4] * (cell as Float64Array)[8] * 1e-24;
    expect(grams / volume).toBeCloseTo(1, 2);
  });

  it('that are no extended XYZ are refused', () => {
    expect(() => readStructure(new URL('../../../bench/cases.json', import.meta.url).pathname)).toThrow(
      /not an extended/,
    );
  });
});

describe('the floor of bytes', () => {
  it('counts the weights of the columns that can be non-zero, in both orientations', () => {
    const model: BenchModel = { ...cases.models['ani-2x'], name: 'ani-2x', path: '', weights: 'random' };
    // Water: 2 × 16 radial and 3 × 32 angular columns for H and O.
    const hydrogen = 128 * 256 + 256 * 192 + 192 * 160 + 160;
    const oxygen = 128 * 192 + 192 * 160 + 160 * 128 + 128;
    expect(weightBytes(model, new Set(['H', 'O']))).toBe(2 * 4 * 8 * (hydrogen + oxygen));
  });
});

describe('the page', () => {
  it('has every column, leaves missing cells empty and says what was missed', () => {
    const text = page({
      machine: { cpu: 'C', cores: 2, memoryGigabytes: 8, vectors: 'avx2', node: 'v20' },
      threads: 2,
      rounds: 3,
      compared: false,
      sections: {
        one: {
          title: 'One',
          rows: [{ a: 1 }, { a: 2, b: 'x' }],
          checks: [{ claim: 'fast', measured: '9 ms', holds: false }],
          notes: ['A note.'],
        },
      },
    });
    expect(text).toContain('| a | b |\n| --- | --- |\n| 1 |  |\n| 2 | x |');
    expect(text).toContain('- **missed**: fast (9 ms)');
    expect(text).toContain('The prototype was not there');
  });
});
