import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Entry, Journal, replay } from '../../../src/active/journal.ts';
import { expectError } from '../../support/expect-error.ts';
import { temporaryFolder } from '../../support/servers.ts';

const HASH = 'c0ffee'.padEnd(64, '0');

const entry = (round: number, stage: string): Entry => ({
  round,
  stage,
  inputs: { config: HASH, 'round-0000/proposed.extxyz': HASH },
  outputs: { 'round-0000/scored.extxyz': HASH },
  counts: { frames: round },
  seconds: 0.5,
  at: '2026-01-02T03:04:05.678Z',
});

function written(...entries: Entry[]): string {
  const file = join(temporaryFolder(), 'journal.jsonl');
  const journal = new Journal(file);
  for (const one of entries) journal.append(one);
  journal.close();
  return file;
}

describe('a journal', () => {
  it('holds a line for each entry, and finds them again', () => {
    const file = written(entry(0, 'propose'), entry(0, 'score'), entry(1, 'propose'));
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(4);
    const journal = new Journal(file);
    expect(journal.entries).toEqual([entry(0, 'propose'), entry(0, 'score'), entry(1, 'propose')]);
    expect(journal.find(1, 'propose')).toEqual(entry(1, 'propose'));
    expect(journal.find(1, 'score')).toBeUndefined();
    journal.close();
  });

  it('ends before a line that was torn, wherever, and goes on there', () => {
    const whole = readFileSync(written(entry(0, 'propose')));
    const file = written(entry(0, 'propose'), entry(0, 'score'));
    const all = readFileSync(file);
    for (const size of [whole.length, whole.length + 1, whole.length + 40, all.length - 2, all.length - 1]) {
      writeFileSync(file, all);
      truncateSync(file, size);
      const journal = new Journal(file);
      expect(journal.entries).toEqual([entry(0, 'propose')]);
      journal.append(entry(0, 'score'));
      journal.close();
      expect(readFileSync(file)).toEqual(all);
    }
  });

  it('takes the last entry of a stage that was run again', () => {
    const again = { ...entry(0, 'score'), counts: { frames: 7 } };
    const journal = new Journal(written(entry(0, 'score'), again));
    expect(journal.find(0, 'score')).toEqual(again);
    journal.close();
  });

  it('refuses lines that somebody changed', async () => {
    const file = written(entry(0, 'propose'));
    for (const line of ['{"round": 0', '[]', '{"round":1,"stage":"score"}']) {
      writeFileSync(file, `${line}\n${JSON.stringify(entry(0, 'score'))}\n`);
      await expectError(() => replay(file), 'E_FILE', 'journal.jsonl:1 is no entry');
    }
  });

  it('replays 100 000 entries', () => {
    const file = written();
    const line = (i: number) => `${JSON.stringify(entry(i >> 3, 'score'))}\n`;
    appendFileSync(file, Array.from({ length: 100_000 }, (_, i) => line(i)).join(''));
    const start = performance.now();
    const journal = new Journal(file);
    console.log(`100 000 entries replayed in ${(performance.now() - start).toFixed(0)} ms`);
    expect(journal.entries).toHaveLength(100_000);
    journal.close();
  });
});
