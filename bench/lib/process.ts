/** Child processes of the benchmark: commands that run to their end, and a daemon that is stopped at the end. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The checkout, seen from build/bench/bench/lib. */
export const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

export interface RunOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** Standard output of a command. @throws Error with the end of what it said where it fails */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const [file, ...args] = command;
  return await new Promise((resolve, reject) => {
    const settings = { env: environment(options.env), cwd: options.cwd ?? ROOT, maxBuffer: 1 << 28 };
    execFile(file, args, settings, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else
        reject(
          new Error(`${command.join(' ')} failed: ${error.code ?? error.signal}\n${(stdout + stderr).slice(-2000)}`),
        );
    });
  });
}

/** This environment without what would slow a BLAS down, plus `more`. */
function environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _cache, ...rest } = process.env;
  return { ...rest, ...more };
}

/** JSON Lines as objects. */
export const jsonLines = <T>(text: string): T[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

/** A running `mlts serve`. */
export class Daemon {
  readonly endpoint: string;
  readonly pid: number;
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess, endpoint: string, pid: number) {
    this.#process = child;
    this.endpoint = endpoint;
    this.pid = pid;
  }

  /** Starts a server on a free port and waits until it says that it is ready. */
  static async start(
    mlts: readonly string[],
    model: string,
    threads: number,
    bind = 'tcp://127.0.0.1:*',
  ): Promise<Daemon> {
    const args = [...mlts.slice(1), 'serve', model, '--bind', bind, '--threads', String(threads), '--json'];
    const child = spawn(mlts[0], args, { cwd: ROOT, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said = (said + chunk).slice(-2000);
    });
    for await (const line of createInterface({ input: child.stdout })) {
      const ready = JSON.parse(line) as { endpoints: string[]; pid: number };
      return new Daemon(child, ready.endpoints[0], ready.pid);
    }
    throw new Error(`mlts serve ${model} ended before it was ready:\n${said}`);
  }

  /** Largest resident memory so far, MB (10⁶ bytes). */
  peakMegabytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return (Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024) / 1e6;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.kill('SIGTERM');
    await once(this.#process, 'exit');
  }
}
