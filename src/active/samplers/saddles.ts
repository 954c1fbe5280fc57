/** Ways out of minima: dimers climb from given structures towards saddles, until the members disagree. */
import { list, missing, number, settings, text, whole } from '../../dynamics/input/rules.ts';
import { Fire } from '../../dynamics/minimise/fire.ts';
import { dot } from '../../dynamics/minimise/minimiser.ts';
import { largestRow } from '../../dynamics/minimise/relax.ts';
import type { Potential, Result, System } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import { bestAngle, curvatureOf, internal, REACH, type Rigid, rotated, turnOf } from './dimer.ts';
import { type Kind, someOf, sourcesOf } from './kind.ts';
import { length } from './rules.ts';
import { isTight, type Proposals } from './sampler.ts';

export interface SaddleSettings {
  readonly maxSteps: number;
  /** Of each atom of a start along each axis at most, Å; uniform. */
  readonly displacement: number;
  /** On the largest σ_F of a frame, eV/Å. */
  readonly bound: number;
  /** Å */
  readonly minDistance: number;
}

/** Largest force on an atom that counts as none, eV/Å. */
const LEVEL = 0.02;
/** Before its first move a dimer looks around: until a turn was smaller than this, or so many times. */
const [SMALL, TURNS] = [0.1, 30];

interface Dimer {
  readonly start: Structure;
  readonly rigid: Rigid;
  readonly x: Float64Array;
  /** Direction of lowest curvature as far as it is known, of length 1. */
  mode: Float64Array;
  readonly fire: Fire;
  /** The last positions that the potential took. */
  last: Float64Array | undefined;
  hasMoved: boolean;
}

/**
 * One dimer a start, all in one batch: it turns into the direction of lowest curvature and moves, with the force along that direction
 * turned round; where the curvature is positive, against that force alone. Each step is a turn, and but for the first ones a move.
 * Cells stay. Proposed frames say in `step` and `reason` what ended them: σ_F above the bound, or a step that the potential refuses.
 * `discarded` counts dimers that come to rest or to their last step without a disagreement (`certain`), frames that are `too close`,
 * and starts that are `refused by the model`.
 * Source: doi:10.1063/1.480097 (force), doi:10.1063/1.2815812 (rotation, eqs. 5–10).
 * @param random uniform in [0,1)
 * @throws MltsError E_CANCELLED when `signal` fires
 */
