/**
 * Workers in job arrays. A task of an array does some chunks of an assignment and leaves records; nothing else comes back.
 * What is neither recorded nor in the queue is submitted (again).
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MltsError } from '../../errors.ts';
import { writeWhole } from '../../io/write.ts';
import { type Assignment, labelling, training } from '../assignment.ts';
import type { Executor, ExecutorOptions } from '../executor.ts';
import type { MemberRecord } from '../members.ts';
import { countDeath, DEATHS, longOf } from './counts.ts';
import type { SlurmSettings } from './settings.ts';
import { type Alive, Passing, type Scheduler, Slurm } from './slurm-commands.ts';
import { readState, type State, type Submission } from './slurm-state.ts';
import { commandLine, type Said } from './worker-process.ts';

export interface SlurmOptions {
  readonly scheduler?: Scheduler;
  /** Between two looks at the queue, ms. */
  readonly poll?: number;
  /** Until an array that the queue does not show counts as never taken, ms. */
  readonly doubt?: number;
  readonly now?: () => number;
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/** Of a task's time, the share that labels may be expected to take. */
const FILLED = 0.6;

export class SlurmExecutor implements Executor {
  readonly #settings: SlurmSettings;
  readonly #options: Required<SlurmOptions>;

  constructor(settings: SlurmSettings, options: SlurmOptions = {}) {
    this.#settings = settings;
    const wait = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => undefined);
    this.#options = { scheduler: new Slurm(), poll: 5000, doubt: 30_000, now: Date.now, wait, ...options };
  }

  run(manifest: string, options: ExecutorOptions): Promise<void> {
    return this.#run(labelling(manifest), options);
  }

  /**
   * Members of an ensemble, a task each. Resolves when each has its record.
   * @param manifest of members.ts
   * @throws as `run`
   */
  train(manifest: string, options: ExecutorOptions<MemberRecord>): Promise<void> {
    return this.#run(training(manifest), options);
  }

  async #run<R extends Timed>(assignment: Assignment<R>, options: ExecutorOptions<R>): Promise<void> {
    const { seconds, noun } = assignment;
    if (seconds > this.#settings.time) {
      throw new MltsError(
        'E_USAGE',
        `a ${noun} may take ${seconds} s, a job of the executor only ${this.#settings.time} s`,
        'Raise time of the executor, or lower seconds of label.',
      );
    }
    await new Run(assignment, this.#settings, this.#options, options).toEnd();
  }
}

interface Timed {
  readonly seconds: number;
}

class Run<R extends Timed> {
  readonly #assignment: Assignment<R>;
  readonly #settings: SlurmSettings;
  readonly #slurm: Required<SlurmOptions>;
  readonly #options: ExecutorOptions<R>;
  readonly #state: State;
  /** What has no record, in the order in which workers take it; chunks without any are left out. */
  readonly #open: Map<number, Set<string>>;
  readonly #spent: number[] = [];
  /** Tasks that the queue did not show the last time: `NAME TASK`. */
  #missing = new Set<string>();
  #isDown = false;
  #arraySize: number | undefined;
  #unbegun = 0;

  constructor(
    assignment: Assignment<R>,
    settings: SlurmSettings,
    slurm: Required<SlurmOptions>,
    options: ExecutorOptions<R>,
  ) {
    this.#assignment = assignment;
    this.#settings = settings;
    this.#slurm = slurm;
    this.#options = options;
    this.#open = new Map(assignment.chunks.map((ids, chunk) => [chunk, new Set(ids)]));
    this.#state = readState(this.#at('slurm.json'));
  }

