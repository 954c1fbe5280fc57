/** Frames along minimum-energy paths: an elastic band between two structures, relaxed until the members disagree, and frames near it. */
import { list, missing, number, settings, text, whole } from '../../dynamics/input/rules.ts';
import { neb } from '../../dynamics/neb.ts';
import type { Outcome, Potential, System } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import type { Kind } from './kind.ts';
import { length } from './rules.ts';
import { isTight, type Proposals, type SamplerContext } from './sampler.ts';

export interface PathSettings {
  /** Images that move between the two ends. */
  readonly images: number;
  /** Steps of the relaxation. */
  readonly maxSteps: number;
  /** Displaced copies of each image, and of the ends. */
  readonly count: number;
  /** Largest displacement of an atom of a copy along each axis, Å; uniform. */
  readonly displacement: number;
  /** On the largest σ_F of a frame, eV/Å. */
  readonly bound: number;
  /** Å */
  readonly minDistance: number;
}

type Pair = readonly [Structure, Structure];

/**
 * Each pair gives the images at which its climbing-image band ended, the ends and displaced copies of all; those with a σ_F above the
 * bound are proposed, with `path`, `image`, `copy` (0: not displaced), `step` and `reason`. A band ends where it is relaxed, where an
 * image is beyond the bound, or at the last good step before the potential refuses one. Cells change too where those of the ends
 * differ. `discarded` counts frames that are `certain`, `too close` or `refused by the model`, and pairs between which the potential
 * refuses already the first guess (`no path`).
 * @param random uniform in [0,1)
 * @throws MltsError E_SHAPE, E_SPECIES for pairs that are not the same atoms; E_CANCELLED when `signal` fires
 */
export async function alongPaths(
  potential: Potential,
  pairs: readonly Pair[],
  settings: PathSettings,
  { random, signal }: { random: () => number; signal: AbortSignal },
): Promise<Proposals> {
  const { count, displacement, bound, minDistance } = settings;
  const discarded = { certain: 0, 'too close': 0, 'refused by the model': 0, 'no path': 0 };
  const frames: Structure[] = [];
  for (const [path, pair] of pairs.entries()) {
    const { inner, step, reason } = await relaxed(potential, pair, settings, signal);
    if (inner.length === 0) {
      discarded['no path']++;
      continue;
    }
    const { numbers, pbc } = pair[0];
    const near = [pair[0], ...inner, pair[1]].flatMap(({ positions, cell }, image) =>
      Array.from({ length: 1 + count }, (_, copy): Structure => {
        const moved = positions.map((x) => x + (copy === 0 ? 0 : displacement * (2 * random() - 1)));
        return { numbers, positions: moved, cell, pbc, info: { path, image, copy, step, reason }, arrays: {} };
      }),
    );
    const apart = near.filter((frame) => !isTight(frame, minDistance));
    discarded['too close'] += near.length - apart.length;
    if (apart.length === 0) continue;
    const outcomes = await potential.evaluate(apart, new Set(['forces', 'sigma']), { signal });
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome instanceof MltsError) discarded['refused by the model']++;
      else if (largestSigma(outcome) > bound) frames.push(apart[i]);
      else discarded.certain++;
    }
  }
  return { frames, discarded };
}

interface Band {
  /** Between the ends; none where the potential refuses the first guess. */
  readonly inner: readonly System[];
  readonly step: number;
  /** Why it ended. */
  readonly reason: string;
}

