import type { Want } from '../potential.ts';
import type { Job } from './job.ts';

/** What the device has to compute of a batch. */
export interface Wanted {
  readonly gradient: 'members' | 'mean' | 'none';
  readonly virials: boolean;
}

/** The equations of one architecture on the device. */
export interface DeviceFamily {
  /** Adds to the sums of each job what its atoms have, or fails it. @param checkCancelled to be called now and then; throws */
  evaluate(jobs: readonly Job[], wanted: Wanted, checkCancelled: () => void): void;
  /** Of weights on the device. */
  readonly bytes: number;
  close(): void;
}

export function wantedOf(jobs: readonly Job[], want: ReadonlySet<Want>): Wanted {
  const members = jobs.some(({ sums }) => sums.perMember);
  const some = jobs.some(({ sums }) => sums.gradients);
  return {
    gradient: members ? 'members' : some ? 'mean' : 'none',
    virials: want.has('virial') || want.has('virials'),
  };
}
