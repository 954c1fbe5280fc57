/** From a recipe to everything that training needs: frames that were looked at, their split, and a model to begin with. */
import { basename } from 'node:path';
import { energyUnit } from '../dataset/check/units.ts';
import { fitSelfEnergies } from '../dataset/self-energies.ts';
import { numberOf } from '../elements.ts';
import { MltsError } from '../errors.ts';
import { type LoadedModel, loadModelAndCard } from '../model/load.ts';
import { findModel } from '../model/registry.ts';
import type { FixedRecipe, LossRecipe, Recipe } from './config/recipe.ts';
import { Corpus, type LabelledSet, type Part, type Role } from './corpus.ts';
import type { Trainer, TrainerOptions } from './engine.ts';
import { union } from './epoch.ts';
import { freshModel } from './fresh.ts';
import type { TrainingHost } from './host.ts';
import { type Split, splitFrames } from './split.ts';
import { depthOf, selfEnergiesOf, sortedByNumber, startFrom } from './start.ts';
import { Exclusions, type Survey, survey } from './survey.ts';

export interface Tools {
  readonly open: (file: string) => Promise<LabelledSet>;
  readonly createTrainer: (model: LoadedModel['model'], options: TrainerOptions) => Trainer;
}

export interface Prepared {
  readonly corpus: Corpus;
  readonly found: Survey;
  readonly split: Split;
  readonly start: LoadedModel;
  /** The model named by `init`, as its file has it. */
  readonly origin: LoadedModel | undefined;
  readonly loss: LossRecipe;
  readonly exclusions: Exclusions;
}

/** @throws MltsError where data, recipe and model do not fit together */
export async function prepare(
  recipe: FixedRecipe,
  corpus: Corpus,
  tools: Tools,
  host: TrainingHost,
  signal: AbortSignal,
): Promise<Prepared> {
  const origin = recipe.init === undefined ? undefined : await loadModelAndCard(await findModel(recipe.init));
  const exclusions = new Exclusions();
  const given = origin?.card.elements ?? recipe.model?.elements;
  const found = await survey(corpus, given && new Set(given), exclusions, signal);
  const unit = recipe.selfEnergies === undefined ? energyUnit(found) : 'eV';
  if (unit !== undefined && unit !== 'eV') {
    throw new MltsError(
      'E_USAGE',
      `the energies are total energies in ${unit} by their size, and eV are wanted`,
      `Convert energies and forces: mlts data import FILE --energy-unit ${unit}.`,
    );
  }
  const members = recipe.members ?? origin!.card.members;
  const split = splitFrames(recipe.split, members, corpus, found, exclusions);
  const trained = union(split.train);
  const present = sortedByNumber(elementsOf(found, trained));
  const elements = given ?? present;
  const absent = elements.filter((symbol) => !present.includes(symbol));
  if (absent.length > 0 && origin === undefined) {
    throw new MltsError(
      'E_SPECIES',
      `no frame to train on has ${absent.join(' or ')}, whose networks would stay as they were drawn`,
      'Leave such elements out of model.elements, or add structures that have them.',
    );
  }
  const architecture = origin?.model.architecture ?? recipe.model!.architecture;
  const loss = usableLoss(lossOf(recipe.loss, architecture), found, host);
  const energies = await selfEnergies(recipe, tools, { corpus, found, split, origin }, present, host);
  const start =
    origin === undefined
      ? freshModel(recipe.model!, { name: recipe.name, members, seed: recipe.seed, elements, selfEnergies: energies })
      : startFrom(origin, recipe.name, members, energies);
  checkFreeze(recipe, start);
  return { corpus, found, split, start, origin, loss, exclusions };
}

/** All files of a recipe. @throws MltsError E_FILE */
export async function openCorpus(recipe: Recipe, open: Tools['open']): Promise<Corpus> {
  const parts: Part[] = [];
  const add = async (role: Role, files: readonly string[]) => {
    for (const file of files) parts.push({ role, name: basename(file), set: await open(file) });
  };
  await add('data', recipe.data);
  if (recipe.split.kind === 'files') {
    await add('validation', recipe.split.validation);
    await add('test', recipe.split.test);
  }
  if (recipe.replay !== undefined) await add('replay', recipe.replay.data);
  return new Corpus(parts);
}

function elementsOf(found: Survey, frames: Int32Array): Set<string> {
  const compositions = new Set<number>();
  for (const frame of frames) compositions.add(found.composition[frame]);
  return new Set([...compositions].flatMap((k) => [...found.compositions[k].keys()]));
}

/** The loss without what only HIP-NN has, where the form has it and not the config by itself. @throws MltsError E_USAGE */
function lossOf(loss: LossRecipe, architecture: 'ani' | 'hipnn'): LossRecipe {
  if (architecture === 'hipnn') return loss;
  if (loss.name === 'hippynn') return { ...loss, terms: loss.terms.filter(({ of }) => of !== 'hierarchicality') };
  if (loss.terms.every(({ of }) => of !== 'hierarchicality')) return loss;
  const remedy = 'Take that term out of the loss, or train a model of architecture hipnn.';
  throw new MltsError('E_USAGE', 'the loss has the hierarchicality, which only a HIP-NN has', remedy);
}

