/** Where a model fails, the measurement goes on. */
import { type Code, MltsError } from '../../errors.ts';

/** Not the model's fault. */
const OTHERS: ReadonlySet<Code> = new Set(['E_CANCELLED', 'E_USAGE', 'E_FILE', 'E_DISK', 'E_INTERNAL'] as const);

/** What `action` gives; undefined, and a word about it, where the model fails. @throws MltsError that is not the model's fault */
export async function attempt<T>(
  name: string,
  say: (text: string) => void,
  action: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof MltsError) || OTHERS.has(error.code)) throw error;
    say(`${name}: ${error.what}`);
    return undefined;
  }
}
