/** What an executor has given to a queue, on disk beside the manifest, so that its successor adopts it. */
import { existsSync, readFileSync } from 'node:fs';

export interface Submission {
  readonly name: string;
  /** Undefined until the queue has said it: whether the array was taken is in doubt then. */
  job: string | undefined;
  /** ms since 1970. */
  readonly at: number;
  /** Chunks of each task; undefined where the task is over. */
  readonly tasks: (readonly number[] | null)[];
}

export interface State {
  submissions: Submission[];
  /** Arrays so far. */
  count: number;
  /** Workers that died with a structure, by its id. */
  readonly deaths: Record<string, number>;
}

export const readState = (file: string): State =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as State) : { submissions: [], count: 0, deaths: {} };
