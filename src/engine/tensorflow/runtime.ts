/**
 * Where TensorFlow.js with libtensorflow lies on this machine, and how it is loaded. `mlts setup tensorflow` puts it there
 * (src/setup/tensorflow); a copy that the user installed beside mlts does as well.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import util from 'node:util';
import { MltsError } from '../../errors.ts';
import type { TensorFlow } from './operations.ts';

export const PACKAGE = '@tensorflow/tfjs-node-gpu';

/** What an installation says of itself (`installed.json`). */
export interface Installed {
  /** Version of the npm package. */
  readonly tfjs: string;
  readonly libtensorflow: string;
  /** The build with CUDA; it computes on machines without a GPU too. */
  readonly cuda: boolean;
  /** SHA-256 of the versions and hashes that it was made from, hex. */
  readonly pins: string;
}

/** The per-user folder of the runtime. */
export function runtimeFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'mlts', 'tensorflow');
}

/** The installation in the per-user folder, where there is one. */
export function installedRuntime(folder: string = runtimeFolder()): Installed | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'installed.json'), 'utf8')) as Installed;
  } catch {
    return undefined;
  }
}

/** The runtime's main file. @throws MltsError E_UNAVAILABLE where none is installed */
export function runtimeFile(folder: string = runtimeFolder()): string {
  for (const place of [join(folder, 'package.json'), import.meta.url]) {
    try {
      return createRequire(place).resolve(PACKAGE);
    } catch {
      // The next place.
    }
  }
  throw new MltsError(
    'E_UNAVAILABLE',
    `TensorFlow.js is not installed (no ${PACKAGE} in ${folder})`,
    'Install it with mlts setup tensorflow (--gpu for NVIDIA GPUs), or choose another backend.',
  );
}

/**
 * Settings that libtensorflow reads from the environment of the process when it loads: call it on the main thread,
 * for a worker's environment is a copy.
 */
export function prepareEnvironment(threads?: number): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  // Otherwise it takes all memory of every GPU, and a second process finds none.
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  // Products on GPUs in float32, not in TF32 with its ten bits: forces would be off by 0.1 %.
  process.env.NVIDIA_TF32_OVERRIDE ??= '0';
  if (threads !== undefined) {
    process.env.TF_NUM_INTRAOP_THREADS ??= String(threads);
    process.env.TF_NUM_INTEROP_THREADS ??= '1';
  }
}

/** @throws MltsError E_UNAVAILABLE where it is not installed or does not load */
export function loadRuntime(folder?: string): TensorFlow {
  const file = runtimeFile(folder);
  // tfjs-node calls what Node 24 no longer has.
  const old = util as { isNullOrUndefined?: (value: unknown) => boolean };
  old.isNullOrUndefined ??= (value) => value === null || value === undefined;
  try {
    return createRequire(file)(file) as TensorFlow;
  } catch (cause) {
    const what = `TensorFlow.js does not load: ${(cause as Error).message.split('\n')[0]}`;
    throw new MltsError('E_UNAVAILABLE', what, 'Install it anew: mlts setup tensorflow.', { cause });
  }
}
