import { expect, it } from 'vitest';
import { LocalExecutor } from '../../../../src/active/executors/local.ts';
import { readChunk, readManifest } from '../../../../src/active/work.ts';
import { ARGON, HELIUM, jobOf, KRYPTON, NEON, outcomes, watching } from '../../../support/executors.ts';
import { expectError } from '../../../support/expect-error.ts';

const local = (workers = 2) => new LocalExecutor({ kind: 'local', workers });

it('every structure is labelled once and told once; what has a record is told and not computed again', async () => {
  const job = jobOf(Array(7).fill(HELIUM), { chunkSize: 2 });
  for (let time = 0; time < 2; time++) {
    const options = watching();
    await local().run(job.manifest, options);
    expect(outcomes(options.records)).toEqual(Array.from({ length: 7 }, (_, i) => `s${i} labelled`));
    expect(job.computed()).toHaveLength(7);
  }
});

it('the last chunks shrink, so that no worker waits long for the others', async () => {
  const job = jobOf(Array(15).fill(HELIUM), { chunkSize: 4, workers: 2 });
  const sizes = Array.from({ length: readManifest(job.manifest).chunks }, (_, k) => readChunk(job.manifest, k).length);
  expect(sizes).toEqual([4, 3, 2, 2, 1, 1, 1, 1]);
  const options = watching();
  await local().run(job.manifest, options);
  expect(outcomes(options.records)).toHaveLength(15);
});

it('a worker that is killed gets a successor, which goes on where it died', async () => {
  const job = jobOf([HELIUM, ARGON, HELIUM], { chunkSize: 3 });
  const options = watching();
  await local(1).run(job.manifest, options);
  expect(outcomes(options.records)).toEqual(['s0 labelled', 's1 labelled', 's2 labelled']);
  expect(job.computed()).toEqual([HELIUM, ARGON, ARGON, HELIUM]);
  expect(options.said).toEqual([expect.stringMatching(/died with structure s1 \(SIGKILL\), 1 of 3/)]);
});

it('a structure that kills three workers is recorded as crashed, and the others are labelled', async () => {
  const job = jobOf([HELIUM, NEON, HELIUM, HELIUM], { chunkSize: 3 });
  const options = watching();
  await local().run(job.manifest, options);
  expect(outcomes(options.records)).toEqual(['s0 labelled', 's1 crashed', 's2 labelled', 's3 labelled']);
  expect(job.computed().filter((one) => one === NEON)).toHaveLength(3);
});

it('a label beyond its time is recorded, and its worker goes on', async () => {
  const job = jobOf([KRYPTON, HELIUM], { limit: 1 });
  const options = watching();
  await local(1).run(job.manifest, options);
  expect(outcomes(options.records)).toEqual(['s0 time-out', 's1 labelled']);
});

it('cancelled, it stops what runs and keeps what is done', async () => {
  const job = jobOf([HELIUM, KRYPTON]);
  const controller = new AbortController();
  const options = watching(controller.signal);
  const run = local(1).run(job.manifest, {
    ...options,
    onResult: (record) => {
      options.onResult(record);
      controller.abort();
    },
  });
  await expectError(() => run, 'E_CANCELLED');
  expect(outcomes(options.records)).toEqual(['s0 labelled']);
});

it('an engine that is not set up stops it: nothing is recorded', async () => {
  const job = jobOf([HELIUM], { calculator: 'no_such_package.Calculator' });
  const options = watching();
  await expectError(() => local().run(job.manifest, options), 'E_UNAVAILABLE', 'no_such_package');
  expect(options.records).toEqual([]);
});
