/** Minimum-energy paths: the whole band is one batch of the potential each step. */
import { symbolOf } from '../elements.ts';
import { determinant } from '../engine/cell.ts';
import type { Potential, Precision, Result, System, Want } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { interpolate } from './interpolate.ts';
import { AtomCoordinates, CellCoordinates } from './minimise/coordinates.ts';
import { Fire } from './minimise/fire.ts';
import { dot } from './minimise/minimiser.ts';
import { largestRow } from './minimise/relax.ts';

export interface NebOptions {
  /** Images that move between the two ends; default 7. */
  readonly images?: number | undefined;
  /** Where the path runs at first, ends included; default interpolated between the ends. */
  readonly path?: readonly System[] | undefined;
  /** eV/Å² between neighbours; default 1. */
  readonly spring?: number | undefined;
  /** Let the highest image climb to the saddle; default true. */
  readonly climb?: boolean | undefined;
  /** Largest force across the path that counts as relaxed, eV/Å; default 0.05. */
  readonly fmax?: number | undefined;
  /** Default 1000. */
  readonly maxSteps?: number | undefined;
  /** Let the cells of the images change too, which ends of different cells need. */
  readonly cell?: boolean | undefined;
  /** eV/Å³, with `cell`; default 0. */
  readonly pressure?: number | undefined;
  readonly precision?: Precision | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?:
    | ((step: { readonly step: number; readonly fmax: number; readonly barrier: number }) => void)
    | undefined;
}

export interface Path {
  /** Ends included. */
  readonly images: readonly System[];
  /** Energy, forces, σ of each image; the virial with `cell`. */
  readonly results: readonly Result[];
  /** Length of the path up to each image, Å (with `cell`, √n Å for a strain of 1). */
  readonly distances: readonly number[];
  /** E + pV of each image less that of the first, eV. */
  readonly profile: readonly number[];
  /** Place of the highest image. */
  readonly saddle: number;
  /** Largest force across the path on a moving image, eV/Å. */
  readonly fmax: number;
  readonly steps: number;
  readonly converged: boolean;
}

/** The climb begins when the forces across the path are below this, eV/Å: before, the highest image is not yet the saddle's. */
const CLIMB_BELOW = 0.5;

/**
 * Nudged elastic band with improved tangents and a climbing image, relaxed by FIRE. With `cell`, the generalised solid-state
 * band: strains and positions on one scale.
 * Source: doi:10.1063/1.1323224 (tangents, eqs. 8–11), doi:10.1063/1.1329672 (climbing image, eq. 5), doi:10.1063/1.3684549.
 * @param ends two minima with the same atoms in the same order
 * @throws MltsError E_SHAPE, E_SPECIES for ends that do not match, and the first fault of an image
 */
export async function neb(
  potential: Potential,
  ends: readonly [System, System],
  options: NebOptions = {},
): Promise<Path> {
  const { images = 7, spring = 1, climb = true, fmax = 0.05, maxSteps = 1000, signal, onStep } = options;
  checkEnds(ends);
  const coordinates = options.cell
    ? new CellCoordinates(ends[0], 'triclinic', options.pressure)
    : new AtomCoordinates(ends[0]);
  const start = options.path ?? interpolate(ends[0], ends[1], images);
  const band = start.map((system) => coordinates.of(system));
  const size = band[0].length;
  const inner = band.length - 2;
  const fire = new Fire(inner * size);
  const joint = new Float64Array(inner * size);
  for (let i = 0; i < inner; i++) joint.set(band[i + 1], i * size);
  for (let i = 0; i < inner; i++) band[i + 1] = joint.subarray(i * size, (i + 1) * size);
  const trajectories = band.map(() => potential.createTrajectory());
  const want = new Set<Want>(options.cell ? ['forces', 'sigma', 'virial'] : ['forces', 'sigma']);
  const fixedEnds: Result[] = [];
  try {
    for (let climbing = false, step = 0; ; step++) {
      const systems = band.map((x) => coordinates.at(x));
      const moving = fixedEnds.length > 0 ? systems.slice(1, -1) : systems;
      const outcomes = await potential.evaluate(
        moving.map((system, i) => ({
          ...system,
          trajectory: trajectories[i + (moving.length < systems.length ? 1 : 0)],
        })),
        want,
        { precision: options.precision ?? 'single', ...(signal && { signal }) },
      );
      const computed = outcomes.map((outcome) => {
        if (outcome instanceof MltsError) throw step === 0 ? outcome : ranAway(outcome, step);
        return outcome;
      });
      if (fixedEnds.length === 0) fixedEnds.push(computed[0], computed[computed.length - 1]);
      const results = moving.length === systems.length ? computed : [fixedEnds[0], ...computed, fixedEnds[1]];
      const heights = results.map(({ energy }, i) => energy + (options.pressure ?? 0) * volume(systems[i]));
      const top = highest(heights);
      const pull = new Float64Array(joint.length);
      for (let i = 1; i <= inner; i++) {
        const forces = coordinates.forces(band[i], results[i]);
        pull.set(bandForces(band, heights, i, forces, spring, climbing && i === top), (i - 1) * size);
      }
      const worst = largestRow(pull);
      onStep?.({ step, fmax: worst, barrier: heights[top] - heights[0] });
      const converged = worst <= fmax && (climbing || !climb);
      if (converged || step >= maxSteps) {
        return {
          images: systems,
          results,
          distances: lengths(band),
          profile: heights.map((height) => height - heights[0]),
          saddle: top,
          fmax: worst,
          steps: step,
          converged,
        };
      }
      climbing ||= climb && worst < Math.max(CLIMB_BELOW, fmax);
      fire.step(joint, pull);
    }
  } finally {
    for (const trajectory of trajectories) trajectory.close();
  }
}

