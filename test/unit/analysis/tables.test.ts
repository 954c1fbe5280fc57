import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { averages, readColumns } from '../../../src/analysis/averages.ts';
import { renderSvg } from '../../../src/analysis/plot.ts';
import { close, expectClose } from '../../support/close.ts';
import { expectError } from '../../support/expect-error.ts';
import { lammps, python } from '../../support/python.ts';
import { randomNumbers } from '../../support/systems.ts';
import { normal } from '../../support/trajectories.ts';
import { temporaryFolder } from '../io/files.ts';

const file = (name: string, text: string) => {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
};

describe('averages of a log', () => {
  it('of CSV: each walker for itself, counters left out, equilibration skipped', () => {
    const random = randomNumbers(6);
    const rows = Array.from({ length: 600 }, (_, k) => {
      const walker = k % 2;
      const start = 200 * Math.exp(-k / 20);
      return [
        k >> 1,
        walker,
        300 + 100 * walker + start + 5 * normal(random),
        k === 0 ? '' : -1 + 0.1 * normal(random),
      ];
    });
    const log = readColumns(
      file('a.csv', `step,walker,temperature_K,p\n${rows.map((row) => row.join(',')).join('\n')}\n`),
    );
    const { columns, skipped, walkers } = averages(log, { columns: ['temperature_K'] });
    expect(walkers).toBe(2);
    expect(skipped).toBeGreaterThan(15);
    const [temperature] = columns;
    expect(Math.abs(temperature.mean - 350)).toBeLessThan(4 * temperature.error);
    expect(close(temperature.error, 5 / Math.sqrt(2 * (300 - skipped)), 0, 0.5)).toBe(true);
    expect(Math.abs(temperature.drift)).toBeLessThan(4);
    expect(averages(log, { columns: ['temperature_K'], skip: 0 }).columns[0].drift).toBeLessThan(-1.5);
    // A value that is missing is left out: p of the first row.
    expect(averages(log, { skip: 0 }).columns.map(({ name }) => name)).toEqual(['temperature_K', 'p']);
    expect(averages(log, { columns: ['p'], skip: 0 }).columns[0].mean).toBeCloseTo(-1, 1);
  });

  it('a column that only has rounding errors does not say when equilibration ends', () => {
    const random = randomNumbers(8);
    const temperature = Float64Array.from({ length: 400 }, () => 300 + 5 * normal(random));
    // Wanders, by the last digits.
    let volume = 39599.6;
    const volumes = temperature.map(() => (volume += 1e-11 * normal(random)));
    const without = averages(new Map([['T', temperature]]));
    const log = new Map([
      ['T', temperature],
      ['V', volumes],
    ]);
    expect(averages(log).skipped).toBe(without.skipped);
  });

  it('of a LAMMPS log are those of numpy over all its runs', () => {
    const log = lammps(
      `units lj
lattice fcc 0.8
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 1
pair_style lj/cut 2.5
pair_coeff * * 1 1
velocity all create 1.5 1
fix 1 all nve
thermo 5
run 100
thermo_style custom step temp press
run 50`,
      temporaryFolder(),
    );
    const columns = readColumns(file('log.lammps', log));
    const steps = columns.get('Step')!;
    // 0, 5 … 100 of the first run, 105 … 150 of the second: the step between them once.
    expectClose(
      steps,
      Float64Array.from({ length: 31 }, (_, k) => 5 * k),
      0,
      'steps',
    );
    const want = python<number[]>(
      `import numpy as np
rows, on = {}, None
for line in given.splitlines():
    words = line.split()
    if words[:1] == ["Step"]:
        on = words.index("Temp")
    elif line.startswith("Loop"):
        on = None
    elif on is not None and words and words[0].isdigit():
        rows[int(words[0])] = float(words[on])
x = np.array(list(rows.values()))
result = [float(x.mean()), float(x.std(ddof=1))]`,
      log,
    );
    const [temperature] = averages(columns, { columns: ['Temp'], skip: 0 }).columns;
    expectClose([temperature.mean, temperature.deviation], want, 1e-12, 'temperature');
  });

  it('say what is wrong', async () => {
    const log = readColumns(file('a.csv', 'step,T\n0,1\n1,2\n2,3\n3,4\n4,5\n'));
    await expectError(() => averages(log, { columns: ['TT'] }), 'E_USAGE', "no column 'TT' with values");
    await expectError(() => averages(log, { skip: 3 }), 'E_EMPTY', '2 rows are left of 5');
    await expectError(() => readColumns(file('b.csv', 'step,T\n0\n')), 'E_FILE', 'b.csv:2: 1 values under 2 names');
    await expectError(() => readColumns(file('b.csv', 'step,T\n0,warm\n')), 'E_FILE', "T is 'warm'");
    await expectError(() => readColumns(file('c.log', 'nothing here\n')), 'E_FILE', 'no table');
    await expectError(() => readColumns(file('c.log', '')), 'E_FILE', 'empty');
  });
});

describe('plots', () => {
  it('are SVG with their title, axes, curves and error bars; a point that is no number is left out', async () => {
    const svg = await renderSvg({
      ...{ title: 'Title & more', x: 'r / Å', y: 'g' },
      curves: [
        {
          name: 'first',
          points: [
            [0, 1],
            [1, Number.NaN],
            [2, 3],
          ],
          errors: [0.1, 0.1, 0.2],
        },
        {
          name: 'second',
          points: [
            [0, 2],
            [2, 1],
          ],
          style: 'points',
        },
      ],
    });
    expect(svg).toMatch(/^<svg [^>]*width="760"/);
    for (const text of ['Title &amp; more', 'r / Å', 'first', 'second']) expect(svg).toContain(text);
    expect(svg).not.toContain('NaN');
    const bare = await renderSvg({
      title: 'T',
      x: 'x',
      y: 'y',
      curves: [
        {
          name: 'first',
          points: [
            [0, 1],
            [2, 3],
          ],
        },
      ],
    });
    expect(svg.length).toBeGreaterThan(bare.length + 500);
  });

  it('logarithmic ones leave out what has no logarithm', async () => {
    const svg = await renderSvg({
      ...{ title: 'T', x: 'x', y: 'y', logarithmic: true },
      curves: [
        {
          name: 'a',
          points: [
            [0, 1],
            [1, 10],
            [10, 100],
          ],
        },
      ],
    });
    expect(svg).not.toMatch(/NaN|Infinity/);
  });
});
