import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppendFile } from '../../../src/dynamics/output/append-file.ts';
import { readCheckpoint, writeCheckpoint } from '../../../src/dynamics/output/checkpoint.ts';
import { TRAJECTORY_FORMATS, TrajectoryFile } from '../../../src/dynamics/output/trajectory-file.ts';
import { readDcd } from '../../../src/io/dcd.ts';
import type { Structure } from '../../../src/io/structure.ts';
import { dcdFrame } from '../../../src/io/write-dcd.ts';
import { expectClose } from '../../support/close.ts';
import { expectError } from '../../support/expect-error.ts';
import { ase, readFile, temporaryFolder } from '../io/files.ts';

const CELLS = {
  orthogonal: [10, 0, 0, 0, 11, 0, 0, 0, 12],
  triclinic: [10, 0, 0, -2, 11, 0, 1, -3, 12],
  general: [9, 1, 0.5, -2, 11, 0.2, 1, -3, 12],
};

function frame(step: number, cell?: readonly number[]): Structure {
  const positions = Float64Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9.123456], (x) => x + 0.01 * step);
  const real = (scale: number) =>
    ({ kind: 'real', columns: 3, data: positions.map((x, i) => scale * x * (i % 2 ? -1 : 1)) }) as const;
  return {
    numbers: Int32Array.of(8, 1, 1),
    positions,
    cell: cell && Float64Array.from(cell),
    pbc: cell ? [true, true, false] : [false, false, false],
    info: { step, time: 0.5 * step },
    arrays: { velocities: real(1e-3), forces: real(0.1) },
  };
}

const options = (name: string, format: (typeof TRAJECTORY_FORMATS)[number], walkers = 1) => ({
  ...{ name, format, walkers, timestep: 0.5, every: 10, title: 'mlts test' },
});

describe.each(TRAJECTORY_FORMATS)('trajectories in %s', (format) => {
  it('cut back to a checkpoint and written on are the same, byte for byte', () => {
    const folder = temporaryFolder();
    const write = (file: TrajectoryFile, steps: number[]) => {
      for (const step of steps) for (const walker of [0, 1]) file.write(walker, frame(step, CELLS.triclinic));
    };
    const files = ['extxyz'].includes(format) ? [`.${format}`] : [`.0.${format}`, `.1.${format}`];
    const whole = new TrajectoryFile(options(join(folder, 'whole'), format, 2));
    write(whole, [0, 10, 20, 30]);
    whole.close();
    const broken = new TrajectoryFile(options(join(folder, 'broken'), format, 2));
    write(broken, [0, 10]);
    const { place } = broken;
    write(broken, [20]);
    broken.close();
    for (const file of files) writeFileSync(join(folder, `broken${file}`), 'half a fra', { flag: 'a' });
    const resumed = new TrajectoryFile(options(join(folder, 'broken'), format, 2), place);
    write(resumed, [20, 30]);
    resumed.close();
    for (const file of files) {
      expect(readFileSync(join(folder, `broken${file}`))).toEqual(readFileSync(join(folder, `whole${file}`)));
    }
  });
});

describe.each(Object.entries(CELLS))('a dump of a cell that is %s', (_, cell) => {
  it('is read by ASE and by mlts', () => {
    const file = join(temporaryFolder(), 'run.dump');
    const trajectory = new TrajectoryFile(options(file.slice(0, -5), 'dump'));
    for (const step of [0, 10]) trajectory.write(0, frame(step, cell));
    trajectory.close();
    const want = frame(10, cell);
    const [, mine] = readFile(file);
    expect([...mine.numbers]).toEqual([8, 1, 1]);
    expect(mine.pbc).toEqual(want.pbc);
    expectClose(mine.cell!, cell, 1e-6, 'cell');
    expectClose(mine.positions, want.positions, 1e-6, 'positions');
    if (cell === CELLS.general) return; // ASE 3.29 does not read these
    const theirs = ase<{ cell: number[]; positions: number[]; forces: number[]; symbols: string[]; pbc: boolean[] }>(
      `a = ase.io.read(args[0], index=1, format='lammps-dump-text')
result = dict(cell=a.cell.array.ravel().tolist(), positions=a.positions.ravel().tolist(), pbc=a.pbc.tolist(),
              forces=a.get_forces().ravel().tolist(), symbols=a.get_chemical_symbols())`,
      file,
    );
    expect(theirs.symbols).toEqual(['O', 'H', 'H']);
    expect(theirs.pbc).toEqual(want.pbc);
    expectClose(theirs.cell, cell, 1e-6, 'cell by ASE');
    expectClose(theirs.positions, want.positions, 1e-6, 'positions by ASE');
    expectClose(theirs.forces, (want.arrays.forces as { data: Float64Array }).data, 1e-5, 'forces by ASE');
  });
});

