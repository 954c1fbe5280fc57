/** A training from its beginning, or from its checkpoint, to the written model. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { MltsError } from '../errors.ts';
import type { Recipe } from './config/recipe.ts';
import { forTrainer } from './corpus.ts';
import { FrameStore } from './frame-store.ts';
import type { TrainingHost } from './host.ts';
import type { MemberState } from './plateau.ts';
import { openCorpus, prepare, shiftsOf, type Tools } from './prepare.ts';
import { type Result, type Trained, writeResult } from './result.ts';
import { checkpointOf, memberOutput, readSaved, recipeHash, type SavedTraining } from './saved.ts';
import { Training } from './training.ts';

export interface TrainingOptions {
  readonly resume: boolean;
  /** Replace the files of an earlier training. */
  readonly force: boolean;
  readonly host: TrainingHost;
  readonly signal: AbortSignal;
}

/**
 * Trains, writes NAME.csv and NAME.checkpoint as it goes, NAME.mlts and NAME.html at the end.
 * @throws MltsError E_CANCELLED after an interruption, with a checkpoint written
 */
export function train(recipe: Recipe, tools: Tools, options: TrainingOptions): Promise<Result> {
  const { output } = recipe;
  refuseToReplace([`${output}.mlts`, checkpointOf(output)], options);
  const saved = (hash: string, data: string) => (options.resume ? readSaved(output, hash, data) : undefined);
  return run(recipe, tools, options, { output, saved }, writeResult);
}

/**
 * Trains one member on the frames and from the weights that it has in `train`, in the same order, and leaves it in
 * NAME.member-K.checkpoint: members of one ensemble on machines of their own.
 * @param member from 0
 * @throws MltsError E_USAGE where there is no such member; E_CANCELLED
 */
export async function trainMember(
  recipe: Recipe,
  member: number,
  tools: Tools,
  options: TrainingOptions,
): Promise<MemberState> {
  const output = memberOutput(recipe.output, member);
  refuseToReplace([checkpointOf(output)], options);
  const saved = (hash: string, data: string) => (options.resume ? readSaved(output, hash, data) : undefined);
  const { members } = await run(recipe, tools, options, { output, saved, only: member }, (trained) =>
    Promise.resolve(trained),
  );
  return members[member];
}

/**
 * Writes the ensemble, after `trainMember` was done with each of its members.
 * @throws MltsError E_FILE where a member is missing or has not ended
 */
export function joinMembers(recipe: Recipe, tools: Tools, options: TrainingOptions): Promise<Result> {
  const { output } = recipe;
  refuseToReplace([`${output}.mlts`], options);
  const saved = (hash: string, data: string) => joined(output, hash, data);
  return run(recipe, tools, options, { output, saved }, writeResult);
}

interface Course {
  /** Of checkpoint and errors. */
  readonly output: string;
  /** Where it goes on. @param recipe,data hashes */
  readonly saved: (recipe: string, data: string) => SavedTraining | undefined;
  /** The member that trains, all others being trained elsewhere. */
  readonly only?: number;
}

async function run<T>(
  given: Recipe,
  tools: Tools,
  { host, signal }: TrainingOptions,
  { output, saved: savedOf, only }: Course,
  end: (trained: Trained) => Promise<T>,
): Promise<T> {
  const corpus = await openCorpus(given, tools.open);
  const hash = recipeHash(given);
  const saved = savedOf(hash, corpus.hash);
  const recipe = { ...given, threads: saved?.threads ?? given.threads ?? availableParallelism() };
  const prepared = await prepare(recipe, corpus, tools, host, signal);
  const { card, model } = prepared.start;
  if (only !== undefined && only >= card.members) {
    throw new MltsError('E_USAGE', `there is no member ${only}`, `Members are 0 to ${card.members - 1}.`);
  }
  const trainer = tools.createTrainer(model, { threads: recipe.threads, precision: recipe.precision });
  try {
    const read = forTrainer(corpus, recipe.replay?.weight ?? 1, shiftsOf(prepared));
    const store = new FrameStore(trainer, corpus.length, read);
    const training = new Training({ recipe, output, only, hash, prepared, trainer, store, host, signal });
    await training.begin(saved);
    const { members, history } = await training.run();
    return await end({ recipe, prepared: training.prepared, store, trainer, members, history });
  } finally {
    trainer.close();
  }
}

function refuseToReplace(files: readonly string[], { resume, force }: TrainingOptions): void {
  const there = files.find((file) => existsSync(file));
  if (there === undefined || resume || force) return;
  throw new MltsError('E_FILE', `${there} exists already`, 'Go on with --resume, or replace it with --force.');
}

/** A training that has ended, of members that ended one by one. */
function joined(output: string, recipe: string, data: string): SavedTraining {
  const { length } = readSaved(memberOutput(output, 0), recipe, data).members;
  const parts = Array.from({ length }, (_, m) => {
    const part = readSaved(memberOutput(output, m), recipe, data);
    if (part.members[m].ended !== undefined) return part;
    const what = `${checkpointOf(memberOutput(output, m))} is of a training that has not ended`;
    throw new MltsError('E_FILE', what, `Go on with --member ${m} --resume.`);
  });
  const last = parts.reduce((one, other) => (other.epoch > one.epoch ? other : one));
  const size = last.best.length / length;
  const best = new Float64Array(last.best.length);
  for (const [m, part] of parts.entries()) best.set(part.best.subarray(m * size, (m + 1) * size), m * size);
  const rows = parts.flatMap(({ history }) => history);
  return {
    ...last,
    ...{ best, members: parts.map(({ members }, m) => members[m]) },
    history: rows.sort((a, b) => a.epoch - b.epoch || a.member - b.member),
  };
}
