/** σ of every proposed frame by the campaign's model; frames that nobody could use are left out and counted. */
import type { Potential, Result } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import type { Limits } from '../config.ts';
import { FILES } from '../folder.ts';
import { isTight } from '../samplers/sampler.ts';
import { type Context, type Stage, samplingModel } from '../stage.ts';

/** Atoms evaluated in one call. */
const BATCH = 4096;

export const score: Stage = {
  name: 'score',
  inputs: (context) => [context.folder.of(context.round, FILES.proposed), ...samplingModel(context)],
  run: async (context) => {
    const { config, folder, round, current } = context;
    const counts: Record<string, number> = {};
    const sound = folder.structures(folder.of(round, FILES.proposed)).filter((frame) => {
      const fault = faultOf(frame, config.limits);
      if (fault !== undefined) counts[fault] = (counts[fault] ?? 0) + 1;
      return fault === undefined;
    });
    const potential = current === undefined ? undefined : await context.open(folder.of(current, FILES.model));
    let scored: readonly Structure[] = sound;
    try {
      if (potential !== undefined) scored = await withSigma(sound, potential, context, counts);
    } finally {
      potential?.close();
    }
    const output = folder.of(round, FILES.scored);
    folder.writeStructures(output, scored);
    return { outputs: [output], counts: { frames: scored.length, ...counts } };
  },
};

/** Why a frame is of no use to anybody. */
function faultOf(frame: Structure, { minDistance, maxAtoms }: Limits): string | undefined {
  if (!frame.positions.every(Number.isFinite)) return 'not finite';
  if (frame.numbers.length > maxAtoms) return 'too many atoms';
  return isTight(frame, minDistance) ? 'too close' : undefined;
}

async function withSigma(
  frames: readonly Structure[],
  potential: Potential,
  { host, signal }: Context,
  counts: Record<string, number>,
): Promise<Structure[]> {
  const scored: Structure[] = [];
  for (const [batch, done] of batches(frames)) {
    host.progress(done, frames.length, 'frames scored');
    const outcomes = await potential.evaluate(batch, new Set(['forces', 'sigma']), { signal });
    for (const [i, outcome] of outcomes.entries()) {
      const frame = batch[i];
      if (outcome instanceof MltsError) {
        const reason = `refused by the model (${outcome.code})`;
        counts[reason] = (counts[reason] ?? 0) + 1;
      } else scored.push({ ...frame, info: { ...frame.info, ...sigmasOf(outcome) } });
    }
  }
  return scored;
}

const sigmasOf = ({ sigmaForces, rho }: Result) => ({
  sigma_f_max: sigmaForces!.reduce((most, one) => Math.max(most, one), 0),
  sigma_f_mean: sigmaForces!.reduce((sum, one) => sum + one, 0) / sigmaForces!.length,
  rho: rho!,
});

/** Frames in parts of so many atoms, each with how many went before. */
export function* batches(frames: readonly Structure[]): Generator<[Structure[], number]> {
  for (let at = 0; at < frames.length; ) {
    const batch: Structure[] = [];
    for (let atoms = 0; at + batch.length < frames.length && atoms < BATCH; ) {
      const frame = frames[at + batch.length];
      batch.push(frame);
      atoms += frame.numbers.length;
    }
    yield [batch, at];
    at += batch.length;
  }
}
