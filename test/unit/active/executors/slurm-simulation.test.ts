/** 20 000 labels on 4 000 nodes in simulated time: the executor as it is, on a queue that fails as real ones do. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { LabelRecord } from '../../../../src/active/executor.ts';
import type { SlurmSettings } from '../../../../src/active/executors/settings.ts';
import { SlurmExecutor } from '../../../../src/active/executors/slurm.ts';
import { type Alive, type JobArray, Passing, type Scheduler } from '../../../../src/active/executors/slurm-commands.ts';
import { readChunk } from '../../../../src/active/work.ts';
import { randomStream } from '../../../../src/training/random-stream.ts';
import { HELIUM, type Job, jobOf, watching } from '../../../support/executors.ts';

const [NODES, LABELS, CHUNK] = [4000, 20_000, 4];
/** Structures that kill whoever takes them. */
const isPoison = (id: string) => Number(id.slice(1)) % 4000 === 17;

interface Task {
  readonly array: JobArray;
  readonly task: number;
  readonly ids: readonly string[];
  at: number;
  /** When its present structure is done; undefined while it waits. */
  due: number | undefined;
  dies: number;
}

/** A queue, its nodes and their workers. */
class Simulation implements Scheduler {
  /** ms */
  now = 0;
  /** Of this machine, ms: what the simulation itself took. */
  spent = 0;
  readonly written = new Map<string, number>();
  readonly submissions: string[] = [];
  readonly failures = { deaths: 0, silences: 0, unanswered: 0 };
  #tasks: Task[] = [];
  readonly #job: Job;
  readonly #random = randomStream(3, 'queue');

  constructor(job: Job) {
    this.#job = job;
  }

  async submit(array: JobArray): Promise<string> {
    const start = performance.now();
    this.submissions.push(array.name);
    const lines = readFileSync(join(array.folder, `${array.name}.tasks`), 'utf8')
      .trimEnd()
      .split('\n');
    expect(lines).toHaveLength(array.size);
    for (const [task, line] of lines.entries()) {
      const ids = line.split(' ').flatMap((chunk) => readChunk(this.#job.manifest, Number(chunk)).map(({ id }) => id));
      const dies = this.#random.uniform() < 0.03 ? this.#random.uniform() * 1.2e6 : Number.POSITIVE_INFINITY;
      this.#tasks.push({ array, task, ids, at: 0, due: undefined, dies });
    }
    this.spent += performance.now() - start;
    // The answer gets lost now and then, though the array was taken.
    if (this.#random.uniform() < 0.2) {
      this.failures.unanswered++;
      throw new Passing('socket timed out');
    }
    return array.name;
  }

  async alive(): Promise<readonly Alive[]> {
    if (this.#random.uniform() < 0.05) {
      this.failures.silences++;
      throw new Passing('unable to contact slurm controller');
    }
    return this.#tasks.map(({ array, task }) => ({ job: array.name, name: array.name, task }));
  }

  async cancel(): Promise<void> {
    throw new Error('nothing is cancelled here');
  }

  async arraySize(): Promise<number> {
    return 10_000;
  }

  async pass(ms: number): Promise<void> {
    const start = performance.now();
    this.now += ms;
    let free = NODES - this.#tasks.filter(({ due }) => due !== undefined).length;
    for (const one of this.#tasks) {
      if (one.due === undefined && free > 0) {
        free--;
        one.due = this.now + this.#seconds();
        one.dies += this.now;
      }
    }
    this.#tasks = this.#tasks.filter((one) => this.#advance(one));
    this.spent += performance.now() - start;
  }

  /** Whether it goes on. */
  #advance(one: Task): boolean {
    while (one.due !== undefined && one.at < one.ids.length) {
      const id = one.ids[one.at];
      const file = join(this.#job.labels, `${id}.json`);
      if (!existsSync(file)) {
        if (one.dies < Math.min(one.due, this.now) || (isPoison(id) && one.due <= this.now)) {
          this.failures.deaths++;
          writeFileSync(one.array.output.replace('%a', String(one.task)), 'slurmstepd: error: node failure\n');
          return false;
        }
        if (one.due > this.now) return true;
        const record = { id, level: 'test', program: 'none', seconds: 300, status: 'labelled', energy: 1, forces: [] };
        writeFileSync(file, JSON.stringify(record));
        this.written.set(id, (this.written.get(id) ?? 0) + 1);
        one.due += this.#seconds();
      }
      one.at++;
    }
    return one.due === undefined;
  }

  #seconds(): number {
    return 1000 * (60 + 480 * this.#random.uniform());
  }
}

it('4 000 nodes: at most 5 ms a label, nothing lost, nothing twice', { timeout: 120_000 }, async () => {
  const job = jobOf(Array(LABELS).fill(HELIUM), { chunkSize: CHUNK });
  const queue = new Simulation(job);
  const settings: SlurmSettings = {
    kind: 'slurm',
    ...{ partition: undefined, account: undefined, time: 7200, nodes: 1, cpus: 1 },
    ...{ throttle: undefined, extra: [] },
  };
  const executor = (wait: (ms: number) => Promise<unknown>) =>
    new SlurmExecutor(settings, { scheduler: queue, poll: 20_000, now: () => queue.now, wait });
  const start = performance.now();
  // The first orchestrator is gone after 20 looks, as by kill -9; another takes its place.
  await new Promise<void>((killed) => {
    let looks = 0;
    const wait = async (ms: number) => {
      if (++looks === 20) {
        killed();
        await new Promise<never>(() => undefined);
      }
      await queue.pass(ms);
    };
    void executor(wait).run(job.manifest, watching());
  });
  const options = watching();
  const told = new Map<string, LabelRecord>();
  await executor((ms) => queue.pass(ms)).run(job.manifest, {
    ...options,
    onResult: (record) => {
      expect(told.has(record.id)).toBe(false);
      told.set(record.id, record);
    },
  });
  const own = (performance.now() - start - queue.spent) / LABELS;
  const { deaths, silences, unanswered } = queue.failures;
  console.log(
    `${own.toFixed(2)} ms a label; ${(queue.now / 3.6e6).toFixed(1)} h simulated, ${queue.submissions.length} arrays, ` +
      `${deaths} deaths, ${silences} silences, ${unanswered} lost answers`,
  );
  expect(told.size).toBe(LABELS);
  expect([...queue.written.values()].every((count) => count === 1)).toBe(true);
  const failed = [...told.values()].filter(({ status }) => status === 'failed').map(({ id }) => id);
  expect(failed.filter(isPoison)).toHaveLength(LABELS / 4000);
  // What three node failures in a row hit is given up too: it is rare.
  expect(failed.length - LABELS / 4000).toBeLessThanOrEqual(2);
  expect(queue.written.size + failed.length).toBe(LABELS);
  expect(deaths).toBeGreaterThan(50);
  expect(own).toBeLessThan(5);
});
