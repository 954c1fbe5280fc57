/** What a daemon has harvested: `mlts serve --harvest FOLDER`. */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { missing, settings, text, whole } from '../../dynamics/input/rules.ts';
import { MltsError } from '../../errors.ts';
import { readStructures } from '../../io/read.ts';
import { parseFrameIndex } from '../../io/slice.ts';
import type { Structure } from '../../io/structure.ts';
import { SUFFIX } from '../harvest/folder.ts';
import { type Kind, someOf } from './kind.ts';
import type { Proposals } from './sampler.ts';

/**
 * Structures of the folder, `count` of them at random where there are more. `discarded` counts files that are `unreadable` and
 * structures that are `left out`.
 * @param random uniform in [0,1)
 * @throws MltsError E_FILE where there is no folder
 */
export function harvested(folder: string, count: number, random: () => number): Proposals {
  if (!existsSync(folder)) {
    throw new MltsError('E_FILE', `there is no folder ${folder}`, `Start a daemon with --harvest ${folder} first.`);
  }
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(SUFFIX))
    .sort();
  const chosen = someOf(names, Math.min(count, names.length), random);
  const discarded = { unreadable: 0, 'left out': names.length - chosen.length };
  const frames = chosen.flatMap((name): Structure[] => {
    try {
      return Array.from(readStructures(join(folder, name), parseFrameIndex(':')), ({ frame }) => frame);
    } catch (error) {
      if (!(error instanceof MltsError)) throw error;
      discarded.unreadable++;
      return [];
    }
  });
  return { frames, discarded };
}

export const harvestKind: Kind = (input, name) => {
  const given = settings<{ kind?: string; name?: string; folder?: string; count?: number }>(
    { kind: text, name: text, folder: text, count: whole(1, 1_000_000) },
    'harvest',
  )(input);
  const { folder, count = 1000 } = given;
  if (folder === undefined) throw missing(input, 'which folder, as `mlts serve --harvest` has it', 'folder');
  return {
    ...{ name, needsModel: false, sources: [] },
    propose: async ({ random }) => harvested(resolve(folder), count, random),
  };
};
