/** Slurm by its own commands: sbatch, squeue, scancel, scontrol. */
import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { MltsError } from '../../errors.ts';

const ME = `--user=${userInfo().username}`;

/** Of a command that does not answer, s. */
const PATIENCE = 60;

/** What Slurm says while its controller is down or overloaded, or while limits of submission are reached. */
const PASSING =
  /unable to contact|socket timed out|connection (refused|timed out|reset)|transport endpoint|temporarily|slurm_persist|not responding|backup controller|submit ?(job)? ?limit|zero bytes|could not establish|communication/i;

export interface JobArray {
  /** Unique: by it an array is found whose submission nobody saw end. */
  readonly name: string;
  readonly size: number;
  /** Tasks that may run at once. */
  readonly throttle: number | undefined;
  /** Path with %a in place of the task. */
  readonly output: string;
  readonly folder: string;
  /** `--partition=…` … */
  readonly options: readonly string[];
  /** Of bash; SLURM_ARRAY_TASK_ID counts from 0. */
  readonly script: string;
}

/** A task of an array that waits or runs. */
export interface Alive {
  readonly job: string;
  readonly name: string;
  readonly task: number;
}

/** What an executor needs of a queue. */
export interface Scheduler {
  /** @returns the job @throws Passing; MltsError E_UNAVAILABLE where it is refused for good */
  submit(array: JobArray): Promise<string>;
  /** All of this user, in one call. @throws Passing */
  alive(): Promise<readonly Alive[]>;
  cancel(names: readonly string[]): Promise<void>;
  /** Tasks that an array may have. @throws Passing */
  arraySize(): Promise<number>;
}

/** The queue does not answer, or takes nothing now. It will again. */
export class Passing extends Error {}

export class Slurm implements Scheduler {
  async submit({ name, size, throttle, output, folder, options, script }: JobArray): Promise<string> {
    const range = `0-${size - 1}${throttle === undefined ? '' : `%${throttle}`}`;
    const own = [`--array=${range}`, `--job-name=${name}`, `--output=${output}`, `--chdir=${folder}`];
    const fixed = ['--parsable', '--requeue', '--open-mode=append'];
    const said = await run('sbatch', [...fixed, ...options, ...own], `#!/bin/bash\n${script}\n`);
    return said.trim().split(';')[0];
  }

  async alive(): Promise<readonly Alive[]> {
    const said = await run('squeue', [ME, '--array', '--noheader', '--format=%F|%K|%j']);
    return said
      .split('\n')
      .map((line) => line.trim().split('|'))
      .filter(([, task]) => /^\d+$/.test(task))
      .map(([job, task, name]) => ({ job, task: Number(task), name }));
  }

  async cancel(names: readonly string[]): Promise<void> {
    await run('scancel', [ME, '--quiet', ...names.map((name) => `--name=${name}`)]);
  }

  async arraySize(): Promise<number> {
    return Number(/MaxArraySize\s*=\s*(\d+)/.exec(await run('scontrol', ['show', 'config']))?.[1] ?? 1001) - 1;
  }
}

function run(command: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { timeout: 1000 * PATIENCE, maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const last = stderr.trim().split('\n').at(-1) || error.message;
      if (error.code === 'ENOENT') {
        const remedy = 'Run where Slurm’s client is installed: a login node.';
        return reject(new MltsError('E_UNAVAILABLE', `${command} is not installed here`, remedy, { cause: error }));
      }
      if (error.killed || PASSING.test(stderr)) return reject(new Passing(last));
      const remedy = 'Correct partition, account, time and extra of the executor.';
      return reject(new MltsError('E_UNAVAILABLE', `${command} refuses: ${last}`, remedy, { cause: error }));
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
