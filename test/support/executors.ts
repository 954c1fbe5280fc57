/** Work for executors: pairs of atoms of which some kill their worker or never end, with a log of each computation. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutorOptions, LabelRecord } from '../../src/active/executor.ts';
import { writeManifest } from '../../src/active/work.ts';
import { temporaryFolder } from './servers.ts';

export const [HELIUM, NEON, ARGON, KRYPTON] = [2, 10, 18, 36];

export interface Job {
  readonly folder: string;
  readonly manifest: string;
  readonly labels: string;
  /** Elements that were computed, in order, each time anew. */
  computed(): number[];
}

/** A structure of each of those elements, `s0`, `s1` … */
export function jobOf(
  elements: readonly number[],
  {
    chunkSize = 2,
    limit = 60,
    seconds = 0,
    calculator = 'faulty_calculator.Faulty',
    workers = undefined as number | undefined,
  } = {},
): Job {
  process.env.PYTHONPATH = import.meta.dirname;
  const folder = temporaryFolder();
  const [log, labels] = [join(folder, 'log'), join(folder, 'labels')];
  const structures = elements.map((element, i) => ({
    numbers: Int32Array.of(element, element),
    positions: Float64Array.of(0, 0, 0, 3 + 0.01 * i, 0, 0),
    pbc: [false, false, false] as const,
    info: { id: `s${i}` },
    arrays: {},
  }));
  const engine = { kind: 'ase' as const, calculator, arguments: { log, seconds }, level: 'test' };
  const manifest = writeManifest(join(folder, 'work'), {
    ...{ structures, engine, seconds: limit, chunkSize, workers, labels },
  });
  const computed = () =>
    existsSync(log)
      ? readFileSync(log, 'utf8')
          .trim()
          .split('\n')
          .map((line) => Number(line.split(' ')[0]))
      : [];
  return { folder, manifest, labels, computed };
}

/** Options that keep all they are told. */
export function watching(signal: AbortSignal = new AbortController().signal): ExecutorOptions & {
  readonly records: LabelRecord[];
  readonly said: string[];
} {
  const [records, said]: [LabelRecord[], string[]] = [[], []];
  return { records, said, signal, onResult: (one) => void records.push(one), say: (text) => void said.push(text) };
}

/** `s0 labelled`, `s1 crashed` …, sorted. */
export const outcomes = (records: readonly LabelRecord[]): string[] =>
  records.map((one) => `${one.id} ${one.status === 'failed' ? one.kind : one.status}`).sort();