/** The images were well at first: it is the band that went where no structure should be. */
const ranAway = (fault: MltsError, step: number): MltsError =>
  new MltsError(
    fault.code,
    `the path ran away, by step ${step} of its relaxation an image fails: ${fault.what}`,
    'Take more or fewer images; where σ is large the model extrapolates, and there may be no smooth path to find.',
    { cause: fault },
  );

/** Forces on image i: the true ones across the path and the springs' along it; the climbing image's are turned round along it. */
function bandForces(
  band: readonly Float64Array[],
  heights: readonly number[],
  i: number,
  forces: Float64Array,
  spring: number,
  isClimbing: boolean,
): Float64Array {
  const ahead = difference(band[i + 1], band[i]);
  const behind = difference(band[i], band[i - 1]);
  const tangent = tangentOf(ahead, behind, heights[i + 1] - heights[i], heights[i - 1] - heights[i]);
  const along = dot(forces, tangent);
  const stretch = spring * (Math.sqrt(dot(ahead, ahead)) - Math.sqrt(dot(behind, behind)));
  const factor = isClimbing ? -2 * along : stretch - along;
  return forces.map((force, k) => force + factor * tangent[k]);
}

/** Towards the higher neighbour; at an extremum both, weighted by their heights (eqs. 8–11). */
function tangentOf(ahead: Float64Array, behind: Float64Array, up: number, down: number): Float64Array {
  let [forward, backward] = [0, 0];
  if (up > 0 && down < 0) forward = 1;
  else if (up < 0 && down > 0) backward = 1;
  else {
    const [large, small] = [Math.max(Math.abs(up), Math.abs(down)), Math.min(Math.abs(up), Math.abs(down))];
    [forward, backward] = up > down ? [large, small] : [small, large];
    if (large === 0) [forward, backward] = [1, 1];
  }
  const tangent = ahead.map((component, k) => forward * component + backward * behind[k]);
  const norm = Math.sqrt(dot(tangent, tangent));
  return norm > 0 ? tangent.map((component) => component / norm) : tangent;
}

const difference = (a: Float64Array, b: Float64Array) => a.map((value, k) => value - b[k]);

function lengths(band: readonly Float64Array[]): number[] {
  let total = 0;
  return band.map((x, i) => {
    if (i > 0) {
      const step = difference(x, band[i - 1]);
      total += Math.sqrt(dot(step, step));
    }
    return total;
  });
}

/** The highest of the images that move. */
function highest(heights: readonly number[]): number {
  let top = 1;
  for (let i = 2; i < heights.length - 1; i++) if (heights[i] > heights[top]) top = i;
  return top;
}

function volume({ cell }: System): number {
  return cell === undefined ? 0 : determinant(cell);
}

function checkEnds([first, last]: readonly [System, System]): void {
  const [n, m] = [first.numbers.length, last.numbers.length];
  if (n !== m) {
    throw new MltsError(
      'E_SHAPE',
      `the path begins with ${n} atoms and ends with ${m}`,
      'Give two structures of the same atoms.',
    );
  }
  const atom = first.numbers.findIndex((number, i) => number !== last.numbers[i]);
  if (atom >= 0) {
    const [a, b] = [symbolOf(first.numbers[atom]), symbolOf(last.numbers[atom])];
    throw new MltsError(
      'E_SPECIES',
      `atom ${atom} is ${a} where the path begins and ${b} where it ends`,
      'Put the atoms of both into the same order.',
      { atom },
    );
  }
}
