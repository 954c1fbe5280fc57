import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { statusOf } from '../../../src/active/status/status.ts';
import { writeCampaign } from '../../support/campaigns.ts';
import { expectError } from '../../support/expect-error.ts';
import { temporaryFolder } from '../../support/servers.ts';

function campaign(): string {
  const folder = temporaryFolder();
  writeCampaign(folder);
  return folder;
}

describe('the status of a campaign', () => {
  it('is found from files alone while labels are under way and the last line is torn', () => {
    const status = statusOf(campaign());
    expect(status).toMatchObject({
      ...{ round: 1, next: 'label', at: '2026-01-02T03:04:05.678Z', process: undefined },
      ...{ model: 'round-0000/model.mlts', queue: 3 },
      labels: {
        ...{ done: 7, failed: 2 },
        failures: [
          { kind: 'time-out', count: 1 },
          { kind: 'crashed', count: 1 },
        ],
      },
    });
    // 5 in 30 s, and 2 within moments.
    expect(status.labels.perHour).toBeGreaterThan((3600 * 7) / 45);
    expect(status.labels.perHour).toBeLessThanOrEqual((3600 * 7) / 30);
  });

  it('tells of each round what was proposed, selected and why, and how the model did', () => {
    const [first, second] = statusOf(campaign()).rounds;
    expect(first).toMatchObject({
      ...{ proposed: 12, selected: 6, labelled: 5, failed: 1, energy: 12, forces: 0.3, promoted: true },
      ...{ sigma: undefined, threshold: undefined, why: 'the first model' },
      reasons: [{ why: 'nothing is known yet', count: 6 }],
      failures: [{ kind: 'time-out', count: 1 }],
      samplers: [
        { name: 'disorder', scored: 8, selected: 4, energy: 12, forces: 0.3 },
        { name: 'dynamics', scored: 4, selected: 2, energy: undefined },
      ],
    });
    expect(first.metrics.map(({ value }) => value)).toEqual([1.5, Infinity]);
    expect(second).toMatchObject({
      ...{ proposed: 14, uncertain: 10, selected: 6, labelled: undefined, threshold: 0.12, promoted: undefined },
      reasons: [{ why: 'max σ_F', count: 6 }],
    });
    expect(second.sigma!.median).toBeCloseTo(0.325, 12);
    expect(second.sigma!.largest).toBeCloseTo(0.6, 12);
  });

  it('knows the process that works on it, and one that has died', () => {
    const folder = campaign();
    writeFileSync(join(folder, 'lock'), `${process.pid}\n`);
    expect(statusOf(folder).process).toBe(process.pid);
    // Larger than any process id.
    writeFileSync(join(folder, 'lock'), '99999999\n');
    expect(statusOf(folder).process).toBeUndefined();
  });

  it('says where there is no campaign', async () => {
    await expectError(() => statusOf(temporaryFolder()), 'E_FILE', 'journal.jsonl');
    const folder = campaign();
    rmSync(join(folder, 'round-0001/selected.extxyz'));
    await expectError(() => statusOf(folder), 'E_FILE', 'selected.extxyz');
  });
});
