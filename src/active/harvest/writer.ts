/** The thread behind a server's harvest: keeps what it is given, in its order, until it is given null. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Harvested, HarvestSettings } from '../../server/harvest.ts';
import { HarvestFolder } from './folder.ts';

const folder = new HarvestFolder(workerData as HarvestSettings);

parentPort?.on('message', (harvested: Harvested | null) => {
  if (harvested === null) parentPort?.close();
  else parentPort?.postMessage(folder.keep(harvested));
});
