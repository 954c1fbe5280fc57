/** Whether a runtime computes: it is loaded in a process of its own. */
import { fileURLToPath } from 'node:url';
import type { Probe } from '../../engine/tensorflow/probe.ts';
import { asMltsError, MltsError } from '../../errors.ts';
import { command } from './command.ts';

// Compiled or not, it has the suffix of this file.
const PROGRAM = fileURLToPath(new URL(`../../engine/tensorflow/probe${import.meta.url.slice(-3)}`, import.meta.url));

/** @throws MltsError E_UNAVAILABLE where it does not load or compute */
export async function probeRuntime(folder: string): Promise<Probe> {
  try {
    return JSON.parse(await command(process.execPath, [PROGRAM, folder], { missing: 'Install Node.' })) as Probe;
  } catch (cause) {
    const { what } = asMltsError(cause);
    throw new MltsError('E_UNAVAILABLE', what, 'Install it anew: mlts setup tensorflow.', { cause });
  }
}
