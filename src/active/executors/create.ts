import { availableParallelism } from 'node:os';
import type { Executor } from '../executor.ts';
import { LocalExecutor } from './local.ts';
import { PilotExecutor } from './pilot/executor.ts';
import type { ExecutorSettings } from './settings.ts';
import { SlurmExecutor } from './slurm.ts';

export function createExecutor(settings: ExecutorSettings): Executor {
  if (settings.kind === 'pilot') return new PilotExecutor(settings);
  return settings.kind === 'local' ? new LocalExecutor(settings) : new SlurmExecutor(settings);
}

/** How many labels it computes side by side, where that is known. */
export const workersOf = (settings: ExecutorSettings): number | undefined =>
  settings.kind === 'local' ? (settings.workers ?? availableParallelism()) : undefined;

/** Tells workers that wait for further rounds that there are none. @throws MltsError as the executor's `run` */
export async function dismiss(settings: ExecutorSettings): Promise<void> {
  if (settings.kind === 'pilot') await new PilotExecutor(settings).dismiss();
}
