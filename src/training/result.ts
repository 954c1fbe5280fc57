/** From the best weights to NAME.mlts with its card, and NAME.html. */
import { basename } from 'node:path';
import { formulaOfCounts } from '../analysis/assess/assessment.ts';
import type { Errors } from '../analysis/assess/errors.ts';
import { OutputFile } from '../io/write.ts';
import type { Card } from '../model/card.ts';
import { saveModel } from '../model/save.ts';
import { version } from '../version.ts';
import { type Assessment, assess } from './assessment.ts';
import type { Recipe } from './config/recipe.ts';
import type { Trainer } from './engine.ts';
import { union } from './epoch.ts';
import type { FrameStore } from './frame-store.ts';
import type { EpochRow } from './history.ts';
import type { MemberState } from './plateau.ts';
import type { Prepared } from './prepare.ts';
import { renderReport } from './report.ts';
import { selfEnergiesOf, tensorsOf } from './start.ts';
import { worstOf } from './worst.ts';

export interface Trained {
  readonly recipe: Recipe;
  readonly prepared: Prepared;
  readonly store: FrameStore;
  /** With the best weights as its current ones. */
  readonly trainer: Trainer;
  readonly members: readonly MemberState[];
  readonly history: readonly EpochRow[];
}

export interface Result {
  readonly card: Card;
  /** Which frames were assessed: `test` or, without any, `validation`. */
  readonly on: string;
  readonly assessment: Assessment;
}

/** Writes both files. @throws MltsError E_DISK, E_FILE */
export async function writeResult(trained: Trained): Promise<Result> {
  const { recipe, prepared, store, trainer } = trained;
  const { corpus, split, start, found, exclusions } = prepared;
  const on = split.test.length > 0 ? 'test' : 'validation';
  const frames = on === 'test' ? split.test : union(split.validation);
  const assessment = await assess(trainer, store, corpus, frames, selfEnergiesOf(start.card));
  const card = cardOf(trained, on, assessment);
  const learnt = new Set<string>();
  for (const frame of union(split.train)) learnt.add(formulaOfCounts(found.compositions[found.composition[frame]]));
  const html = await renderReport({
    ...{ card, on, assessment, history: trained.history },
    worst: worstOf(assessment, learnt),
    nameOf: (frame) => corpus.nameOf(frame),
    exclusions: exclusions.list(),
    counts: [
      [
        'frames',
        `${split.train[0].length} to train on, ${split.validation[0].length} to validate, ${frames.length} ${on}`,
      ],
      ['elements', card.elements.join(' ')],
      ['best epochs', trained.members.map(({ bestEpoch }) => bestEpoch).join(', ')],
      ['ended by', trained.members.map(({ ended }) => ENDS[ended!]).join(', ')],
      ['weights and biases', `${trainer.parameters} a member`],
    ],
  });
  await saveModel(`${recipe.output}.mlts`, card, tensorsOf(start.card, trainer.values()));
  const report = new OutputFile(`${recipe.output}.html`);
  report.write(html);
  report.commit();
  return { card, on, assessment };
}

const ENDS = {
  rate: 'learning rate below its minimum',
  stop: 'no better validation',
  epochs: 'last epoch',
  elsewhere: 'trained elsewhere',
} as const;

const rounded = (x: number, digits = 4): number => Number(x.toPrecision(digits));

function cardOf({ recipe, prepared, members }: Trained, on: string, assessment: Assessment): Card {
  const { corpus, split, start, origin, found, exclusions, loss } = prepared;
  const { energy, forces, forcesByElement, calibration } = assessment;
  const force = (of: Errors) => ({
    force_rmse_ev_per_angstrom: rounded(of.rmse),
    force_mae_ev_per_angstrom: rounded(of.mae),
  });
  const licence = recipe.licence ?? origin?.card.licence;
  const citation = recipe.citation ?? origin?.card.citation;
  return {
    ...start.card,
    ...(calibration && {
      calibration: {
        sigma_force: rounded(calibration.sigmaForce),
        sigma_energy: rounded(calibration.sigmaEnergy),
      },
    }),
    provenance: {
      source: `trained by mlts ${version}`,
      data: {
        files: corpus.parts.map(({ role, name, set }) => ({ role, name, frames: set.length })),
        sha256: corpus.hash,
        train: split.train.map(({ length }) => length),
        validation: split.validation.map(({ length }) => length),
        test: split.test.length,
        left_out: Object.fromEntries(exclusions.list().map(({ reason, count }) => [reason, count])),
      },
      level_of_theory: recipe.level ?? found.level ?? 'not given',
      ...(origin && { start: { name: origin.card.name, sha256: origin.model.sha256 } }),
      recipe: {
        split: recipe.split.kind === 'files' ? 'files' : recipe.split,
        loss: { name: loss.name, terms: loss.terms },
        optimiser: recipe.optimiser,
        batch: recipe.batch,
        freeze: recipe.freeze,
        ...(recipe.replay && {
          replay: { files: recipe.replay.data.map((f) => basename(f)), weight: recipe.replay.weight },
        }),
        epochs: recipe.epochs,
        stop: recipe.stop,
        metric: recipe.metric,
        precision: recipe.precision,
        seed: recipe.seed,
      },
      best_epochs: members.map(({ bestEpoch }) => bestEpoch),
      metrics: {
        on,
        frames: assessment.frames,
        ...(energy && {
          energy_rmse_mev_per_atom: rounded(1e3 * energy.rmse),
          energy_mae_mev_per_atom: rounded(1e3 * energy.mae),
        }),
        ...(forces && force(forces)),
        by_element: Object.fromEntries([...forcesByElement].map(([symbol, of]) => [symbol, force(of)])),
      },
    },
    ...(licence !== undefined && { licence }),
    ...(citation !== undefined && { citation }),
  };
}
