/** Energies of vacancies, surfaces and stacking faults. */

import { product } from '../dynamics/minimise/coordinates.ts';
import { relax } from '../dynamics/minimise/relax.ts';
import { neb, type Path } from '../dynamics/neb.ts';
import type { Potential, System } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { adjusted, type Compute, converged, results, systemOf } from './evaluate.ts';
import { type Crystal, type Miller, orient, slab } from './oriented.ts';

/** Largest force that is left, eV/Å. */
const FORCE = 0.005;

const tight = ({ signal }: Compute) => ({ fmax: FORCE, precision: 'double', signal }) as const;

export interface Vacancy {
  readonly atoms: number;
  /** E(N − 1) − (N − 1)/N·E(N) at the crystal's volume, eV, before and after the atoms relax. */
  readonly unrelaxed: number;
  readonly relaxed: number;
  /** Barrier of the exchange with a nearest neighbour, eV, where it was asked for. */
  readonly migration: number | undefined;
  readonly path: Path | undefined;
}

/**
 * Removes atom 0 of a supercell of one element.
 * @throws MltsError E_USAGE for a compound, whose vacancies depend on chemical potentials
 */
export async function vacancy(
  potential: Potential,
  supercell: Crystal,
  options: Compute & { readonly migration?: boolean | undefined } = {},
): Promise<Vacancy> {
  const n = supercell.numbers.length;
  if (new Set(supercell.numbers).size > 1) {
    throw new MltsError('E_USAGE', 'the crystal has several elements', 'Give a crystal of one element.');
  }
  const holed = without(supercell, 0);
  const [bulk, rigid] = await results(potential, [systemOf(supercell), holed], [], options);
  const reference = ((n - 1) / n) * bulk.energy;
  const [outcome] = await relax(potential, [holed], tight(options));
  const first = converged(outcome, 'the vacancy');
  const found = { atoms: n, unrelaxed: rigid.energy - reference, relaxed: first.result.energy - reference };
  if (!options.migration) return { ...found, migration: undefined, path: undefined };
  // The neighbour goes where atom 0 was, and leaves its own place empty.
  const hop = without(supercell, 0);
  const neighbour = nearestTo(supercell, 0) - 1;
  for (let k = 0; k < 3; k++) hop.positions[3 * neighbour + k] = supercell.positions[k];
  const [second] = await relax(potential, [hop], tight(options));
  const last = converged(second, 'the vacancy after its hop');
  const path = await neb(potential, [systemOf(first.system), systemOf(last.system)], {
    ...{ images: 5, fmax: 0.02, precision: 'double', signal: options.signal },
  });
  return { ...found, migration: path.profile[path.saddle], path: checked(path) };
}

function checked(path: Path): Path {
  if (path.converged) return path;
  throw new MltsError(
    'E_LIMIT',
    `the path is not relaxed after ${path.steps} steps: ${path.fmax.toPrecision(3)} eV/Å are left across it`,
    'Relax its ends further, or begin with ends nearer to each other.',
  );
}

function without({ numbers, positions, cell, pbc }: Crystal, atom: number): Crystal {
  return {
    ...{ cell, pbc },
    numbers: numbers.filter((_, i) => i !== atom),
    positions: positions.filter((_, k) => Math.floor(k / 3) !== atom),
  };
}

function nearestTo({ numbers, positions, cell }: Crystal, atom: number): number {
  let [nearest, least] = [-1, Infinity];
  for (let i = 0; i < numbers.length; i++) {
    for (const image of [-1, 0, 1].flatMap((a) => [-1, 0, 1].flatMap((b) => [-1, 0, 1].map((c) => [a, b, c])))) {
      const shift = product(image, cell);
      const distance = Math.hypot(...[0, 1, 2].map((k) => positions[3 * i + k] - positions[3 * atom + k] + shift[k]));
      if (i !== atom && distance < least - 1e-6) [nearest, least] = [i, distance];
    }
  }
  return nearest;
}

export interface SlabOptions extends Compute {
  /** Thickness of a slab, Å; default 25. */
  readonly thickness?: number | undefined;
}

/** Between images of a slab nothing is felt, for they do not repeat along z; this is only room to relax. */
const ROOM = 10;

export interface Surface {
  readonly miller: Miller;
  /** Atoms of the slab and its area, Å². */
  readonly atoms: number;
  readonly area: number;
  /** eV/Å², before and after the atoms relax. */
  readonly unrelaxed: number;
  readonly relaxed: number;
}

/**
 * γ = (E_slab − E_bulk)/2A of slabs in the crystal's own lattice; cut where layers are farthest apart.
 * Source: Fiorentini and Methfessel, doi:10.1088/0953-8984/8/36/005
 */
