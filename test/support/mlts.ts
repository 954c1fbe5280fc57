/** The command line as users run it: dist/cli/main.js in processes that end with their test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

export const MAIN = join(import.meta.dirname, '../../dist/cli/main.js');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** All that a process says until it ends; killed with its test if it still runs. */
export function watch(child: ChildProcess): Running {
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...said }));
  return { process: child, ended };
}

/** Starts `mlts …`. @throws where the command line is not built */
export function start(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd?: string): Running {
  if (!existsSync(MAIN)) throw new Error(`no ${MAIN}: \`npm run setup\` builds it`);
  return watch(spawn(process.execPath, [MAIN, ...args], { cwd, env: { ...process.env, ...env } }));
}

/** Runs `mlts …` to its end. */
export const mlts = (args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd?: string): Promise<Ended> =>
  start(args, env, cwd).ended;

export interface Serving extends Running {
  readonly endpoints: readonly string[];
  readonly models: readonly { readonly name: string; readonly sha256: string }[];
  readonly backend: string;
}

/** `mlts serve …` once it is ready, on a free port of loopback where the arguments name no endpoint. */
export async function startServe(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Serving> {
  const bind = args.includes('--bind') ? [] : ['--bind', 'tcp://127.0.0.1:*'];
  const running = start(['serve', ...args, ...bind, '--json'], env);
  const { stdout } = running.process;
  if (stdout === null) throw new Error('stdout is not a pipe');
  const ready = once(createInterface({ input: stdout }), 'line');
  const failed = running.ended.then(({ stderr }) => Promise.reject(new Error(`mlts serve ended: ${stderr}`)));
  const [line] = await Promise.race([ready, failed]);
  failed.catch(() => undefined);
  return { ...running, ...JSON.parse(line) };
}
