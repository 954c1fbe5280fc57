/** Workers on this machine: processes that are given chunk after chunk. */
import { availableParallelism } from 'node:os';
import { MltsError } from '../../errors.ts';
import type { Executor, ExecutorOptions } from '../executor.ts';
import { readChunk, readManifest, readRecord, writeDeath } from '../work.ts';
import { countDeath, DEATHS } from './counts.ts';
import type { LocalSettings } from './settings.ts';
import { runWorker } from './worker-process.ts';

export class LocalExecutor implements Executor {
  readonly #workers: number;

  constructor({ workers = availableParallelism() }: LocalSettings) {
    this.#workers = workers;
  }

  async run(manifest: string, { onResult, say, signal }: ExecutorOptions): Promise<void> {
    const { chunks, labels } = readManifest(manifest);
    const queue: number[] = [];
    const told = new Set<string>();
    const tell = (id: string) => {
      const record = told.has(id) ? undefined : readRecord(labels, id);
      if (record === undefined) return;
      told.add(id);
      onResult(record);
    };
    for (let chunk = 0; chunk < chunks; chunk++) {
      const ids = readChunk(manifest, chunk).map(({ id }) => id);
      for (const id of ids) tell(id);
      if (!ids.every((id) => told.has(id))) queue.push(chunk);
    }
    const deaths: Record<string, number> = {};
    const onDeath = (chunk: number, why: string) => {
      const victim = readChunk(manifest, chunk).find(({ id }) => readRecord(labels, id) === undefined)?.id;
      if (victim !== undefined && countDeath(deaths, victim, { who: 'worker', noun: 'structure', why, say })) {
        writeDeath(manifest, victim, DEATHS);
        tell(victim);
      }
      queue.unshift(chunk);
    };
    const team = new AbortController();
    const either = AbortSignal.any([signal, team.signal]);
    const serve = async () => {
      while (queue.length > 0 && !either.aborted) {
        const death = await runWorker(manifest, { next: () => queue.shift(), done: tell, signal: either });
        if (death !== undefined) onDeath(death.chunk, death.why);
      }
    };
    const count = Math.min(this.#workers, queue.length);
    const crew = Array.from({ length: count }, () =>
      serve().catch((error) => {
        team.abort();
        throw error;
      }),
    );
    const outcomes = await Promise.allSettled(crew);
    const fault = outcomes.find((outcome) => outcome.status === 'rejected');
    if (fault !== undefined) throw fault.reason;
    if (signal.aborted) throw new MltsError('E_CANCELLED', 'labelling was interrupted', 'Go on with --resume.');
  }
}
