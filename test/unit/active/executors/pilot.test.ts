/** Pilots over real sockets, with real workers. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { ARGON, HELIUM, jobOf, KRYPTON, NEON, outcomes, watching } from '../../../support/executors.ts';
import { expectError } from '../../../support/expect-error.ts';
import { executor, newEndpoint, pilotAt, recordOf, Stranger, startPilot } from '../../../support/pilots.ts';
import { randomNumbers } from '../../../support/systems.ts';

vi.setConfig({ testTimeout: 60_000 });

const labelled = (count: number) => Array.from({ length: count }, (_, i) => `s${i} labelled`);
const firstComputed = (job: { computed(): number[] }, count = 1) =>
  expect.poll(() => job.computed().length, { timeout: 30_000 }).toBeGreaterThanOrEqual(count);

it('pilots label every structure once, also those that came before; what has a record needs no pilot', async () => {
  const [job, endpoint] = [jobOf(Array(7).fill(HELIUM)), newEndpoint()];
  const pilots = [pilotAt(endpoint), pilotAt(endpoint, { workers: 2 })];
  for (let time = 0; time < 2; time++) {
    const options = watching();
    await executor(endpoint).run(job.manifest, options);
    expect(outcomes(options.records)).toEqual(labelled(7));
    expect(job.computed()).toHaveLength(7);
  }
  expect(JSON.parse(readFileSync(join(job.labels, 's3.json'), 'utf8'))).toMatchObject({ id: 's3', energy: 1 });
  expect(existsSync(join(job.folder, 'work/pilot.json'))).toBe(false);
  await executor(endpoint).dismiss();
  const ends = await Promise.all(pilots.map(({ ended }) => ended));
  expect(ends.map(({ reason }) => reason)).toEqual(['ended', 'ended']);
  expect(ends[0].labels + ends[1].labels).toBe(7);
});

it('a pilot stays from round to round, and takes another engine', async () => {
  const [first, second, endpoint] = [jobOf([HELIUM]), jobOf([HELIUM, HELIUM]), newEndpoint()];
  const { ended } = pilotAt(endpoint);
  for (const job of [first, second]) {
    await executor(endpoint).run(job.manifest, watching());
    await sleep(300);
  }
  expect([first.computed().length, second.computed().length]).toEqual([1, 2]);
  await executor(endpoint).dismiss();
  expect(await ended).toEqual({ reason: 'ended', labels: 3 });
});

it('a worker that dies gets a successor; a structure that kills three is recorded as crashed', async () => {
  const [job, endpoint] = [jobOf([HELIUM, ARGON, NEON, HELIUM], { chunkSize: 4 }), newEndpoint()];
  const options = watching();
  pilotAt(endpoint);
  await executor(endpoint).run(job.manifest, options);
  expect(outcomes(options.records)).toEqual(['s0 labelled', 's1 labelled', 's2 crashed', 's3 labelled']);
  expect(job.computed().filter((one) => one === NEON)).toHaveLength(3);
  expect(options.said).toContainEqual(expect.stringMatching(/a worker died with structure s2 \(SIGKILL\), 3 of 3/));
});

it('of a pilot that is killed others compute what it has not sent, and it is counted', async () => {
  const [job, endpoint] = [jobOf(Array(4).fill(HELIUM), { chunkSize: 4, seconds: 1 }), newEndpoint()];
  const options = watching();
  const victim = startPilot(endpoint);
  const run = executor(endpoint).run(job.manifest, options);
  await expect.poll(() => options.records.length, { timeout: 30_000 }).toBe(1);
  await firstComputed(job, 2);
  pilotAt(endpoint);
  victim.kill();
  await run;
  expect(outcomes(options.records)).toEqual(labelled(4));
  expect(job.computed()).toHaveLength(5);
  expect(options.said).toContainEqual(expect.stringMatching(/^pilot .+ is lost, with 1 chunks$/));
  expect(options.said).toContainEqual(expect.stringMatching(/a pilot died with structure s1 .* 1 of 3/));
});

it('SIGTERM gives back at once what is under way', async () => {
  const [job, endpoint] = [jobOf(Array(3).fill(HELIUM), { chunkSize: 3, seconds: 2 }), newEndpoint()];
  const options = watching();
  const first = startPilot(endpoint);
  const run = executor(endpoint, { silence: 600_000 }).run(job.manifest, options);
  await expect.poll(() => options.records.length, { timeout: 30_000 }).toBe(1);
  first.process.kill('SIGTERM');
  const { code, stdout } = await first.ended;
  expect(`${code} ${stdout}`).toBe('0 stopped; 1 labels\n');
  pilotAt(endpoint);
  await run;
  expect(outcomes(options.records)).toEqual(labelled(3));
  expect(options.said.filter((one) => /died|lost/.test(one))).toEqual([]);
});

it('without time for a label a pilot leaves', async () => {
  const [job, endpoint] = [jobOf(Array(4).fill(HELIUM), { chunkSize: 1, seconds: 1 }), newEndpoint()];
  const late = pilotAt(endpoint, { until: Date.now() + 8000 });
  const options = watching();
  const run = executor(endpoint).run(job.manifest, options);
  await firstComputed(job, 2);
  const { ended } = pilotAt(endpoint, { until: Date.now() + 500 });
  expect(await ended).toEqual({ reason: 'late', labels: 0 });
  await run;
  expect(outcomes(options.records)).toEqual(labelled(4));
  late.leave();
  expect((await late.ended).labels).toBe(4);
});

it('an answer that comes late is taken, and nobody computes it again', async () => {
  const [job, endpoint] = [jobOf([HELIUM, HELIUM], { chunkSize: 2 }), newEndpoint()];
  const options = watching();
  const run = executor(endpoint, { silence: 600 }).run(job.manifest, options);
  const slow = new Stranger(endpoint);
  const { work, ids } = await slow.chunk('slow');
  expect(ids).toEqual(['s0', 's1']);
  await expect.poll(() => options.said).toContainEqual('pilot slow is lost, with 1 chunks');
  for (const [i, id] of ids.entries()) {
    await slow.say({ type: 'record', seq: i + 1, work, id, record: recordOf(id), raw: '{"input.in":"x"}' });
  }
  await run;
  expect(outcomes(options.records)).toEqual(labelled(2));
  expect(job.computed()).toEqual([]);
  expect(readFileSync(join(job.labels, 's1/input.in'), 'utf8')).toBe('x');
  expect((await slow.next('got')).seq).toBe(1);
});

it.each([
  ['of another structure', recordOf('s9'), '{}'],
  ['no JSON', '{', '{}'],
  ['of another level', recordOf('s0', { level: 'else' }), '{}'],
  ['without an energy', recordOf('s0', { energy: null }), '{}'],
  ['of three atoms', recordOf('s0', { forces: Array(3).fill([0, 0, 0]) }), '{}'],
  ['of forces that are no numbers', recordOf('s0', { forces: [[0, 0, 'x'], [0, 0, 0]] }), '{}'], // biome-ignore format: a row a case
  ['of a failure of no kind', recordOf('s0', { status: 'failed', kind: 'tired' }), '{}'],
  ['with a path as raw file', recordOf('s0'), '{"../s0.json": "x"}'],
])('a record %s is none: three times and the structure counts as crashed', async (_, record, raw) => {
  const [job, endpoint] = [jobOf([HELIUM]), newEndpoint()];
  const options = watching();
  const run = executor(endpoint).run(job.manifest, options);
  const liar = new Stranger(endpoint);
  const { work } = await liar.chunk('liar');
  for (const seq of [1, 2, 3]) await liar.say({ type: 'record', seq, work, id: 's0', record, raw });
  await run;
  expect(outcomes(options.records)).toEqual(['s0 crashed']);
});

it('garbage is refused and told once; the pilots beside it work on', async () => {
  const [job, endpoint] = [jobOf(Array(5).fill(HELIUM), { seconds: 0.5 }), newEndpoint()];
  const options = watching();
  const run = executor(endpoint).run(job.manifest, options);
  pilotAt(endpoint);
  const [noise, random] = [new Stranger(endpoint), randomNumbers(5)];
  for (let k = 0; k < 300; k++) {
    const frames = Array.from({ length: 1 + (k % 3 === 2 ? 1 : 0) }, () =>
      Uint8Array.from({ length: Math.floor(200 * random()) }, () => 256 * random()),
    );
    await noise.raw(frames);
  }
  expect((await noise.next('error')).error.code).toMatch(/^E_/);
  // What is well formed though nobody greeted.
  await noise.say({ type: 'pull' });
  await noise.next('who');
  await run;
  expect(outcomes(options.records)).toEqual(labelled(5));
  expect(options.said.filter((one) => one.includes('that is no pilot'))).toHaveLength(1);
});

it('another version is sent away', async () => {
  const [job, endpoint] = [jobOf([HELIUM]), newEndpoint()];
  const options = watching();
  const run = executor(endpoint).run(job.manifest, options);
  const old = new Stranger(endpoint);
  await old.hello('old', { version: '0.0.0' });
  expect((await old.next('error')).error.code).toBe('E_VERSION');
  pilotAt(endpoint);
  await run;
  expect(options.said).toContainEqual(expect.stringMatching(/old is mlts 0\.0\.0, .*sent away/));
});

it('an engine that is not set up on the only node stops both ends: nothing is recorded', async () => {
  const [job, endpoint] = [jobOf([HELIUM], { calculator: 'no_such_package.Calculator' }), newEndpoint()];
  const options = watching();
  const { ended } = pilotAt(endpoint);
  await expectError(() => executor(endpoint).run(job.manifest, options), 'E_UNAVAILABLE', 'no_such_package');
  await expectError(() => ended, 'E_UNAVAILABLE', 'no_such_package');
  expect(options.records).toEqual([]);
});

it('cancelled, it has its pilots stop what they compute, and they wait for more', async () => {
  const [job, next, endpoint] = [jobOf([KRYPTON]), jobOf([HELIUM]), newEndpoint()];
  const controller = new AbortController();
  const run = executor(endpoint).run(job.manifest, watching(controller.signal));
  pilotAt(endpoint);
  await firstComputed(job);
  controller.abort();
  await expectError(() => run, 'E_CANCELLED');
  const options = watching();
  await executor(endpoint).run(next.manifest, options);
  expect(outcomes(options.records)).toEqual(['s0 labelled']);
});
