/** One `mlts learn work`: a process that is given chunk after chunk and says which structure is done. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Code, MltsError } from '../../errors.ts';

/** What a worker writes to stdout, a line each. */
export type Said =
  | { readonly id: string }
  | { readonly chunk: number }
  | { readonly error: { readonly code: Code; readonly what: string; readonly remedy: string } };

/** `mlts`, as this process would start it: built files beside these, or of the checkout whose sources run. */
export const commandLine = (): readonly string[] => {
  const built = ['../../cli/main.js', '../../../dist/cli/main.js'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return [process.execPath, built.find((path) => existsSync(path)) ?? built[0]];
};

export interface WorkerOptions {
  /** The next chunk, when the one before is done; undefined ends the process. Must settle when `signal` fires. */
  readonly next: () => number | undefined | Promise<number | undefined>;
  /** Told of each structure whose record is there. */
  readonly done: (id: string) => void;
  /** Stops the process, whatever it does. */
  readonly signal: AbortSignal;
}

/**
 * One process, until there is no next chunk or it dies.
 * @returns the chunk with which it died, and why
 * @throws MltsError as the worker said: E_UNAVAILABLE where its engine is not set up
 */
export async function runWorker(
  manifest: string,
  { next, done, signal }: WorkerOptions,
): Promise<{ readonly chunk: number; readonly why: string } | undefined> {
  const [node, main] = commandLine();
  const child = spawn(node, [main, 'learn', 'work', manifest], { stdio: ['pipe', 'pipe', 'pipe'] });
  const stop = () => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  let last = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    last = `${last}${text}`.slice(-500);
  });
  child.stdin.on('error', () => undefined);
  try {
    let chunk = await next();
    give(child, chunk);
    for await (const line of createInterface({ input: child.stdout })) {
      const said = JSON.parse(line) as Said;
      if ('error' in said) throw new MltsError(said.error.code, said.error.what, said.error.remedy);
      if ('id' in said) done(said.id);
      else {
        chunk = await next();
        give(child, chunk);
      }
    }
    const [code, killer] = await ended;
    if (chunk === undefined || signal.aborted) return undefined;
    return { chunk, why: killer ?? (last.trim().split('\n').at(-1) || `exit code ${code}`) };
  } finally {
    signal.removeEventListener('abort', stop);
    child.kill('SIGTERM');
    await ended;
  }
}

/** The next chunk, or the end. */
function give({ stdin }: ChildProcess, chunk: number | undefined): void {
  if (chunk === undefined) stdin!.end();
  else stdin!.write(`${chunk}\n`);
}