export async function surfaces(
  potential: Potential,
  crystal: Crystal,
  planes: readonly Miller[],
  options: SlabOptions = {},
): Promise<Surface[]> {
  const { thickness = 25 } = options;
  const cuts = planes.map((miller) => orient(crystal, miller));
  const repeats = cuts.map(({ spacing }) => Math.max(2, Math.ceil(thickness / spacing)));
  const slabs = cuts.map((cut, i) => slab(cut, repeats[i], ROOM));
  const bulk = await results(
    potential,
    cuts.map((cut) => cut.crystal),
    [],
    options,
  );
  const rigid = await results(potential, slabs, [], options);
  const settled = (await relax(potential, slabs, tight(options))).map((outcome, i) =>
    converged(outcome, `the surface (${planes[i].join(' ')})`),
  );
  return planes.map((miller, i) => {
    const { area } = cuts[i];
    const gamma = (energy: number) => (energy - repeats[i] * bulk[i].energy) / (2 * area);
    return {
      ...{ miller, area, atoms: slabs[i].numbers.length },
      unrelaxed: gamma(rigid[i].energy),
      relaxed: gamma(settled[i].result.energy),
    };
  });
}

export interface StackingFault {
  readonly area: number;
  readonly atoms: number;
  /** Shifts as parts of the vector, and energies eV/Å²: rigid, and with atoms free to move along the normal. */
  readonly points: readonly { readonly shift: number; readonly rigid: number; readonly relaxed: number }[];
  /** At the whole vector, all atoms free. */
  readonly stable: number;
  /** The highest point of the relaxed curve. */
  readonly unstable: number;
  /** The vector that was taken, of the two opposite ones that with the lower energy at its end. */
  readonly vector: readonly [number, number, number];
}

/**
 * Energy of the upper half of a slab moved over the lower along a lattice vector's part: γ(d) = (E(d) − E(0))/A.
 * Source: Vítek, doi:10.1080/14786436808227500
 * @param vector in the crystal's own vectors, in the plane: [1/6, 1/6, −1/3] in (111) of fcc
 * @throws MltsError E_USAGE for a vector that leaves the plane
 */
export async function stackingFault(
  potential: Potential,
  crystal: Crystal,
  miller: Miller,
  vector: readonly [number, number, number],
  options: SlabOptions & { readonly points?: number | undefined } = {},
): Promise<StackingFault> {
  const { thickness = 25, points = 11 } = options;
  const level = vector.reduce((sum, x, k) => sum + x * miller[k], 0);
  if (Math.abs(level) > 1e-6 || vector.every((x) => x === 0)) {
    throw new MltsError(
      'E_USAGE',
      `the shift [${vector.join(' ')}] does not lie in the plane (${miller.join(' ')})`,
      'Give a vector with h·u + k·v + l·w = 0.',
    );
  }
  const cut = orient(crystal, miller);
  const half = Math.max(2, Math.ceil(thickness / 2 / cut.spacing));
  const whole = slab(cut, 2 * half, ROOM);
  const n = whole.numbers.length;
  const shift = product(product([...vector], crystal.cell), cut.rotation);
  const moved = (part: number): System => ({
    ...whole,
    positions: whole.positions.map((x, k) => (k >= (3 * n) / 2 ? x + part * shift[k % 3] : x)),
  });
  const [ahead, back] = await results(potential, [moved(1), moved(-1)], [], options);
  const sign = ahead.energy <= back.energy ? 1 : -1;
  const shifts = Array.from({ length: points }, (_, i) => i / (points - 1));
  const systems = shifts.map((part) => moved(sign * part));
  const rigid = await results(potential, systems, [], options);
  const upright = adjusted(potential, (result) => ({
    ...result,
    forces: result.forces!.map((force, k) => (k % 3 === 2 ? force : 0)),
  }));
  const settled = (await relax(upright, systems, tight(options))).map((outcome) => converged(outcome, 'a fault'));
  const ends = (await relax(potential, [settled[0].system, settled[points - 1].system], tight(options))).map(
    (outcome) => converged(outcome, 'the stacking fault'),
  );
  const gamma = (energy: number, zero: number) => (energy - zero) / cut.area;
  const curve = shifts.map((part, i) => ({
    shift: part,
    rigid: gamma(rigid[i].energy, rigid[0].energy),
    relaxed: gamma(settled[i].result.energy, settled[0].result.energy),
  }));
  return {
    ...{ area: cut.area, atoms: n, points: curve },
    stable: gamma(ends[1].result.energy, ends[0].result.energy),
    unstable: Math.max(...curve.map(({ relaxed }) => relaxed)),
    vector: [sign * vector[0], sign * vector[1], sign * vector[2]],
  };
}
