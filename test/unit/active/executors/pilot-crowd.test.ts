/** Many pilots at once, some of which vanish: nothing is lost, and nothing told twice. */
import { expect, it } from 'vitest';
import type { ToPilot } from '../../../../src/active/executors/pilot/messages.ts';
import { randomStream } from '../../../../src/training/random-stream.ts';
import { HELIUM, jobOf, watching } from '../../../support/executors.ts';
import { executor, newEndpoint, recordOf, Stranger } from '../../../support/pilots.ts';

const [PILOTS, LABELS, CHUNK] = [50, 1500, 4];

/** Answers at once; vanishes with a chunk now and then, and comes back as another. */
async function crowd(endpoint: string, isOver: () => boolean): Promise<{ vanished: number; sent: number }> {
  const random = randomStream(3, 'crowd');
  const counts = { vanished: 0, sent: 0 };
  const live = async (name: string): Promise<void> => {
    const pilot = new Stranger(endpoint);
    await pilot.hello(name);
    await pilot.next('welcome');
    while (!isOver()) {
      await pilot.say({ type: 'pull' });
      const chunk = await Promise.race([pilot.next('chunk'), over(isOver)]);
      if (chunk === undefined) break;
      const dies = random.uniform() < 0.05;
      await answer(pilot, chunk as Extract<ToPilot, { type: 'chunk' }>, dies);
      if (dies) {
        counts.vanished++;
        pilot.close();
        return live(`${name}'`);
      }
    }
    pilot.close();
  };
  const answer = async (pilot: Stranger, { ids, work, lease }: Extract<ToPilot, { type: 'chunk' }>, dies: boolean) => {
    const done = dies ? ids.slice(0, Math.floor(random.uniform() * ids.length)) : ids;
    for (const id of done)
      await pilot.say({ type: 'record', seq: ++counts.sent, work, id, record: recordOf(id), raw: '{}' });
    if (!dies) await pilot.say({ type: 'end', lease });
  };
  await Promise.all(Array.from({ length: PILOTS }, (_, i) => live(`pilot ${i}`)));
  return counts;
}

const over = async (isOver: () => boolean): Promise<undefined> => {
  while (!isOver()) await new Promise((resolve) => setTimeout(resolve, 50));
};

it(`${LABELS} labels by ${PILOTS} pilots that vanish with one chunk in twenty`, { timeout: 120_000 }, async () => {
  const [job, endpoint, options] = [jobOf(Array(LABELS).fill(HELIUM), { chunkSize: CHUNK }), newEndpoint(), watching()];
  let isOver = false;
  const run = executor(endpoint, { silence: 1500 }).run(job.manifest, options);
  const others = crowd(endpoint, () => isOver);
  await run;
  isOver = true;
  const { vanished } = await others;
  expect(new Set(options.records.map(({ id }) => id)).size).toBe(LABELS);
  expect(options.records).toHaveLength(LABELS);
  expect(options.records.every(({ status }) => status === 'labelled')).toBe(true);
  expect(vanished).toBeGreaterThan(10);
});
