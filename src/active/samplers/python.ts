/** Programs in Python that make structures: extended XYZ on stdout. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { MltsError, systemReason } from '../../errors.ts';
import { readXyz } from '../../io/extxyz.ts';
import { Lines } from '../../io/lines.ts';
import type { Structure } from '../../io/structure.ts';
import { pythonOf } from '../engines/ase.ts';

/** Exit codes of the scripts: a package is missing; an argument is wrong, with the reason on stderr. */
const [MISSING, WRONG] = [3, 4];

/**
 * What a script prints for arguments that are told to it as JSON.
 * @param needs the package for which it ends with 3
 * @throws MltsError E_UNAVAILABLE without it, E_USAGE where it ends with 4, E_CANCELLED
 */
export async function structuresBy(
  script: string,
  settings: object,
  { needs, signal }: { needs: string; signal: AbortSignal },
): Promise<Structure[]> {
  const python = pythonOf(undefined);
  const child = spawn(python, ['-c', script, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'pipe'], signal });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err = `${err}${text}`.slice(-2000);
  });
  const [code] = await once(child, 'close').catch((cause) => {
    if (signal.aborted) throw new MltsError('E_CANCELLED', 'the sampling was interrupted', 'Run the stage again.');
    const what = `${python} cannot be started (${systemReason(cause)})`;
    throw new MltsError('E_UNAVAILABLE', what, 'Name another Python in $MLTS_PYTHON.', { cause });
  });
  const last = err.trim().split('\n').at(-1) || `exit code ${code}`;
  if (code === WRONG) throw new MltsError('E_USAGE', last, 'Correct it in the config.');
  if (code !== 0) {
    const what = code === MISSING ? `${python} has no ${needs}` : `${python} failed: ${last}`;
    throw new MltsError('E_UNAVAILABLE', what, `Install it with \`${python} -m pip install ${needs}\`.`);
  }
  if (out.trim() === '') return [];
  return [...readXyz(new Lines(needs, out.trimEnd().split('\n').values()))];
}
