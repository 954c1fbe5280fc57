/** The checkpoint of a training: all that it takes to go on as if nothing had happened. */
import { createHash } from 'node:crypto';
import { readCheckpoint, writeCheckpoint } from '../dynamics/output/checkpoint.ts';
import { MltsError } from '../errors.ts';
import { version } from '../version.ts';
import type { Recipe } from './config/recipe.ts';
import type { Position } from './epoch.ts';
import type { EpochRow } from './history.ts';
import type { MemberState } from './plateau.ts';

const FORMAT = 1;

export interface SavedTraining {
  readonly kind: 'training';
  readonly format: typeof FORMAT;
  readonly version: string;
  /** Of the recipe and of the data. */
  readonly recipe: string;
  readonly data: string;
  readonly threads: number;
  /** Frames of a window (frame-store.ts). */
  readonly window: number;
  /** The one under way, from 1. */
  readonly epoch: number;
  readonly position: Position;
  readonly members: readonly MemberState[];
  readonly history: readonly EpochRow[];
  /** Weights, moments and steps now; at the end of the last good epoch, where that is not now. */
  readonly trainer: Uint8Array;
  readonly good: Uint8Array | undefined;
  /** [members, parameters] of the best epochs. */
  readonly best: Float64Array;
}

/** Of everything that decides the weights; not of how often they are saved, where to, and by how many threads. */
export function recipeHash({ output: _, threads: __, checkpoint: ___, memory: ____, ...rest }: Recipe): string {
  return createHash('sha256').update(JSON.stringify(rest)).digest('hex');
}

/** Of a member that trains alone, from 0. */
export const memberOutput = (output: string, member: number): string => `${output}.member-${member}`;

export const checkpointOf = (output: string): string => `${output}.checkpoint`;

type Content = Omit<SavedTraining, 'kind' | 'format' | 'version'>;

/** @throws MltsError E_DISK */
export const save = (output: string, content: Content): void =>
  writeCheckpoint(checkpointOf(output), {
    ...{ kind: 'training', format: FORMAT, version },
    ...content,
  } satisfies SavedTraining);

/**
 * @param recipe,data hashes of what is to be trained now
 * @throws MltsError E_FILE, E_CHECKSUM; E_VERSION, E_HASH where it is the checkpoint of something else
 */
export function readSaved(output: string, recipe: string, data: string): SavedTraining {
  const file = checkpointOf(output);
  const saved = readCheckpoint(file) as SavedTraining;
  if (saved.kind !== 'training') {
    throw new MltsError('E_FILE', `${file} is no checkpoint of a training`, 'Name another output, or remove it.');
  }
  if (saved.format !== FORMAT || saved.version !== version) {
    throw new MltsError(
      'E_VERSION',
      `${file} was written by mlts ${saved.version}, this is ${version}`,
      'Finish with that version, or start the training anew with --force.',
    );
  }
  for (const [what, was, is] of [
    ['config', saved.recipe, recipe],
    ['data', saved.data, data],
  ]) {
    if (was !== is) {
      throw new MltsError(
        'E_HASH',
        `${file} belongs to another ${what} (${was.slice(0, 12)}, now ${is.slice(0, 12)})`,
        `Take the ${what} that it was begun with, or start the training anew with --force.`,
      );
    }
  }
  return saved;
}
