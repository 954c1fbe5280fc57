/** The TensorFlow.js backend as users run it: compiled, on its own thread, with the runtime of `mlts setup tensorflow`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Outcome, Potential } from '../../src/engine/potential.ts';
import { MltsError } from '../../src/errors.ts';
import type { Model } from '../../src/model/model.ts';

const DIST = join(import.meta.dirname, '../../dist');

/** A module of dist. @throws where it is not built */
export async function compiled<T>(path: string): Promise<T> {
  const file = join(DIST, path);
  if (!existsSync(file)) throw new Error(`no ${file}: \`npm run setup\` builds it`);
  return import(pathToFileURL(file).href) as Promise<T>;
}

/** dist has an error class of its own. */
function ours(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'MltsError') return error;
  const { code, what, remedy, atom } = error as MltsError;
  return new MltsError(code, what, remedy, atom === undefined ? {} : { atom });
}

/** @throws MltsError E_UNAVAILABLE where the runtime is not installed: `npm test` installs it */
export async function tensorflowPotential(model: Model): Promise<Potential> {
  type Module = typeof import('../../src/engine/tensorflow/tensorflow.ts');
  const { TensorflowPotential } = await compiled<Module>('engine/tensorflow/tensorflow.js');
  const rethrow = (error: unknown): never => {
    throw ours(error);
  };
  const potential = await TensorflowPotential.open(model, { threads: 2 }).catch(rethrow);
  return {
    backend: potential.backend,
    model,
    evaluate: async (...call) => (await potential.evaluate(...call).catch(rethrow)).map((one) => ours(one) as Outcome),
    createTrajectory: () => potential.createTrajectory(),
    memoryBytes: () => potential.memoryBytes(),
    close: () => potential.close(),
  };
}
