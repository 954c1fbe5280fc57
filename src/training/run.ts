/** A training from its beginning, or from its checkpoint, to the written model. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { MltsError } from '../errors.ts';
import type { Recipe } from './config/recipe.ts';
import { forTrainer } from './corpus.ts';
import { FrameStore } from './frame-store.ts';
import type { TrainingHost } from './host.ts';
import { openCorpus, prepare, shiftsOf, type Tools } from './prepare.ts';
import { type Result, writeResult } from './result.ts';
import { readSaved, recipeHash } from './saved.ts';
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
export async function train(given: Recipe, tools: Tools, options: TrainingOptions): Promise<Result> {
  const { resume, force, host, signal } = options;
  const { output } = given;
  const there = ['mlts', 'checkpoint'].map((ending) => `${output}.${ending}`).find((file) => existsSync(file));
  if (there !== undefined && !resume && !force) {
    throw new MltsError('E_FILE', `${there} exists already`, 'Go on with --resume, or replace it with --force.');
  }
  const corpus = await openCorpus(given, tools.open);
  const saved = resume ? readSaved(output, recipeHash(given), corpus.hash) : undefined;
  const recipe = { ...given, threads: saved?.threads ?? given.threads ?? availableParallelism() };
  const prepared = await prepare(recipe, corpus, tools, host, signal);
  const trainer = tools.createTrainer(prepared.start.model, {
    threads: recipe.threads,
    precision: recipe.precision,
  });
  try {
    const read = forTrainer(corpus, recipe.replay?.weight ?? 1, shiftsOf(prepared));
    const store = new FrameStore(trainer, corpus.length, read);
    const training = new Training({ recipe, hash: recipeHash(given), prepared, trainer, store, host, signal });
    await training.begin(saved);
    const { members, history } = await training.run();
    return await writeResult({ recipe, prepared: training.prepared, store, trainer, members, history });
  } finally {
    trainer.close();
  }
}
