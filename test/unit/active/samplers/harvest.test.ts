import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HarvestFolder } from '../../../../src/active/harvest/folder.ts';
import { samplerRule } from '../../../../src/active/samplers/parse.ts';
import { parseYaml } from '../../../../src/dynamics/input/input.ts';
import { expectError } from '../../../support/expect-error.ts';
import { temporaryFolder } from '../../../support/servers.ts';
import { randomNumbers } from '../../../support/systems.ts';

const propose = (folder: string, more = '', seed = 4) =>
  samplerRule(parseYaml(`{kind: harvest, folder: '${folder}'${more}}`, 'learn.yaml')).propose({
    ...{ potential: undefined, model: undefined, random: randomNumbers(seed), seed, threshold: undefined },
    scratch: '/nowhere',
    structures: async () => [],
    say: () => undefined,
    signal: new AbortController().signal,
  });

function harvested(count: number): string {
  const folder = temporaryFolder();
  const kept = new HarvestFolder({ folder, maxStructures: 100, maxBytes: 1e6 });
  for (let x = 0; x < count; x++) {
    kept.keep({
      ...{ numbers: Int32Array.of(1, 1), positions: Float64Array.of(0, 0, 0, 1 + x, 0, 0), cell: undefined },
      ...{ pbc: [false, false, false], sigma: 1, model: 'springs', sha256: 'ab'.repeat(32) },
    });
  }
  return folder;
}
const lengths = (frames: readonly { positions: Float64Array }[]) => frames.map(({ positions }) => positions[3]).sort();

describe('a harvest', () => {
  it('is proposed as it lies there', async () => {
    const folder = harvested(5);
    const { frames, discarded } = await propose(folder);
    expect(lengths(frames)).toEqual([1, 2, 3, 4, 5]);
    expect(frames[0].info).toMatchObject({ sigma_f_max: 1, model: 'springs' });
    expect(discarded).toEqual({ unreadable: 0, 'left out': 0 });
  });

  it('is drawn from at random where it is larger than asked', async () => {
    const folder = harvested(12);
    const { frames, discarded } = await propose(folder, ', count: 4');
    expect(new Set(lengths(frames)).size).toBe(4);
    expect(discarded['left out']).toBe(8);
    expect((await propose(folder, ', count: 4')).frames).toEqual(frames);
    expect(lengths((await propose(folder, ', count: 4', 5)).frames)).not.toEqual(lengths(frames));
  });

  it('may be empty, or hold what is none; it may not be missing', async () => {
    const folder = harvested(2);
    writeFileSync(join(folder, 'torn.extxyz'), '3\nwater\nO 0 0');
    writeFileSync(join(folder, 'x.extxyz.7.part'), '3');
    const { frames, discarded } = await propose(folder);
    expect(frames).toHaveLength(2);
    expect(discarded).toEqual({ unreadable: 1, 'left out': 0 });
    expect((await propose(harvested(0))).frames).toEqual([]);
    await expectError(() => propose('/nowhere/doubt'), 'E_FILE', 'no folder /nowhere/doubt');
    expect(() => samplerRule(parseYaml('{kind: harvest}', 'learn.yaml'))).toThrow(/which folder/);
  });
});
