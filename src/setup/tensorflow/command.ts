/** A program that set-up runs: its output is shown on a terminal, or kept and told where it fails. */
import { spawn } from 'node:child_process';
import { MltsError } from '../../errors.ts';

export interface CommandOptions {
  readonly cwd?: string;
  /** Let it write to the terminal, where there is one: it shows its own progress. */
  readonly show?: boolean;
  /** What to do where the program itself is missing. */
  readonly missing: string;
  readonly signal?: AbortSignal | undefined;
}

/** Lines of a failing program that are told. */
const TAIL = 8;

/**
 * @returns what it wrote to stdout; nothing where it wrote to the terminal
 * @throws MltsError E_UNAVAILABLE where there is no such program, E_FILE where it fails, E_CANCELLED
 */
export async function command(program: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { cwd, show = false, missing, signal } = options;
  const shown = show && process.stderr.isTTY;
  const child = spawn(program, args, { cwd, signal, stdio: ['ignore', shown ? 2 : 'pipe', shown ? 2 : 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  const line = [program, ...args].join(' ');
  return new Promise((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      if (signal?.aborted) reject(new MltsError('E_CANCELLED', `${program} was stopped`, 'Run it again to go on.'));
      else reject(new MltsError('E_UNAVAILABLE', `${program} cannot be run (${cause.code})`, missing, { cause }));
    });
    child.once('close', (code) => {
      if (code === 0) return resolve(said.stdout);
      const tail = `${said.stdout}${said.stderr}`.trim().split('\n').slice(-TAIL).join('\n');
      const what = `\`${line}\` ended with ${code ?? 'a signal'}${tail && `:\n${tail}\n`}`;
      reject(new MltsError('E_FILE', what, 'Look at what it says, then run the same command again: it goes on.'));
    });
  });
}
