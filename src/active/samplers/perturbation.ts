/** Crystals, shaken: displacements, strain, vacancies and interstitials. */
import { inverse } from '../../engine/cell.ts';
import { MltsError } from '../../errors.ts';
import { type Structure, toCartesian } from '../../io/structure.ts';
import { isTight, type Proposals, type Range, within } from './sampler.ts';

export interface PerturbationSettings {
  /** Largest displacement of an atom along each axis, Å; uniform. */
  readonly displacement: number;
  /** Factor on each cell vector, each its own. */
  readonly stretch: Range;
  /** Largest shear ε_xy, ε_xz, ε_yz, either way. */
  readonly shear: number;
  /** How many atoms are taken out, and how many put in where there is room. */
  readonly vacancies: Range;
  readonly interstitials: Range;
  /** Å, images included. */
  readonly minDistance: number;
  readonly count: number;
}

/** Draws of one structure, and places tried for an interstitial, before they are given up. */
const TRIALS = 50;

/**
 * `count` structures, the parents in turn. An interstitial is an atom of the kind of one that is there. `discarded` counts
 * draws with atoms that are `too close`.
 * @param random uniform in [0,1)
 * @throws MltsError E_CELL for a parent that is not a crystal, E_USAGE where vacancies would leave no atom, E_LIMIT where no
 *   draw of a structure keeps the distance
 */
export function perturb(
  parents: readonly Structure[],
  settings: PerturbationSettings,
  random: () => number,
): Proposals {
  const { count, minDistance, vacancies } = settings;
  const discarded = { 'too close': 0 };
  for (const [i, { numbers, cell, pbc }] of parents.entries()) {
    if (cell === undefined || !pbc.every((periodic) => periodic)) {
      throw new MltsError('E_CELL', `structure ${i} is not periodic in three directions`, 'Give crystals.');
    }
    if (numbers.length <= vacancies[1]) {
      const what = `structure ${i} has ${numbers.length} atoms, of which ${vacancies[1]} may be taken out`;
      throw new MltsError('E_USAGE', what, 'Repeat its cell, or take out fewer.');
    }
  }
  const frames = Array.from({ length: count }, (_, i) => {
    const parent = parents[i % parents.length];
    for (let trial = 0; trial < TRIALS; trial++) {
      const frame = draw(parent, settings, random);
      if (frame !== undefined && !isTight(frame, minDistance)) return frame;
      discarded['too close']++;
    }
    throw new MltsError(
      'E_LIMIT',
      `${TRIALS} perturbations in a row of structure ${i % parents.length} have atoms closer than ${minDistance} Å`,
      'Ask for a smaller displacement or shear, fewer interstitials, or a shorter minimum distance.',
    );
  });
  return { frames, discarded };
}

function draw(parent: Structure, settings: PerturbationSettings, random: () => number): Structure | undefined {
  const { displacement, stretch, vacancies, interstitials, minDistance } = settings;
  const cell = strained(parent.cell!, stretch, settings.shear, random);
  const numbers = [...parent.numbers];
  const positions = [...toCartesian(fractionsOf(parent), cell)].map((x) => x + displacement * (2 * random() - 1));
  for (let left = whole(vacancies, random); left > 0; left--) {
    const atom = Math.floor(random() * numbers.length);
    numbers.splice(atom, 1);
    positions.splice(3 * atom, 3);
  }
  for (let left = whole(interstitials, random); left > 0; left--) {
    numbers.push(numbers[Math.floor(random() * numbers.length)]);
    const place = room(positions, cell, minDistance, random);
    if (place === undefined) return undefined;
    positions.push(...place);
  }
  return {
    ...{ numbers: Int32Array.from(numbers), positions: Float64Array.from(positions), cell },
    ...{ pbc: [true, true, true], info: {}, arrays: {} },
  };
}

/** A place in the cell no closer to any atom than the distance. */
function room(positions: readonly number[], cell: Float64Array, distance: number, random: () => number) {
  const pbc = [true, true, true] as const;
  for (let trial = 0; trial < TRIALS; trial++) {
    const place = toCartesian([random(), random(), random()], cell);
    const all = Float64Array.from([...positions, ...place]);
    if (!isTight({ numbers: new Int32Array(), positions: all, cell, pbc, info: {}, arrays: {} }, distance))
      return place;
  }
  return undefined;
}

/** Cell vectors stretched each by its own factor, then sheared: h (1 + ε), ε symmetric without a diagonal. */
function strained(cell: Float64Array, stretch: Range, shear: number, random: () => number): Float64Array {
  const factors = [0, 1, 2].map(() => within(stretch, random));
  const [xy, xz, yz] = [0, 1, 2].map(() => within([-shear, shear], random));
  const stretched = cell.map((x, k) => factors[Math.floor(k / 3)] * x);
  return toCartesian(stretched, [1, xy, xz, xy, 1, yz, xz, yz, 1]);
}

const fractionsOf = ({ positions, cell }: Structure): Float64Array => toCartesian(positions, inverse(cell!));

const whole = ([low, high]: Range, random: () => number): number => low + Math.floor(random() * (high - low + 1));