describe.each([
  ['no cell', undefined],
  ['a triclinic cell', CELLS.triclinic],
])('a DCD file with %s', (_, cell) => {
  it('is read by mlts', () => {
    const file = join(temporaryFolder(), 'run.dcd');
    const trajectory = new TrajectoryFile(options(file.slice(0, -4), 'dcd'));
    for (const step of [0, 10, 20]) trajectory.write(0, frame(step, cell));
    trajectory.close();
    expect(readFileSync(file).readInt32LE(8)).toBe(3);
    const frames = [...readDcd(file, Int32Array.of(8, 1, 1))];
    expect(frames).toHaveLength(3);
    expect(frames[2].info.step).toBe(20);
    expect(frames[2].info.time).toBeCloseTo(10, 5);
    expectClose(frames[2].positions, frame(20).positions, 1e-5, 'positions');
    if (cell) expectClose(frames[2].cell!, cell, 1e-6, 'cell');
  });
});

it('a frame of a DCD file is that of LAMMPS', () => {
  const folder = temporaryFolder();
  const { numbers, positions, cell } = frame(0, CELLS.triclinic);
  const atoms = Array.from(
    numbers,
    (_, i) => `create_atoms 1 single ${positions.subarray(3 * i, 3 * i + 3).join(' ')}`,
  );
  const script = `units metal
boundary p p p
box tilt large
region r prism 0 10 0 11 0 12 -2 1 -3 units box
create_box 1 r
${atoms.join('\n')}
mass 1 1
pair_style zero 2
pair_coeff * *
dump d all dcd 1 lammps.dcd
dump_modify d unwrap yes
run 0
`;
  writeFileSync(join(folder, 'in'), script);
  const lmp = join(import.meta.dirname, '../../../.venv/bin/lmp');
  const { status, stdout, error } = spawnSync(lmp, ['-in', 'in', '-log', 'none'], { cwd: folder, encoding: 'utf8' });
  if (error) throw new Error(`${lmp} cannot run: \`npm run setup\` installs it`, { cause: error });
  expect(status, stdout).toBe(0);
  const mine = dcdFrame({ positions, cell });
  const theirs = readFileSync(join(folder, 'lammps.dcd')).subarray(-mine.length);
  // The cell's record first: 6 doubles that may differ in their last bit.
  const cellOf = (frame: Buffer) => [0, 1, 2, 3, 4, 5].map((k) => frame.readDoubleLE(4 + 8 * k));
  expectClose(cellOf(mine), cellOf(theirs), 1e-12, 'cell');
  expect(theirs.subarray(56)).toEqual(mine.subarray(56));
});

it('extended XYZ says which walker a frame is of', () => {
  const file = join(temporaryFolder(), 'run.extxyz');
  const trajectory = new TrajectoryFile(options(file.slice(0, -7), 'extxyz', 2));
  for (const walker of [0, 1]) trajectory.write(walker, frame(0, CELLS.general));
  trajectory.close();
  const frames = readFile(file);
  expect(frames.map(({ info }) => info.walker)).toEqual([0, 1]);
  expectClose(frames[1].cell!, CELLS.general, 0, 'cell');
});

describe('a file that grows', () => {
  it('refuses to go on where it lost what the checkpoint knows', async () => {
    const file = join(temporaryFolder(), 'log.csv');
    writeFileSync(file, 'abc');
    await expectError(() => new AppendFile(file, 4), 'E_FILE', 'holds 3 bytes, the checkpoint knows 4');
    await expectError(() => new AppendFile(`${file}.gone`, 4), 'E_FILE', 'holds 0 bytes');
    await expectError(() => new AppendFile('/nonexistent/x'), 'E_DISK', '/nonexistent/x');
  });
});

describe('checkpoints', () => {
  it('give back what they were given, to the last bit', () => {
    const file = join(temporaryFolder(), 'run.checkpoint');
    const state = {
      step: 7,
      positions: Float64Array.of(-0, 0.1, Number.NaN, 5e-324),
      seeds: [1n, 2n],
      none: undefined,
    };
    writeCheckpoint(file, { step: 6 });
    writeCheckpoint(file, state);
    const back = readCheckpoint(file) as typeof state;
    expect(back).toEqual(state);
    expect(Buffer.from(back.positions.buffer, back.positions.byteOffset, 32)).toEqual(
      Buffer.from(state.positions.buffer),
    );
  });

  it('that are missing or damaged are refused', async () => {
    const file = join(temporaryFolder(), 'run.checkpoint');
    await expectError(() => readCheckpoint(file), 'E_FILE', 'no checkpoint to resume from');
    writeCheckpoint(file, { step: 7 });
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(file, bytes);
    await expectError(() => readCheckpoint(file), 'E_CHECKSUM', 'damaged');
    writeFileSync(file, bytes.subarray(0, 20));
    await expectError(() => readCheckpoint(file), 'E_CHECKSUM', 'damaged');
  });
});
