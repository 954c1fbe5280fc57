/** Which backend computes a model on this machine. */
import { asMltsError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import type { Potential } from './potential.ts';
import { ReferencePotential } from './reference/reference.ts';

export const BACKEND_CHOICES = ['auto', 'native', 'tensorflow', 'reference'] as const;
export type BackendChoice = (typeof BACKEND_CHOICES)[number];

export interface SelectOptions {
  /** Default auto: native, or where it is not available reference, with a warning. */
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
  if (backend === 'tensorflow') {
    const { TensorflowPotential } = await import('./tensorflow/tensorflow.ts');
    return TensorflowPotential.open(model, { threads });
  }
  try {
    const { NativePotential } = await import('./native.ts');
    return new NativePotential(model, { threads });
  } catch (error) {
    const reason = asMltsError(error);
    // The model itself was found valid when it was loaded: E_MODEL means shapes that the kernels do not have.
    const isBeyond = reason.code === 'E_UNAVAILABLE' || reason.code === 'E_MODEL';
    if (backend === 'native' || !isBeyond) throw reason;
    warn(`computing with the slow reference backend, for ${reason.what}`);
    return reference(model);
  }
}
