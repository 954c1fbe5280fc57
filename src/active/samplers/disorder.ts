/** Atoms at random in random boxes: where a campaign begins that knows nothing (doi:10.1038/s41467-021-21376-0). */
import { type Piece, packing } from '../../dynamics/structures/packing.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import { type Proposals, type Range, within } from './sampler.ts';

export interface DisorderSettings {
  /** Atoms of each element, by atomic number; each structure draws its counts. */
  readonly composition: ReadonlyMap<number, Range>;
  /** g/cm³ */
  readonly density: Range;
  /** Å, images included. */
  readonly minDistance: number;
  /** The shortest edge of the box, Å; a box that would be smaller is drawn again. */
  readonly smallestBox: number;
  /** Longest edge of the box over the shortest; 1 makes cubes. */
  readonly aspect: number;
  readonly count: number;
}

/** Draws of one structure before it is given up. */
const TRIALS = 50;

/**
 * `discarded` counts draws without room for all atoms (`no room`), and boxes that were too small (`small box`).
 * @param random uniform in [0,1)
 * @throws MltsError E_LIMIT where no draw of a structure succeeds
 */
export function disorder(settings: DisorderSettings, random: () => number): Proposals {
  const discarded = { 'no room': 0, 'small box': 0 };
  const frames = Array.from({ length: settings.count }, () => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const structure = draw(settings, random);
      if (structure === undefined) discarded['no room']++;
      else if (shortestEdge(structure) < settings.smallestBox) discarded['small box']++;
      else return structure;
    }
    throw new MltsError(
      'E_LIMIT',
      `${TRIALS} random structures in a row have no room for their atoms or are in boxes below ${settings.smallestBox} Å`,
      'Ask for a lower density, a shorter minimum distance, more atoms or a smaller box.',
    );
  });
  return { frames, discarded };
}

function draw({ composition, density, minDistance, aspect }: DisorderSettings, random: () => number) {
  const pieces = Array.from(composition, ([number, [least, most]]): Piece => {
    const count = least + Math.floor(random() * (most - least + 1));
    return { numbers: Int32Array.of(number), positions: new Float64Array(3), count };
  }).filter(({ count }) => count > 0);
  const shape = [0, 1, 2].map(() => within([1, aspect], random)) as [number, number, number];
  const target = within(density, random);
  if (pieces.length === 0) return undefined;
  try {
    return packing({ pieces, density: target, minDistance, shape, random });
  } catch (error) {
    if (error instanceof MltsError && error.code === 'E_LIMIT') return undefined;
    throw error;
  }
}

const shortestEdge = ({ cell }: Structure): number => Math.min(cell![0], cell![4], cell![8]);
