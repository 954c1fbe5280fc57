/** Dimers and clusters: a few molecules, each turned at random, in a box of a random density without its periodicity. */
import { list, missing, number, settings, text, whole } from '../../dynamics/input/rules.ts';
import { type Piece, packing } from '../../dynamics/structures/packing.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import { type Kind, sourcesOf } from './kind.ts';
import { length, range } from './rules.ts';
import type { Proposals, Range } from './sampler.ts';

export interface ClusterSettings {
  /** Molecules of a cluster: 2 makes dimers. */
  readonly size: Range;
  /** g/cm³ in the box in which they are put. */
  readonly density: Range;
  /** Between atoms of different molecules, Å. */
  readonly minDistance: number;
  readonly count: number;
}

/** Draws of one cluster before it is given up. */
const TRIALS = 20;

/** Each cluster draws its molecules from all that are given. `discarded` counts draws with `no room`. @param random uniform in [0,1) */
export function clusters(
  molecules: readonly Structure[],
  { size, density, minDistance, count }: ClusterSettings,
  random: () => number,
): Proposals {
  const discarded = { 'no room': 0 };
  const [low, high] = size;
  const frames = Array.from({ length: count }, (): Structure[] => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const pieces = Array.from({ length: low + Math.floor(random() * (high - low + 1)) }, (): Piece => {
        const { numbers, positions } = molecules[Math.floor(random() * molecules.length)];
        return { numbers, positions, count: 1 };
      });
      const [from, to] = density;
      try {
        // Molecules come out whole: without their images they are as far apart as in the box, or farther.
        const { numbers, positions } = packing({ pieces, density: from + (to - from) * random(), minDistance, random });
        return [{ numbers, positions, pbc: [false, false, false], info: {}, arrays: {} }];
      } catch (error) {
        if (!(error instanceof MltsError && error.code === 'E_LIMIT')) throw error;
        discarded['no room']++;
      }
    }
    return [];
  });
  return { frames: frames.flat(), discarded };
}

export const clustersKind: Kind = (input, name) => {
  const given = settings<{
    kind?: string;
    name?: string;
    from?: readonly string[];
    size?: Range;
    density?: Range;
    min_distance?: number;
    count?: number;
  }>(
    {
      ...{ kind: text, name: text, from: list(text), min_distance: length },
      size: range(whole(2, 1000)),
      density: range(number({ above: 0, most: 100, unit: 'g/cm³' })),
      count: whole(1, 1_000_000),
    },
    'clusters',
  )(input);
  const { from } = given;
  if (from === undefined) throw missing(input, 'which molecules: files, or the name of another sampler', 'from');
  const own: ClusterSettings = {
    ...{ size: given.size ?? [2, 2], density: given.density ?? [0.1, 0.8] },
    ...{ minDistance: given.min_distance ?? 1.4, count: given.count ?? 100 },
  };
  return {
    ...{ name, needsModel: false, sources: from },
    propose: async (context) => clusters(await sourcesOf(context, from), own, context.random),
  };
};
