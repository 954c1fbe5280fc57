/** Where a verb gets its forces from: this process, or a server. */
import { RemotePotential } from '../client/remote-potential.ts';
import type { Potential } from '../engine/potential.ts';
import type { BackendChoice } from '../engine/select.ts';
import { MltsError } from '../errors.ts';
import { openModel } from './options.ts';

export interface Source {
  readonly model?: string | undefined;
  readonly connect?: string | undefined;
  readonly keys?: string | undefined;
  readonly threads?: number | undefined;
  readonly backend?: BackendChoice | undefined;
}

/** @throws MltsError E_USAGE where neither a model nor a server is named */
export async function openSource({ model, connect, keys, threads, backend }: Source): Promise<Potential> {
  if (connect !== undefined) {
    return RemotePotential.connect(connect, {
      ...(keys !== undefined && { keys }),
      ...(model !== undefined && { model }),
    });
  }
  if (model === undefined) {
    throw new MltsError('E_USAGE', 'neither a model nor a server is named', 'Add --model M or --connect ENDPOINT.');
  }
  return (await openModel(model, threads, backend)).potential;
}
