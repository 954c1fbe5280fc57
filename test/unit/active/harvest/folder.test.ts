import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HarvestFolder } from '../../../../src/active/harvest/folder.ts';
import { structureHash } from '../../../../src/dataset/dataset.ts';
import { readStructures } from '../../../../src/io/read.ts';
import { parseFrameIndex } from '../../../../src/io/slice.ts';
import type { Harvested } from '../../../../src/server/harvest.ts';
import { expectError } from '../../../support/expect-error.ts';
import { temporaryFolder } from '../../../support/servers.ts';

const water = (x = 0): Harvested => ({
  numbers: Int32Array.of(8, 1, 1),
  positions: Float64Array.of(x, 0, 0, 0.96, 0, 0, -0.24, 0.93, 0.1 / 3),
  cell: Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9),
  pbc: [true, true, true],
  ...{ sigma: 0.5, model: 'springs', sha256: 'ab'.repeat(32) },
});

const limits = { maxStructures: 10, maxBytes: 1e6 };
const open = (folder: string, more: Partial<typeof limits> = {}) => new HarvestFolder({ folder, ...limits, ...more });
const filesOf = (folder: string) => readdirSync(folder).sort();

describe('a folder of harvested structures', () => {
  it('holds each in a file of the name that a campaign gives it, to the last bit', () => {
    const folder = join(temporaryFolder(), 'not/there/yet');
    expect(open(folder).keep(water())).toBe('kept');
    const [name, ...others] = filesOf(folder);
    expect(others).toEqual([]);
    const [{ frame }] = [...readStructures(join(folder, name), parseFrameIndex(':'))];
    const { numbers, positions, cell, pbc } = water();
    expect(frame).toMatchObject({ numbers, positions, cell, pbc });
    expect(frame.info).toMatchObject({ sigma_f_max: 0.5, model: 'springs', model_sha256: 'ab'.repeat(32) });
    expect(name).toBe(`${structureHash(frame).toString('hex')}.extxyz`);
  });

  it('holds none twice, whoever put it there', () => {
    const folder = temporaryFolder();
    const [one, other] = [open(folder), open(folder)];
    expect([one, one, other].map((harvest) => harvest.keep(water()))).toEqual(['kept', 'known', 'known']);
    expect(filesOf(folder)).toHaveLength(1);
  });

  it('is bounded in number and in bytes, and has room again where files were taken away', () => {
    const folder = temporaryFolder();
    const few = open(folder, { maxStructures: 3 });
    const answers = [0, 1, 2, 3].map((x) => few.keep(water(x)));
    expect(answers.slice(0, 3)).toEqual(['kept', 'kept', 'kept']);
    expect(answers[3]).toEqual({ full: expect.stringContaining('3 structures') });
    // Another daemon counts what it finds.
    expect(open(folder, { maxStructures: 3 }).keep(water(4))).toHaveProperty('full');
    rmSync(join(folder, filesOf(folder)[0]));
    expect(few.keep(water(5))).toBe('kept');
    const bytes = filesOf(folder).reduce((sum, file) => sum + readFileSync(join(folder, file)).length, 0);
    expect(open(folder, { maxBytes: bytes + 10 }).keep(water(6))).toHaveProperty('full');
    expect(open(folder, { maxBytes: bytes + 1000 }).keep(water(6))).toBe('kept');
  });

  it('loses what a killed process left half-written, and nothing that is being written', () => {
    const folder = temporaryFolder();
    for (const name of ['old.extxyz.7.part', 'new.extxyz.8.part', 'notes.txt']) writeFileSync(join(folder, name), '3');
    utimesSync(join(folder, 'old.extxyz.7.part'), 0, 0);
    utimesSync(join(folder, 'notes.txt'), 0, 0);
    open(folder);
    expect(filesOf(folder)).toEqual(['new.extxyz.8.part', 'notes.txt']);
  });

  it('says what is wrong with it', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expectError(() => open(file), 'E_DISK', file);
    const gone = open(join(folder, 'gone'));
    rmSync(join(folder, 'gone'), { recursive: true });
    expect(gone.keep(water())).toEqual({ failed: expect.stringContaining('no such file or directory') });
  });
});
