/** Which backend computes a model on this machine. */
import { asMltsError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import { hasGpu, timingOf } from './fastest.ts';
import type { Potential } from './potential.ts';
import { ReferencePotential } from './reference/reference.ts';

export const BACKEND_CHOICES = ['auto', 'native', 'tensorflow', 'reference'] as const;
export type BackendChoice = (typeof BACKEND_CHOICES)[number];

export interface SelectOptions {
  /**
   * Default auto: native; tensorflow where it has a GPU and was measured to be faster for this model (fastest.ts); reference, with a
   * warning, where native is not available.
   */
  readonly backend?: BackendChoice | undefined;
  /** Threads that compute; default all processors. */
  readonly threads?: number | undefined;
  /** Told why auto did not take the native backend. Default: a warning of the process. */
  readonly warn?: (reason: string) => void;
  /** How to make the reference backend; default in this thread. */
  readonly reference?: (model: Model) => Potential;
}

/**
 * A model ready to compute.
 * @throws MltsError E_UNAVAILABLE for a backend that this machine does not have
 */
export async function openPotential(model: Model, options: SelectOptions = {}): Promise<Potential> {
  const { backend = 'auto', threads, warn = (reason) => process.emitWarning(reason) } = options;
  const reference = options.reference ?? ((loaded) => new ReferencePotential(loaded));
  if (backend === 'reference') return reference(model);
  const openTensorflow = async () => {
    const { TensorflowPotential } = await import('./tensorflow/tensorflow.ts');
    return TensorflowPotential.open(model, { threads });
  };
  if (backend === 'tensorflow') return openTensorflow();
  let native: Potential;
  try {
    const { NativePotential } = await import('./native.ts');
    native = new NativePotential(model, { threads });
  } catch (error) {
    const reason = asMltsError(error);
    // The model itself was found valid when it was loaded: E_MODEL means shapes that the kernels do not have.
    const isBeyond = reason.code === 'E_UNAVAILABLE' || reason.code === 'E_MODEL';
    if (backend === 'native' || !isBeyond) throw reason;
    warn(`computing with the slow reference backend, for ${reason.what}`);
    return reference(model);
  }
  return backend === 'auto' && hasGpu() ? faster(native, openTensorflow, { threads, warn }) : native;
}

/** The native potential, or the one on a GPU in its place. A GPU that does not compute is no reason to stop. */
async function faster(
  native: Potential,
  openTensorflow: () => Promise<Potential>,
  { threads, warn }: { readonly threads: number | undefined; readonly warn: (reason: string) => void },
): Promise<Potential> {
  try {
    if ((await timingOf(native, openTensorflow, { threads })).backend === 'native') return native;
    const potential = await openTensorflow();
    native.close();
    return potential;
  } catch (error) {
    warn(`computing on processors, for ${asMltsError(error).what}`);
    return native;
  }
}
