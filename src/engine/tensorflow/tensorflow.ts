/**
 * The TensorFlow.js backend: an ensemble on a GPU, or on processors, in single precision, on a thread of its own.
 * docs/tensorflow.md.
 */
import { MltsError } from '../../errors.ts';
import type { Model } from '../../model/model.ts';
import { NativePotential, toError } from '../native.ts';
import type { EvaluateOptions, Outcome, Potential, System, Trajectory, Want } from '../potential.ts';
import { ReferencePotential } from '../reference/reference.ts';
import { validateSystem } from '../validate.ts';
import { Device } from './device.ts';

export interface TensorflowOptions {
  /** Threads of libtensorflow on processors; the first potential decides. Default: all processors. */
  readonly threads?: number | undefined;
}

export class TensorflowPotential implements Potential {
  readonly backend = 'tensorflow';
  readonly model: Model;
  readonly #device: Device;
  /** Its number there. */
  readonly #id: number;
  readonly #bytes: number;
  readonly #threads: number | undefined;
  #precise: Potential | undefined;
  #closed = false;

  /** Uploads the weights. @throws MltsError E_UNAVAILABLE where TensorFlow.js is not installed or does not load */
  static async open(model: Model, { threads }: TensorflowOptions = {}): Promise<TensorflowPotential> {
    const device = Device.shared(threads);
    const answer = await device.ask({ open: model });
    return new TensorflowPotential(model, device, answer.id, 'bytes' in answer ? answer.bytes : 0, threads);
  }

  private constructor(model: Model, device: Device, id: number, bytes: number, threads: number | undefined) {
    this.model = model;
    this.#device = device;
    this.#id = id;
    this.#bytes = bytes;
    this.#threads = threads;
  }

  async evaluate(batch: readonly System[], want: ReadonlySet<Want>, options: EvaluateOptions = {}): Promise<Outcome[]> {
    if (batch.length === 0) throw new MltsError('E_EMPTY', 'a batch of no systems', 'Send at least one system.');
    if (this.#closed) throw new MltsError('E_UNAVAILABLE', 'this potential is closed', 'Load the model again.');
    const { precision = 'single', signal } = options;
    const outcomes: (Outcome | undefined)[] = batch.map((system) => validateSystem(system, this.model));
    const valid = Array.from(batch.keys()).filter((i) => outcomes[i] === undefined);
    if (precision === 'single' && valid.length > 0) {
      const found = await this.#compute(
        valid.map((i) => batch[i]),
        want,
        signal,
      );
      for (const [k, i] of valid.entries()) outcomes[i] = found[k];
    }
    // libtensorflow's JavaScript has no float64: what needs it is computed by a backend that has.
    const left = valid.filter((i) => outcomes[i] === undefined);
    if (left.length > 0) {
      this.#precise ??= this.#open();
      const bare = left.map((i) => ({ ...batch[i], trajectory: undefined }));
      const found = await this.#precise.evaluate(bare, want, { ...options, precision: 'double' });
      for (const [k, i] of left.entries()) outcomes[i] = found[k];
    }
    return outcomes as Outcome[];
  }

  /** Neighbours are searched anew at each step. */
  createTrajectory(): Trajectory {
    return { close: () => undefined };
  }

  /** Of weights on the device. */
  memoryBytes(): number {
    return this.#bytes;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#precise?.close();
    // A device that has ended holds nothing any more.
    this.#device.ask({ close: this.#id }).catch(() => undefined);
  }

  async #compute(batch: readonly System[], want: ReadonlySet<Want>, signal: AbortSignal | undefined) {
    const gaveUp = () =>
      new MltsError('E_CANCELLED', 'the evaluation was cancelled', 'Send it again if it is still wanted.');
    if (signal?.aborted) throw gaveUp();
    const cancelled = new Int32Array(new SharedArrayBuffer(4));
    const onAbort = () => Atomics.store(cancelled, 0, 1);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const bare = batch.map(({ numbers, positions, cell, pbc, owned }) => ({ numbers, positions, cell, pbc, owned }));
      const answer = await this.#device.ask({ model: this.#id, batch: bare, want, cancelled });
      if (!('outcomes' in answer)) throw new MltsError('E_INTERNAL', 'an answer without outcomes', 'Report this.');
      return answer.outcomes.map((one) => (one !== undefined && 'fault' in one ? toError(one.fault) : one));
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #open(): Potential {
    try {
      return new NativePotential(this.model, { threads: this.#threads });
    } catch {
      return new ReferencePotential(this.model);
    }
  }
}
