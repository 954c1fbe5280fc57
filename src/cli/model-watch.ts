/** A server takes up a model file that was put in the place of one it serves. */
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Potential } from '../engine/potential.ts';
import { asMltsError, MltsError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Server } from '../server/server.ts';

/** ms between two looks. Asking the file system works on every one of them, notifications do not. */
const INTERVAL = 1000;

/** Which file lies under a name, and since when. */
async function stateOf(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? `${found.ino} ${found.size} ${found.mtimeMs}` : undefined;
}

export interface Loader {
  load(path: string): Promise<Potential>;
  /** Of a potential that nobody uses any more. */
  unload(potential: Potential): void;
  readonly log: Log;
}

/**
 * Looks at the files of served models once a second; a changed one is loaded and served in the place of the one before. What
 * cannot be loaded is logged, and the model before stays.
 * @param models files by the name of the model that is served of them
 * @returns ends it, once nothing is being loaded
 */
export async function watchModels(
  server: Server,
  models: ReadonlyMap<string, string>,
  { load, unload, log }: Loader,
): Promise<() => Promise<void>> {
  const states = new Map<string, string | undefined>();
  for (const path of models.values()) states.set(path, await stateOf(path));
  const look = async (name: string, path: string): Promise<void> => {
    const state = await stateOf(path);
    if (state === undefined || state === states.get(path)) return;
    states.set(path, state);
    let potential: Potential | undefined;
    try {
      potential = await load(path);
      if (potential.model.name !== name) throw renamed(path, name, potential.model.name);
      void server.replace(potential).then(unload);
    } catch (error) {
      if (potential !== undefined) unload(potential);
      log.warn(`the model before stays: ${asMltsError(error).message}`, { model: name });
    }
  };
  const end = new AbortController();
  const watching = (async () => {
    while (await pause(INTERVAL, end.signal)) for (const [name, path] of models) await look(name, path);
  })();
  return () => {
    end.abort();
    return watching;
  };
}

/** @returns false once the signal fires */
const pause = (ms: number, signal: AbortSignal): Promise<boolean> =>
  sleep(ms, true, { signal, ref: false }).catch(() => false);

const renamed = (path: string, served: string, found: string): MltsError =>
  new MltsError(
    'E_MODEL',
    `${path} now holds the model '${found}', '${served}' is served`,
    'Give the new model the name of the one before.',
  );
