/** An ensemble on the device, computing in the thread that calls it. `tensorflow.ts` puts it on a thread of its own. */
import { MltsError } from '../../errors.ts';
import type { Model } from '../../model/model.ts';
import type { Outcome, System, Want } from '../potential.ts';
import { DeviceAni } from './ani.ts';
import { type DeviceFamily, wantedOf } from './family.ts';
import { DeviceHipnn } from './hipnn.ts';
import { Job } from './job.ts';
import type { TensorFlow } from './operations.ts';

export class TensorflowEngine {
  readonly #model: Model;
  readonly #family: DeviceFamily;

  /** Uploads the weights. @throws MltsError E_LIMIT where the device has no room for them */
  constructor(tf: TensorFlow, model: Model) {
    this.#model = model;
    this.#family = model.architecture === 'ani' ? new DeviceAni(tf, model) : new DeviceHipnn(tf, model);
  }

  /**
   * One outcome a system in single precision, without a pause; undefined where that does not suffice and the system is
   * to be evaluated in double precision elsewhere.
   * @param batch valid systems
   * @param isCancelled asked between blocks
   * @throws MltsError E_CANCELLED
   */
  evaluate(
    batch: readonly System[],
    want: ReadonlySet<Want>,
    isCancelled: () => boolean = () => false,
  ): (Outcome | undefined)[] {
    const jobs = batch.map((system) => new Job(system, want, this.#model));
    this.#family.evaluate(jobs, wantedOf(jobs, want), () => {
      if (isCancelled())
        throw new MltsError('E_CANCELLED', 'the evaluation was cancelled', 'Send it again if it is still wanted.');
    });
    return jobs.map((job) => (job.coarse && !job.failed ? undefined : job.outcome()));
  }

  /** Bytes of weights on the device. */
  get bytes(): number {
    return this.#family.bytes;
  }

  close(): void {
    this.#family.close();
  }
}
