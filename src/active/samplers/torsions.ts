/** Molecules with their single bonds turned: every bond that is in no ring and has something on both sides, by any angle. */
import { BOND, sideOf, turned } from '../../analysis/dihedral.ts';
import { list, missing, settings, text, whole } from '../../dynamics/input/rules.ts';
import { covalentRadius } from '../../dynamics/structures/radii.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import { type Kind, sourcesOf } from './kind.ts';
import { length } from './rules.ts';
import { isTight, type Proposals } from './sampler.ts';

/** Draws of one structure before it is given up. */
const TRIALS = 20;

export interface TorsionSettings {
  readonly count: number;
  /** Å */
  readonly minDistance: number;
}

/**
 * `count` structures, the molecules in turn. `discarded` counts draws with atoms that are `too close` and molecules `without a bond
 * to turn`. @param random uniform in [0,1)
 */
export function turnTorsions(
  molecules: readonly Structure[],
  { count, minDistance }: TorsionSettings,
  random: () => number,
): Proposals {
  const discarded = { 'too close': 0, 'without a bond to turn': 0 };
  const bonds = molecules.map(turnableBonds);
  const frames = Array.from({ length: count }, (_, i): Structure[] => {
    const molecule = molecules[i % molecules.length];
    const own = bonds[i % molecules.length];
    if (own.length === 0) {
      discarded['without a bond to turn']++;
      return [];
    }
    for (let trial = 0; trial < TRIALS; trial++) {
      let { positions } = molecule;
      for (const { j, k, side } of own) positions = turned(positions, side, j, k, 2 * Math.PI * random());
      const { numbers, pbc } = molecule;
      const frame: Structure = { numbers, positions, pbc, info: {}, arrays: {} };
      if (!isTight(frame, minDistance)) return [frame];
      discarded['too close']++;
    }
    return [];
  });
  return { frames: frames.flat(), discarded };
}

interface Turnable {
  readonly j: number;
  readonly k: number;
  /** Atoms behind k. */
  readonly side: readonly number[];
}

function turnableBonds(molecule: Structure): Turnable[] {
  const { numbers, positions } = molecule;
  const n = numbers.length;
  const neighbours = Array.from({ length: n }, (_, a) =>
    Array.from({ length: n }, (_, b) => b).filter((b) => {
      const d = Math.hypot(...[0, 1, 2].map((x) => positions[3 * a + x] - positions[3 * b + x]));
      return a !== b && d < BOND * (covalentRadius(numbers[a]) + covalentRadius(numbers[b]));
    }),
  );
  const found: Turnable[] = [];
  for (let j = 0; j < n; j++) {
    for (const k of neighbours[j]) {
      if (k < j || neighbours[j].length < 2 || neighbours[k].length < 2) continue;
      try {
        found.push({ j, k, side: sideOf(molecule, j, k) });
      } catch (error) {
        // In a ring.
        if (!(error instanceof MltsError)) throw error;
      }
    }
  }
  return found;
}

export const torsionsKind: Kind = (input, name) => {
  const given = settings<{
    kind?: string;
    name?: string;
    from?: readonly string[];
    count?: number;
    min_distance?: number;
  }>(
    { ...{ kind: text, name: text, from: list(text), min_distance: length }, count: whole(1, 1_000_000) },
    'torsions',
  )(input);
  const { from, count = 100, min_distance: minDistance = 0.8 } = given;
  if (from === undefined) throw missing(input, 'which molecules: files, or the name of another sampler', 'from');
  return {
    ...{ name, needsModel: false, sources: from },
    propose: async (context) => turnTorsions(await sourcesOf(context, from), { count, minDistance }, context.random),
  };
};