  async toEnd(): Promise<void> {
    const { signal } = this.#options;
    this.#collect();
    for (const { job } of this.#state.submissions) if (job !== undefined) this.#options.say(`array ${job} goes on`);
    try {
      while (this.#open.size > 0 && !signal.aborted) {
        await this.#patiently(() => this.#look());
        if (this.#open.size > 0 && !signal.aborted) await this.#slurm.wait(this.#slurm.poll, signal);
      }
    } catch (error) {
      await this.#cancel();
      throw error;
    }
    if (this.#open.size === 0) return;
    await this.#cancel();
    throw new MltsError('E_CANCELLED', 'the work was interrupted', 'Go on with --resume.');
  }

  /** One look at the queue and at the folder of labels, and what follows from them. */
  async #look(): Promise<void> {
    const alive = await this.#slurm.scheduler.alive();
    this.#collect();
    this.#settle(alive);
    const waiting = new Set(this.#state.submissions.flatMap(({ tasks }) => tasks.flatMap((chunks) => chunks ?? [])));
    const queue = [...this.#open.keys()].filter((chunk) => !waiting.has(chunk));
    if (queue.length > 0) await this.#submit(queue);
  }

  /** Tells of new records. */
  #collect(): void {
    const there = this.#assignment.recorded();
    for (const [chunk, ids] of this.#open) {
      for (const id of ids) {
        const record = there.has(id) ? this.#assignment.record(id) : undefined;
        if (record !== undefined) this.#close(chunk, id, record);
      }
    }
  }

  #close(chunk: number, id: string, record: R): void {
    const ids = this.#open.get(chunk)!;
    ids.delete(id);
    if (ids.size === 0) this.#open.delete(chunk);
    this.#spent.push(record.seconds);
    this.#options.onResult(record);
  }

  /** Ends tasks that are done or have left the queue; a queue and a folder may disagree for a moment. */
  #settle(alive: readonly Alive[]): void {
    const shown = new Set(alive.map(({ name, task }) => `${name} ${task}`));
    const jobs = new Map(alive.map(({ name, job }) => [name, job]));
    const missing = new Set<string>();
    let isChanged = false;
    for (const submission of this.#state.submissions) {
      const { name, tasks } = submission;
      if (submission.job === undefined) {
        submission.job = jobs.get(name);
        if (submission.job !== undefined) {
          this.#options.say(`array ${submission.job} was in the queue: it goes on`);
        } else if (this.#slurm.now() - submission.at < this.#slurm.doubt) continue;
        else tasks.fill(null);
        isChanged = true;
      }
      for (const [task, chunks] of tasks.entries()) {
        const key = `${name} ${task}`;
        if (chunks === null || (shown.has(key) && chunks.some((chunk) => this.#open.has(chunk)))) continue;
        const left = chunks.filter((chunk) => this.#open.has(chunk));
        if (left.length > 0 && !this.#missing.has(key)) {
          missing.add(key);
          continue;
        }
        tasks[task] = null;
        isChanged = true;
        if (left.length > 0) this.#onEnd(submission, task, left[0]);
      }
    }
    this.#missing = missing;
    if (!isChanged) return;
    this.#state.submissions = this.#state.submissions.filter(({ tasks }) => tasks.some((chunks) => chunks !== null));
    this.#save();
  }

  /** A task ended before its work did: killed, out of time, its node lost, or taken off the queue. */
  #onEnd({ name }: Submission, task: number, chunk: number): void {
    const output = this.#at(`${name}-${task}.out`);
    if (!existsSync(output)) {
      this.#options.say(`task ${task} of ${name} left the queue before it began`);
      if (++this.#unbegun < DEATHS) return;
      throw new MltsError(
        'E_UNAVAILABLE',
        `${DEATHS} tasks left the queue before they began, the last one task ${task} of ${name}`,
        `See why Slurm ended them (scontrol, sacct), and whether nodes can write to ${this.#assignment.folder}.`,
      );
    }
    this.#unbegun = 0;
    const lines = readFileSync(output, 'utf8').trim().split('\n');
    const error = lines.map(errorOf).findLast((one) => one !== undefined);
    if (error !== undefined) throw new MltsError(error.code, error.what, error.remedy);
    const [victim] = this.#open.get(chunk)!;
    const { noun, giveUp } = this.#assignment;
    const why = lines.findLast((line) => line !== '' && !line.startsWith('{')) ?? 'it said nothing';
    const isLast = countDeath(this.#state.deaths, victim, { who: 'task', noun, why, say: this.#options.say });
    if (isLast) this.#close(chunk, victim, giveUp(victim, DEATHS));
  }

  async #submit(queue: readonly number[]): Promise<void> {
    const { scheduler } = this.#slurm;
    const { manifest, verb, folder } = this.#assignment;
    this.#arraySize ??= await scheduler.arraySize();
    const size = this.#chunksPerTask(queue);
    const tasks = Array.from({ length: Math.ceil(queue.length / size) }, (_, k) =>
      queue.slice(k * size, (k + 1) * size),
    );
    const unique = createHash('sha256').update(manifest).digest('hex').slice(0, 10);
    const name = `mlts-${unique}-${this.#state.count++}`;
    const list = this.#at(`${name}.tasks`);
    writeWhole(list, tasks.map((chunks) => `${chunks.join(' ')}\n`).join(''));
    const submission: Submission = { name, job: undefined, at: this.#slurm.now(), tasks };
    this.#state.submissions.push(submission);
    // Before the queue is asked: whoever dies in between leaves a name by which the array is found.
    this.#save();
    const worker = [...commandLine(), 'learn', verb, manifest].map(quoted).join(' ');
    const chunks = `$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" ${quoted(list)})`;
    submission.job = await scheduler.submit({
      ...{ name, size: tasks.length, throttle: this.#settings.throttle, options: optionsOf(this.#settings) },
      ...{ folder, output: this.#at(`${name}-%a.out`), script: `exec ${worker} ${chunks}` },
    });
    this.#save();
  }

  /** As many as an array's size demands; more where labels are so short that a task is full only then. */
  #chunksPerTask(queue: readonly number[]): number {
    const least = Math.ceil(queue.length / this.#arraySize!);
    const { throttle, time } = this.#settings;
    if (throttle === undefined || this.#spent.length === 0) return least;
    const structures = Math.max(...queue.map((chunk) => this.#open.get(chunk)!.size));
    const fits = Math.floor((FILLED * time) / (structures * Math.max(longOf(this.#spent)!, 1e-3)));
    return Math.max(least, 1, Math.min(fits, Math.ceil(queue.length / throttle)));
  }

  /** Through the times in which Slurm does not answer. */
  async #patiently(action: () => Promise<void>): Promise<void> {
    try {
      await action();
      if (this.#isDown) this.#options.say('Slurm answers again');
      this.#isDown = false;
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      if (!this.#isDown) this.#options.say(`Slurm does not answer (${error.message}): waiting for it`);
      this.#isDown = true;
    }
  }

  async #cancel(): Promise<void> {
    const names = this.#state.submissions.map(({ name }) => name);
    if (names.length === 0) return;
    try {
      for (const name of names) await this.#slurm.scheduler.cancel([name]);
      this.#state.submissions = [];
      this.#save();
    } catch (error) {
      this.#options.say(`jobs ${names.join(', ')} could not be cancelled: ${(error as Error).message}`);
    }
  }

  #save(): void {
    writeWhole(this.#at('slurm.json'), `${JSON.stringify(this.#state)}\n`);
  }

  #at(name: string): string {
    return join(this.#assignment.folder, name);
  }
}

function optionsOf({ partition, account, time, nodes, cpus, extra }: SlurmSettings): string[] {
  const minutes = Math.ceil(time / 60);
  return [
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
    ...(account === undefined ? [] : [`--account=${account}`]),
    ...[`--time=${minutes}`, `--nodes=${nodes}`, '--ntasks=1', `--cpus-per-task=${cpus}`, ...extra],
  ];
}

function errorOf(line: string): Extract<Said, { error: unknown }>['error'] | undefined {
  if (!line.startsWith('{"error"')) return undefined;
  return (JSON.parse(line) as Extract<Said, { error: unknown }>).error;
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