/** The loss without forces where no frame has them and the config did not ask for them. */
function usableLoss(loss: LossRecipe, found: Survey, host: TrainingHost): LossRecipe {
  const counts = {
    ...{ energy: found.withEnergy, forces: found.withForces, virial: found.withVirial },
    hierarchicality: found.labelled,
  };
  const used = [...new Set(loss.terms.map(({ of }) => of))];
  for (const of of used) {
    const lacking = found.labelled - counts[of];
    if (counts[of] === 0 && !(of === 'forces' && loss.lenient)) {
      throw new MltsError(
        'E_USAGE',
        `the loss has the ${of}, and no frame has it as a label`,
        'Take that term out of the loss, or data that have the label.',
      );
    }
    if (counts[of] === 0) host.warn('no frame has forces: training on energies alone');
    else if (lacking > 0) host.warn(`${lacking} of ${found.labelled} frames have no ${of}: they teach the rest alone`);
  }
  return { ...loss, terms: loss.terms.filter(({ of }) => counts[of] > 0) };
}

/**
 * eV by symbol: given; or fitted to the energies; or, where there is a model to start from, its own with a fit of what it is off by,
 * so that its networks keep their meaning at the new level of theory.
 */
async function selfEnergies(
  recipe: FixedRecipe,
  tools: Tools,
  { corpus, found, split, origin }: Pick<Prepared, 'corpus' | 'found' | 'split' | 'origin'>,
  present: readonly string[],
  host: TrainingHost,
): Promise<Record<string, number>> {
  const own = origin === undefined ? {} : selfEnergiesOf(origin.card);
  if (recipe.selfEnergies !== undefined) {
    const lacking = present.find((symbol) => !(symbol in recipe.selfEnergies!) && !(symbol in own));
    if (lacking !== undefined) {
      throw new MltsError('E_USAGE', `self_energies has none for ${lacking}`, 'Add it, or leave self_energies out.');
    }
    return { ...own, ...recipe.selfEnergies };
  }
  const frames = union(split.train).filter((frame) => corpus.partOf(frame).role !== 'replay');
  if (origin === undefined) {
    const { energies, residual } = fitSelfEnergies(found, found.energy, frames, present);
    await host.say(`energies by composition alone: ${(1e3 * residual).toFixed(0)} meV/atom (root mean square)`);
    return energies;
  }
  const off = await errorsOfOrigin(recipe, tools, corpus, found, frames, origin);
  const { energies, residual } = fitSelfEnergies(found, off, frames, present);
  const shifts = present.map((symbol) => `${symbol} ${energies[symbol].toFixed(3)}`).join(', ');
  await host.say(
    `${origin.card.name} as it is: ${(1e3 * residual).toFixed(1)} meV/atom after shifts of ${shifts} eV an atom`,
  );
  return Object.fromEntries(Object.entries(own).map(([symbol, e]) => [symbol, e + (energies[symbol] ?? 0)]));
}

const CHUNK = 512;

/** Label less the mean of the members, eV by number of frame; NaN where there is no label or the model cannot tell. */
async function errorsOfOrigin(
  recipe: FixedRecipe,
  tools: Tools,
  corpus: Corpus,
  found: Survey,
  frames: Int32Array,
  { model }: LoadedModel,
): Promise<Float64Array> {
  const off = new Float64Array(corpus.length).fill(Number.NaN);
  const trainer = tools.createTrainer(model, { threads: recipe.threads, precision: recipe.precision });
  try {
    for (let at = 0; at < frames.length; at += CHUNK) {
      const chunk = frames.subarray(at, at + CHUNK);
      const answers = await trainer.load(await corpus.read(chunk));
      const places = answers.flatMap((answer, i) => (typeof answer === 'number' ? [i] : []));
      const ids = Int32Array.from(places, (i) => answers[i] as number);
      const { energies } = await trainer.evaluate(ids, new Set());
      for (const [k, i] of places.entries()) {
        let mean = 0;
        for (let m = 0; m < trainer.members; m++) mean += energies[m * ids.length + k] / trainer.members;
        off[chunk[i]] = found.energy[chunk[i]] - mean;
      }
      await trainer.unload(ids);
    }
  } finally {
    trainer.close();
  }
  return off;
}

/** New less old per-element energies by atomic number, for replayed frames. */
export function shiftsOf({ start, origin }: Prepared): ReadonlyMap<number, number> {
  if (origin === undefined) return new Map();
  const [now, before] = [selfEnergiesOf(start.card), selfEnergiesOf(origin.card)];
  return new Map(Object.entries(now).map(([symbol, energy]) => [numberOf(symbol)!, energy - before[symbol]]));
}

function checkFreeze({ freeze }: Recipe, start: LoadedModel): void {
  const depth = depthOf(start);
  const beyond = freeze.find((layer) => layer > depth);
  if (beyond !== undefined) {
    throw new MltsError('E_USAGE', `freeze has layer ${beyond}`, `The networks have layers 1 to ${depth}.`);
  }
  if (new Set(freeze).size === depth) {
    throw new MltsError('E_USAGE', `freeze has all ${depth} layers`, 'Leave one to train.');
  }
}
