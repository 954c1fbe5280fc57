/** A promoted model is put where a daemon finds it. */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { MltsError, systemReason } from '../../errors.ts';
import { writeWhole } from '../../io/write.ts';

/**
 * Copies a model by renaming: whoever opens `to` finds the old one or the new one, each whole. A daemon takes it up by itself
 * within a second or two.
 * @throws MltsError E_DISK
 */
export function publish(model: string, to: string): void {
  try {
    mkdirSync(dirname(to), { recursive: true });
  } catch (cause) {
    const what = `${dirname(to)} cannot be made (${systemReason(cause)})`;
    throw new MltsError('E_DISK', what, 'Check that you may write there.', { cause });
  }
  writeWhole(to, readFileSync(model));
}
