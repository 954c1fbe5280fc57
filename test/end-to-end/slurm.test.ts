/** Labels by job arrays of a real Slurm. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { SlurmExecutor, type SlurmOptions } from '../../src/active/executors/slurm.ts';
import { type JobArray, Slurm } from '../../src/active/executors/slurm-commands.ts';
import { ARGON, HELIUM, jobOf, KRYPTON, NEON, outcomes, watching } from '../support/executors.ts';
import { expectError } from '../support/expect-error.ts';
import { mlts, start } from '../support/mlts.ts';
import { temporaryFolder } from '../support/servers.ts';
import { type Cluster, startCluster } from '../support/slurm.ts';

const settings = {
  kind: 'slurm',
  account: undefined,
  time: 600,
  nodes: 1,
  cpus: 1,
  throttle: 2,
  extra: [],
} as const;
const executor = (options: SlurmOptions = {}, partition = 'all'): SlurmExecutor =>
  new SlurmExecutor({ ...settings, partition }, { poll: 300, doubt: 2000, ...options });

// Beside other tests a scheduler of two cores takes its time.
vi.setConfig({ testTimeout: 180_000 });

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster?.stop());

const labelled = (count: number) => Array.from({ length: count }, (_, i) => `s${i} labelled`).sort();

it('arrays label what is there; what dies is submitted again, the third death is a crash', async () => {
  const job = jobOf([HELIUM, ARGON, HELIUM, NEON, HELIUM, HELIUM], { chunkSize: 2 });
  const options = watching();
  await executor().run(job.manifest, options);
  const expected = labelled(6).map((one) => (one.startsWith('s3') ? 's3 crashed' : one));
  expect(outcomes(options.records)).toEqual(expected);
  const computed = job.computed();
  expect([HELIUM, ARGON, NEON].map((one) => computed.filter((other) => other === one).length)).toEqual([4, 2, 3]);
  expect(options.said).toContainEqual(expect.stringMatching(/died with structure s3 .* 3 of 3/));
});

it('an array whose orchestrator was killed is adopted, also where nobody saw its number', async () => {
  const never = () => new Promise<never>(() => undefined);
  const submitted: JobArray[] = [];
  class Counting extends Slurm {
    override submit(array: JobArray): Promise<string> {
      submitted.push(array);
      return super.submit(array);
    }
  }
  class Killed extends Counting {
    override async submit(array: JobArray): Promise<string> {
      await super.submit(array);
      return never();
    }
  }
  for (const first of [{ scheduler: new Counting(), wait: never }, { scheduler: new Killed() }]) {
    submitted.length = 0;
    // Long enough that the array is still there when its successor looks, on a busy machine too.
    const job = jobOf(Array(4).fill(HELIUM), { seconds: 4 });
    void executor(first).run(job.manifest, watching());
    while (cluster.queue().length === 0) await sleep(100);
    const options = watching();
    await executor({ scheduler: new Counting() }).run(job.manifest, options);
    expect(outcomes(options.records)).toEqual(labelled(4));
    expect(options.said).toContainEqual(expect.stringMatching(/array \d+ .*goes on/));
    expect(submitted).toHaveLength(1);
    expect(job.computed()).toHaveLength(4);
  }
});

it('while the controller is down it waits and says so', async () => {
  const job = jobOf(Array(4).fill(HELIUM), { seconds: 0.5 });
  const options = watching();
  await cluster.controller.stop();
  const run = executor().run(job.manifest, options);
  while (options.said.length === 0) await sleep(100);
  await cluster.controller.start();
  await run;
  expect(outcomes(options.records)).toEqual(labelled(4));
  expect(options.said[0]).toMatch(/^Slurm does not answer \(.+\): waiting/);
  expect(options.said).toContain('Slurm answers again');
});

it('cancelled, it takes its jobs off the queue', async () => {
  const job = jobOf([KRYPTON, KRYPTON, HELIUM], { chunkSize: 1 });
  const controller = new AbortController();
  const run = executor().run(job.manifest, watching(controller.signal));
  while (!cluster.queue().includes('RUNNING')) await sleep(100);
  controller.abort();
  await expectError(() => run, 'E_CANCELLED');
  await expect.poll(() => cluster.queue(), { timeout: 60_000 }).toEqual([]);
  expect(JSON.parse(readFileSync(join(job.folder, 'work/slurm.json'), 'utf8')).submissions).toEqual([]);
});

it('what the queue or the engine refuses stops it', async () => {
  const refused = jobOf([HELIUM]);
  await expectError(() => executor({}, 'none').run(refused.manifest, watching()), 'E_UNAVAILABLE', 'partition');
  const unknown = jobOf([HELIUM], { calculator: 'no_such_package.Calculator' });
  await expectError(() => executor().run(unknown.manifest, watching()), 'E_UNAVAILABLE', 'no_such_package');
  const long = jobOf([HELIUM], { limit: 601 });
  await expectError(() => executor().run(long.manifest, watching()), 'E_USAGE', '601');
});

const CAMPAIGN = `
name: al
rounds: 2
samplers:
  - {kind: disorder, composition: {Al: [4, 8]}, density: [2.2, 3.2], min_distance: 2.2, count: 14}
label:
  chunk: 5
  seconds: 300
  engine: {kind: ase, calculator: ase.calculators.emt.EMT, level: EMT}
select: {count: 6, first: 10, forces: 0.01}
executor: {kind: slurm, partition: all, time: 10}
hold_out: 0.2
training:
  executor: {kind: slurm, partition: all, time: 20}
  members: 2
  threads: 1
  epochs: 3
  batch: 4
  model: {radial: {cutoff: 5, shifts: 8}, angular: {cutoff: 4, shifts: 4, sections: 4}, layers: [16, 8]}
`;

it('a campaign labels and trains on it, also when it is killed while its members train', async () => {
  const [whole, killed] = [
    CAMPAIGN,
    CAMPAIGN.replace('epochs: 3', 'epochs: 400').replace('rounds: 2', 'rounds: 1'),
  ].map((content) => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'al.yaml'), content);
    return cwd;
  });
  const { code, stderr } = await mlts(['learn', 'al.yaml', '--json'], {}, whole);
  expect(`${code} ${stderr}`).toBe('0 ');
  const files = readdirSync(join(whole, 'al/round-0001'));
  expect(files).toContain('model.mlts');
  expect(files.filter((file) => /member|checkpoint/.test(file))).toEqual([]);

  const first = start(['learn', 'al.yaml'], {}, killed);
  const records = () => readdirSync(join(killed, 'al')).flatMap((round) => filesOf(join(killed, 'al', round)));
  await expect
    .poll(() => existsSync(join(killed, 'al')) && records().some(isCheckpoint), { timeout: 90_000 })
    .toBe(true);
  first.process.kill('SIGKILL');
  await first.ended;
  const second = await mlts(['learn', 'al.yaml', '--resume', '--json'], {}, killed);
  expect(second.code).toBe(0);
  expect(second.stderr).toMatch(/array \d+ goes on/);
  expect(existsSync(join(killed, 'al/round-0000/model.mlts'))).toBe(true);
});

const filesOf = (folder: string): string[] => (folder.includes('round-') ? readdirSync(folder) : []);
const isCheckpoint = (name: string): boolean => /member-\d\.checkpoint$/.test(name);
