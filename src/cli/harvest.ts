/** `mlts serve --harvest`: the folder, the thread that writes it, and what is asked of them. */
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { HarvestFolder } from '../active/harvest/folder.ts';
import { MltsError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Config } from '../server/config.ts';
import { DEFAULT_HARVEST, Harvest, type HarvestSettings } from '../server/harvest.ts';

const WRITER = new URL('../active/harvest/writer.js', import.meta.url);

/**
 * @param given on the command line, which goes before the config
 * @returns undefined where no folder is named
 * @throws MltsError E_USAGE for settings without a folder; E_DISK where it cannot be used
 */
export function openHarvest(
  given: { readonly harvest?: string; readonly harvestAbove?: number },
  config: Config,
  log: Log,
): Harvest | undefined {
  const folder = given.harvest ?? config.harvest?.folder;
  if (folder === undefined) {
    if (config.harvest === undefined && given.harvestAbove === undefined) return undefined;
    throw new MltsError('E_USAGE', 'a harvest has no folder', 'Name one: --harvest FOLDER.');
  }
  const threshold = given.harvestAbove ?? config.harvest?.threshold ?? DEFAULT_HARVEST.threshold;
  const settings: HarvestSettings = { ...DEFAULT_HARVEST, ...config.harvest, folder: resolve(folder), threshold };
  // The thread does the same; a folder that cannot be used is said before anybody is served.
  new HarvestFolder(settings);
  log.info('harvest', { ...settings });
  return new Harvest(settings, new Worker(WRITER, { workerData: settings }), log);
}
