/**
 * Which backend is the fastest for a model on this machine: measured once, kept in $XDG_CACHE_HOME/mlts/backends.json. There is a
 * question only where TensorFlow.js has a GPU; on processors the native backend is faster by far (docs/tensorflow.md).
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { asMltsError } from '../errors.ts';
import type { ModelInfo } from '../model/model.ts';
import { version } from '../version.ts';
import type { Potential, System, Want } from './potential.ts';
import { installedRuntime } from './tensorflow/runtime.ts';

export interface Timing {
  readonly backend: 'native' | 'tensorflow';
  /** Energy, forces, virial and σ of ATOMS atoms, ms. */
  readonly native_ms: number;
  readonly tensorflow_ms: number;
  /** Of the measurement, ISO 8601. */
  readonly at: string;
}

/** Å. As many atoms in a volume as molecules have. */
const [EDGE, SPACING] = [[8, 8, 6], 2.2] as const;
export const ATOMS = EDGE[0] * EDGE[1] * EDGE[2];
const WANT: ReadonlySet<Want> = new Set(['forces', 'virial', 'sigma']);
/** Evaluations that count, after as many that do not: devices compile and allocate in their first ones. */
const REPEATS = 5;

/** Whether the runtime of TensorFlow.js has CUDA, and this machine a device for it. */
export const hasGpu = (): boolean => installedRuntime()?.cuda === true && existsSync('/dev/nvidia0');

export const timingsFile = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'mlts', 'backends.json');

/** What is known, by host, version, model and threads. */
export function timings(file = timingsFile()): Readonly<Record<string, Timing>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, Timing>;
  } catch {
    // None yet, or one that a crash tore: it is measured again.
    return {};
  }
}

/** The timing of a model, measured where it is not known. What cannot be kept is measured again the next time. */
export async function timingOf(
  native: Potential,
  openTensorflow: () => Promise<Potential>,
  { threads, file = timingsFile() }: { readonly threads?: number | undefined; readonly file?: string },
): Promise<Timing> {
  const key = [hostname(), version, native.model.sha256, threads ?? 'all'].join(' ');
  const known = timings(file)[key];
  if (known !== undefined) return known;
  const tensorflow = await openTensorflow();
  try {
    const system = lattice(native.model);
    const [a, b] = [await millisecondsOf(native, system), await millisecondsOf(tensorflow, system)];
    const backend = a <= b ? 'native' : 'tensorflow';
    const timing: Timing = { backend, native_ms: a, tensorflow_ms: b, at: new Date().toISOString() };
    keep(file, { ...timings(file), [key]: timing });
    return timing;
  } finally {
    tensorflow.close();
  }
}

function keep(file: string, all: Readonly<Record<string, Timing>>): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.${process.pid}`, `${JSON.stringify(all, undefined, 1)}\n`);
    renameSync(`${file}.${process.pid}`, file);
  } catch {
    // A cache.
  }
}

/** All elements in turn on a cubic lattice, periodic. */
function lattice({ elements }: ModelInfo): System {
  const [a, b, c] = EDGE;
  const numbers = Int32Array.from({ length: ATOMS }, (_, i) => elements[i % elements.length]);
  const positions = Float64Array.from({ length: 3 * ATOMS }, (_, k) => {
    const [i, axis] = [Math.floor(k / 3), k % 3];
    const cell = [i % a, Math.floor(i / a) % b, Math.floor(i / (a * b))];
    // Not all distances alike.
    return SPACING * cell[axis] + 0.3 * Math.sin(7 * i + 3 * axis);
  });
  const cell = Float64Array.of(a * SPACING, 0, 0, 0, b * SPACING, 0, 0, 0, c * SPACING);
  return { numbers, positions, cell, pbc: [true, true, true] };
}

/** Median. @throws MltsError that the evaluation came to */
async function millisecondsOf(potential: Potential, system: System): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 2 * REPEATS; i++) {
    const moved = { ...system, positions: system.positions.map((x, k) => x + 0.01 * Math.sin(k + i)) };
    const start = performance.now();
    const [outcome] = await potential.evaluate([moved], WANT);
    if (outcome instanceof Error) throw asMltsError(outcome);
    if (i >= REPEATS) times.push(performance.now() - start);
  }
  return Number(times.sort((x, y) => x - y)[Math.floor(times.length / 2)].toFixed(3));
}