export async function climbSaddles(
  potential: Potential,
  starts: readonly Structure[],
  { maxSteps, displacement, bound, minDistance }: SaddleSettings,
  { random, signal }: { random: () => number; signal: AbortSignal },
): Promise<Proposals> {
  const discarded = { certain: 0, 'too close': 0, 'refused by the model': 0 };
  const frames: Structure[] = [];
  const end = ({ start: { numbers, cell, pbc } }: Dimer, positions: Float64Array, step: number, reason: string) => {
    const frame: Structure = { numbers, positions: positions.slice(), cell, pbc, info: { step, reason }, arrays: {} };
    if (isTight(frame, minDistance)) discarded['too close']++;
    else frames.push(frame);
  };
  const compute = (systems: readonly System[]) =>
    potential.evaluate(systems, new Set(['forces', 'sigma']), { precision: 'double', signal });
  let moving = starts.map((start): Dimer => {
    const rigid = start.pbc.includes(true) ? 'shifts' : 'shifts and turns';
    const x = start.positions.map((r) => r + displacement * (2 * random() - 1));
    const mode = internal(
      x.map(() => random() - 0.5),
      x,
      rigid,
    );
    return { start, rigid, x, mode, fire: new Fire(x.length), last: undefined, hasMoved: false };
  });
  for (let step = 0; moving.length > 0; step++) {
    const [centres, tips] = halves(await compute(moving.flatMap((dimer) => [at(dimer), at(dimer, dimer.mode)])));
    const going = moving.flatMap((dimer, i) => {
      const [centre, tip] = [centres[i], tips[i]];
      const refused = [centre, tip].find((outcome) => outcome instanceof MltsError);
      if (refused !== undefined) {
        if (dimer.last === undefined) discarded['refused by the model']++;
        else end(dimer, dimer.last, step - 1, (refused as MltsError).what);
        return [];
      }
      const [{ forces, sigmaForces }, beyond] = [centre as Result, tip as Result];
      const sigma = sigmaForces!.reduce((most, one) => Math.max(most, one), 0);
      const turn = turnOf(dimer.mode, forces!, beyond.forces!, dimer.x, dimer.rigid);
      if (sigma > bound) end(dimer, dimer.x, step, `max_sigma_force is ${sigma.toPrecision(4)}, > ${bound}`);
      else if (step >= maxSteps || (turn.curvature < 0 && largestRow(forces!) < LEVEL)) discarded.certain++;
      else return [{ dimer, forces: forces!, turn }];
      return [];
    });
    if (signal.aborted) throw new MltsError('E_CANCELLED', 'the sampling was interrupted', 'Run the stage again.');
    const trials = going.length === 0 ? [] : await compute(going.map(({ dimer, turn }) => at(dimer, turn.trial)));
    for (const [i, { dimer, forces, turn }] of going.entries()) {
      const trial = trials[i];
      dimer.last = dimer.x.slice();
      let { curvature } = turn;
      if (!(trial instanceof MltsError)) {
        const best = bestAngle(turn, curvatureOf(turn.trial, forces, trial.forces!));
        dimer.mode = internal(rotated(dimer.mode, turn.towards, best.angle), dimer.x, dimer.rigid);
        curvature = best.curvature;
        if (Math.abs(best.angle) > SMALL && step < TURNS && !dimer.hasMoved) continue;
      }
      dimer.hasMoved = true;
      const along = dot(forces, dimer.mode);
      // Out of the valley first, then up the pass.
      const [keep, turned] = curvature < 0 ? [1, -2 * along] : [0, -along];
      const push = forces.map((f, k) => keep * f + turned * dimer.mode[k]);
      dimer.fire.step(dimer.x, push);
    }
    moving = going.map(({ dimer }) => dimer);
  }
  return { frames, discarded };
}

const halves = <T>(pairs: readonly T[]): [T[], T[]] => [
  pairs.filter((_, i) => i % 2 === 0),
  pairs.filter((_, i) => i % 2 === 1),
];

const at = ({ start: { numbers, cell, pbc }, x }: Dimer, mode?: Float64Array): System => ({
  ...{ numbers, cell, pbc },
  positions: mode === undefined ? x.slice() : x.map((r, k) => r + REACH * mode[k]),
});

export const saddlesKind: Kind = (input, name) => {
  const given = settings<{
    kind?: string;
    name?: string;
    from?: readonly string[];
    count?: number;
    steps?: number;
    displacement?: number;
    sigma_force?: number;
    min_distance?: number;
  }>(
    {
      ...{ kind: text, name: text, from: list(text), count: whole(1, 100_000), steps: whole(0, 100_000) },
      ...{ displacement: length, min_distance: length, sigma_force: number({ above: 0, unit: 'eV/Å' }) },
    },
    'saddles',
  )(input);
  const { from, count = 20, steps: maxSteps = 300, displacement = 0.1, min_distance: minDistance = 0.5 } = given;
  if (from === undefined) throw missing(input, 'where it begins: files, or the name of another sampler', 'from');
  return {
    ...{ name, needsModel: true, sources: from },
    propose: async (context) => {
      const { random, signal, threshold, potential } = context;
      const starts = someOf(await sourcesOf(context, from), count, random);
      const own = { maxSteps, displacement, bound: given.sigma_force ?? threshold!, minDistance };
      return climbSaddles(potential!, starts, own, { random, signal });
    },
  };
};