/** The band where it ends; the potential is watched, for each of its steps tells σ of all images. */
async function relaxed(potential: Potential, ends: Pair, settings: PathSettings, signal: AbortSignal): Promise<Band> {
  const { images, maxSteps, bound } = settings;
  let [inner, step]: [System[], number] = [[], -1];
  let disagreement: string | undefined;
  const evaluate: Potential['evaluate'] = async (batch, want, options) => {
    const outcomes = await potential.evaluate(batch, want, options);
    if (outcomes.some((outcome) => outcome instanceof MltsError)) return outcomes;
    // The ends are there at the first step only. Positions are the band's own, which moves on.
    const moving = batch.length > images ? batch.slice(1, -1) : batch;
    inner = moving.map((system) => ({ ...system, positions: system.positions.slice(), cell: system.cell?.slice() }));
    step++;
    const worst = Math.max(...outcomes.map(largestSigma));
    if (!(worst > bound)) return outcomes;
    disagreement = `max_sigma_force is ${worst.toPrecision(4)}, > ${bound}`;
    throw new MltsError('E_CANCELLED', disagreement, 'The path ends there.');
  };
  const watched: Potential = {
    ...{ backend: potential.backend, model: potential.model, evaluate },
    createTrajectory: () => potential.createTrajectory(),
    memoryBytes: () => potential.memoryBytes(),
    close: () => undefined,
  };
  try {
    const cell = isAnotherCell(ends);
    const { steps, converged } = await neb(watched, ends, { images, maxSteps, cell, signal });
    return { inner, step, reason: converged ? 'the path is relaxed' : `the path is not relaxed after ${steps} steps` };
  } catch (error) {
    if (disagreement !== undefined) return { inner, step, reason: disagreement };
    if (!(error instanceof MltsError) || FATAL.has(error.code)) throw error;
    return { inner, step, reason: error.what };
  }
}

/** Nothing that another model or another band could do better. */
const FATAL: ReadonlySet<string> = new Set(['E_CANCELLED', 'E_SHAPE', 'E_SPECIES', 'E_CELL', 'E_INTERNAL']);

const largestSigma = (outcome: Outcome): number =>
  outcome instanceof MltsError ? Infinity : outcome.sigmaForces!.reduce((most, one) => Math.max(most, one), 0);

const isAnotherCell = ([{ cell: a }, { cell: b }]: Pair): boolean =>
  a !== undefined && b !== undefined && a.some((x, k) => Math.abs(x - b[k]) > 1e-6);

/** First with first, second with second, where files hold several. @throws MltsError E_SHAPE where they hold different numbers */
async function pairsOf({ structures }: SamplerContext, [from, to]: readonly string[]): Promise<Pair[]> {
  const [begin, end] = [await structures(from), await structures(to)];
  if (begin.length === end.length) return begin.map((first, i) => [first, end[i]]);
  const what = `${from} holds ${begin.length} structures and ${to} ${end.length}`;
  throw new MltsError('E_SHAPE', what, 'Give as many ends of paths as there are beginnings.');
}

export const pathsKind: Kind = (input, name) => {
  const given = settings<{
    kind?: string;
    name?: string;
    between?: readonly (readonly string[])[];
    images?: number;
    steps?: number;
    count?: number;
    displacement?: number;
    sigma_force?: number;
    min_distance?: number;
  }>(
    {
      ...{ kind: text, name: text, between: list(list(text, 2)), images: whole(1, 99), steps: whole(0, 100_000) },
      ...{ count: whole(0, 10_000), displacement: length, min_distance: length },
      sigma_force: number({ above: 0, unit: 'eV/Å' }),
    },
    'paths',
  )(input);
  const { between, images = 7, steps: maxSteps = 300, count = 5, displacement = 0.05 } = given;
  if (between === undefined)
    throw missing(
      input,
      'between which structures: a list of pairs of files, or of names of other samplers',
      'between',
    );
  return {
    ...{ name, needsModel: true, sources: between.flat() },
    propose: async (context) => {
      const { random, signal, threshold, potential } = context;
      const pairs: Pair[] = [];
      for (const pair of between) pairs.push(...(await pairsOf(context, pair)));
      const bound = given.sigma_force ?? threshold!;
      const own = { images, maxSteps, count, displacement, bound, minDistance: given.min_distance ?? 0.5 };
      return alongPaths(potential!, pairs, own, { random, signal });
    },
  };
};
