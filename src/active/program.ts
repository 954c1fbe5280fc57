/** One run of an outside program, within its wall time; whatever it started itself ends with it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { MltsError, systemReason } from '../errors.ts';

export interface ProgramOptions {
  readonly folder: string;
  /** Beside the process's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** Wall-time limit, s. */
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** What to do where it cannot be started. */
  readonly remedy: string;
}

export interface Ended {
  /** undefined where a signal ended it. */
  readonly code: number | undefined;
  readonly timedOut: boolean;
  /** The last of what it wrote on stdout and stderr. */
  readonly said: string;
}

const SAID = 400_000;

/** As many runs as there are cores go side by side. mpirun asks root whether that is meant. */
export const ONE_CORE: Readonly<Record<string, string>> = {
  ...{ OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
  ...{ OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' },
};

/** @throws MltsError E_UNAVAILABLE where it cannot be started; E_CANCELLED when `signal` fires */
export async function runProgram(
  [program, ...args]: readonly string[],
  { folder, environment, seconds, signal, remedy }: ProgramOptions,
): Promise<Ended> {
  if (signal.aborted) throw cancelled();
  // A group of its own: mpirun and scripts around programs leave theirs behind when they alone are killed.
  const child = spawn(program, args, {
    ...{ cwd: folder, env: { ...process.env, ...environment } },
    ...{ stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-SAID);
    });
  }
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  };
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, 1000 * seconds);
  signal.addEventListener('abort', kill, { once: true });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (signal.aborted) throw cancelled();
    return { code: code ?? undefined, timedOut, said };
  } catch (cause) {
    if (cause instanceof MltsError) throw cause;
    throw new MltsError('E_UNAVAILABLE', `${program} cannot be started (${systemReason(cause)})`, remedy, { cause });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  }
}

const cancelled = () => new MltsError('E_CANCELLED', 'the program was interrupted', 'Go on with --resume.');
