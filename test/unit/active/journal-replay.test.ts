import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Entry, Journal } from '../../../src/active/journal.ts';
import { temporaryFolder } from '../../support/servers.ts';

it('a journal of 100 000 entries is replayed in at most 2 s', () => {
  const file = join(temporaryFolder(), 'journal.jsonl');
  const sha256 = 'f'.repeat(64);
  const entryOf = (k: number): Entry => ({
    ...{ round: Math.floor(k / 8), stage: `stage-${k % 8}`, inputs: { config: sha256, 'round-0000/a.extxyz': sha256 } },
    ...{ outputs: { 'round-0000/b.extxyz': sha256 }, counts: { frames: k, failed: 0 }, seconds: 1 },
    at: '2026-01-01T00:00:00.000Z',
  });
  writeFileSync(file, Array.from({ length: 100_000 }, (_, k) => `${JSON.stringify(entryOf(k))}\n`).join(''));
  const start = performance.now();
  const journal = new Journal(file);
  const seconds = (performance.now() - start) / 1000;
  journal.close();
  console.log(`${seconds.toFixed(2)} s`);
  expect(journal.entries).toHaveLength(100_000);
  expect(journal.find(12_499, 'stage-7')).toEqual(entryOf(99_999));
  expect(seconds).toBeLessThan(2);
});
