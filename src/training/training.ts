/** The loop over epochs: steps, validation, what it decides, checkpoints, and the way back from an explosion. */
import { totalmem } from 'node:os';
import { AppendFile } from '../dynamics/output/append-file.ts';
import { CODES, MltsError } from '../errors.ts';
import type { FixedRecipe, Recipe } from './config/recipe.ts';
import type { LayerSettings, Trainer } from './engine.ts';
import { atStart, Exploded, layerSettings, type Position, trainEpoch, union, validate } from './epoch.ts';
import type { FrameStore } from './frame-store.ts';
import { type EpochRow, epochRow, historyCsv, historyLines } from './history.ts';
import type { TrainingHost } from './host.ts';
import { lossAt } from './loss.ts';
import { beginning, hasExploded, judge, type MemberState, restart } from './plateau.ts';
import type { Prepared } from './prepare.ts';
import { type SavedTraining, save } from './saved.ts';
import { depthOf } from './start.ts';
import { type EpochErrors, errorsOf, type Sums } from './sums.ts';

export interface TrainingTask {
  readonly recipe: FixedRecipe;
  /** Of checkpoint and errors, without ending. */
  readonly output: string;
  /** The member that trains; undefined: all. */
  readonly only: number | undefined;
  /** Of the recipe as it was given. */
  readonly hash: string;
  readonly prepared: Prepared;
  readonly trainer: Trainer;
  readonly store: FrameStore;
  readonly host: TrainingHost;
  readonly signal: AbortSignal;
}

/** ms between two calls of `progress`. */
const SHOWN_EVERY = 100;

export class Training {
  readonly #task: TrainingTask;
  readonly #layers: readonly LayerSettings[];
  /** Without the frames that the trainer refused. */
  prepared: Prepared;
  #epoch = 1;
  #position: Position;
  #members: MemberState[];
  #history: EpochRow[] = [];
  /** The trainer at the end of the last good epoch. */
  #good: Uint8Array;
  /** [members, parameters] */
  #best: Float64Array;
  /** Frames learnt from in this process, and since when. */
  #samples = 0;
  #began = performance.now();
  #lastSave = performance.now();
  #lastShown = 0;
  #log: AppendFile | undefined;

  constructor(task: TrainingTask) {
    const { trainer, recipe, prepared, only } = task;
    this.#task = task;
    this.prepared = prepared;
    this.#layers = layerSettings(recipe, depthOf(prepared.start));
    this.#members = Array.from({ length: trainer.members }, (_, m) => ({
      ...beginning(recipe),
      ...(only !== undefined && only !== m && { ended: 'elsewhere' as const }),
    }));
    this.#position = atStart(trainer.members, 0);
    this.#good = trainer.state();
    this.#best = trainer.values();
  }

  /** Takes the frames in, and takes up what was saved. @throws MltsError E_EMPTY where no frame is left */
  async begin(saved: SavedTraining | undefined): Promise<void> {
    const { store, recipe, output, trainer, host, signal } = this.#task;
    const { corpus, split, exclusions } = this.prepared;
    const frames = union([...split.train, ...split.validation, split.test]);
    const refused = await store.admit(frames, recipe.memory ?? totalmem() / 2, saved?.window, signal);
    for (const { frame, error } of refused) exclusions.add(CODES[error.code], `${corpus.nameOf(frame)}: ${error.what}`);
    for (const { reason, count, example } of exclusions.list()) {
      host.warn(`${count} frame${count > 1 ? 's' : ''} left out: ${reason} (${example})`);
    }
    this.#leaveOut(new Set(refused.map(({ frame }) => frame)));
    const { train, validation, test } = this.prepared.split;
    await host.say(
      `${train[0].length} frames to train on, ${validation[0].length} to validate, ${test.length} to test; ` +
        `${trainer.members} member${trainer.members > 1 ? 's' : ''} of ${trainer.parameters} parameters, threads: ${recipe.threads}`,
    );
    if (store.window !== Infinity) await host.say(`windows of ${store.window} frames: not all fit into memory`);
    if (saved === undefined) {
      await this.#judgeStart();
    } else {
      this.#epoch = saved.epoch;
      this.#position = saved.position;
      this.#members = [...saved.members];
      this.#history = [...saved.history];
      this.#best = saved.best;
      trainer.restore(saved.trainer);
      this.#good = saved.good ?? saved.trainer;
      await host.say(`goes on in epoch ${saved.epoch}`);
    }
    this.#log = new AppendFile(`${output}.csv`);
    this.#log.append(historyCsv(this.#history));
    // From here on a killed training can be taken up.
    await this.#save();
  }

  /** The weights to begin with are the best so far: what training does to them is measured by that. */
  async #judgeStart(): Promise<void> {
    const { recipe, trainer, store } = this.#task;
    const { split, loss } = this.prepared;
    const last = lossAt(loss, recipe.epochs, recipe.epochs);
    const task = { recipe, trainer, store, members: this.#members, lists: split.validation };
    for (const [m, sums] of (await validate(task, last, 'current')).entries()) {
      if (this.#members[m].ended !== undefined) continue;
      this.#members[m].best = metricOf(errorsOf(sums), recipe.metric);
      this.#members[m].lowest = errorsOf(sums).loss;
    }
  }

  #leaveOut(frames: ReadonlySet<number>): void {
    if (frames.size === 0) return;
    const { train, validation, test } = this.prepared.split;
    const kept = (list: Int32Array) => list.filter((frame) => !frames.has(frame));
    const split = { train: train.map(kept), validation: validation.map(kept), test: kept(test) };
    if ([...split.train, ...split.validation].some((list) => list.length === 0)) {
      throw new MltsError(
        'E_EMPTY',
        'no frame that the model can use is left to train or to validate',
        'The warnings above say why frames were left out.',
      );
    }
    this.prepared = { ...this.prepared, split };
  }

  /** Until every member has ended; then the trainer has the best weights of each. */
  async run(): Promise<{ members: readonly MemberState[]; history: readonly EpochRow[] }> {
    const { trainer } = this.#task;
    this.#began = this.#lastSave = performance.now();
    try {
      while (this.#members.some(({ ended }) => ended === undefined)) await this.#oneEpoch();
      await this.#save();
    } finally {
      this.#log?.close();
    }
    trainer.setValues(this.#best);
    return { members: this.#members, history: this.#history };
  }

  async #oneEpoch(): Promise<void> {
    const { recipe, trainer, store } = this.#task;
    const { split, loss } = this.prepared;
    const common = { recipe, trainer, store, members: this.#members };
    const terms = lossAt(loss, this.#epoch, recipe.epochs);
    try {
      await trainEpoch(
        { ...common, lists: split.train },
        this.#epoch,
        terms,
        this.#layers,
        this.#position,
        this.#afterStep,
      );
    } catch (error) {
      if (!(error instanceof Exploded)) throw error;
      return this.#goBack(error.members);
    }
    // Always by the weights of the last epoch, so that the values compare.
    const last = lossAt(loss, recipe.epochs, recipe.epochs);
    const which = recipe.optimiser.average === undefined ? 'current' : 'average';
    const validation = await validate({ ...common, lists: split.validation }, last, which);
    const exploded = this.#members.flatMap((member, m) => {
      if (member.ended !== undefined) return [];
      const isFine = Number.isFinite(errorsOf(validation[m]).loss);
      return !isFine || hasExploded(member, errorsOf(this.#position.sums[m]).loss) ? [m] : [];
    });
    if (exploded.length > 0) return this.#goBack(exploded);
    await this.#judge(validation, which);
  }

  async #judge(validation: readonly Sums[], which: 'current' | 'average'): Promise<void> {
    const { recipe, trainer, host } = this.#task;
    const rows: EpochRow[] = [];
    const better: number[] = [];
    for (const [m, member] of this.#members.entries()) {
      if (member.ended !== undefined) continue;
      const [train, valid] = [errorsOf(this.#position.sums[m]), errorsOf(validation[m])];
      const at = { epoch: this.#epoch, member: m, learning_rate: member.learningRate, batch: member.batch };
      member.lowest = Math.min(member.lowest, train.loss);
      const best = judge(member, metricOf(valid, recipe.metric), this.#epoch, recipe);
      if (best) better.push(m);
      rows.push(epochRow({ ...at, best }, train, valid));
    }
    if (better.length > 0) {
      const values = trainer.values(which);
      const size = trainer.parameters;
      for (const m of better) this.#best.set(values.subarray(m * size, (m + 1) * size), m * size);
    }
    this.#history.push(...rows);
    this.#log?.append(historyLines(rows));
    this.#epoch++;
    this.#position = atStart(trainer.members, this.#position.before + this.#position.taken);
    this.#good = trainer.state();
    await host.epoch(rows, this.#rate());
  }

  /** Back to the end of the last good epoch, the members that exploded at half their rate. */
  #goBack(exploded: readonly number[]): void {
    const { trainer, host } = this.#task;
    for (const m of exploded) {
      const member = this.#members[m];
      if (!restart(member)) {
        throw new MltsError(
          'E_UNSTABLE',
          `the loss of member ${m} exploded in epoch ${this.#epoch} for the ${member.restarts}th time, now at a learning rate of ${(2 * member.learningRate).toPrecision(3)}`,
          'Look for wrong labels, begin with a lower learning_rate, or clip gradients (optimiser.clip).',
        );
      }
      host.warn(
        `epoch ${this.#epoch}: the loss of member ${m} exploded; it goes back to the epoch before at a learning rate of ${member.learningRate.toPrecision(3)}`,
      );
    }
    trainer.restore(this.#good);
    this.#position = atStart(trainer.members, this.#position.before);
  }

  readonly #afterStep = async (samples: number): Promise<void> => {
    const { recipe, output, signal, host } = this.#task;
    this.#samples += samples;
    const now = performance.now();
    if (signal.aborted) {
      await this.#save();
      throw new MltsError(
        'E_CANCELLED',
        `interrupted in epoch ${this.#epoch}, ${output}.checkpoint is written`,
        'Go on with --resume.',
      );
    }
    if (now - this.#lastSave >= recipe.checkpoint) await this.#save();
    if (now - this.#lastShown < SHOWN_EVERY) return;
    this.#lastShown = now;
    const { train } = this.prepared.split;
    const total = this.#members.reduce((sum, { ended }, m) => sum + (ended === undefined ? train[m].length : 0), 0);
    const done = this.#position.sums.reduce((sum, { frames }) => sum + frames, 0);
    const rate = this.#rate();
    const secondsLeft = (total * (recipe.epochs - this.#epoch + 1) - done) / rate;
    host.progress({ epoch: this.#epoch, epochs: recipe.epochs, done, total, rate, secondsLeft });
  };

  /** Frames a second in this process, validation included. */
  #rate(): number {
    return (1e3 * this.#samples) / (performance.now() - this.#began);
  }

  async #save(): Promise<void> {
    const { recipe, output, hash, trainer, store } = this.#task;
    await store.settled();
    const isWhole = this.#position.window === 0 && this.#position.step === 0;
    save(output, {
      recipe: hash,
      data: this.prepared.corpus.hash,
      threads: recipe.threads,
      window: store.window,
      epoch: this.#epoch,
      position: this.#position,
      members: this.#members,
      history: this.#history,
      trainer: trainer.state(),
      good: isWhole ? undefined : this.#good,
      best: this.#best,
    });
    this.#lastSave = performance.now();
  }
}

/** @throws MltsError E_USAGE where frames for validation lack the label */
function metricOf(errors: EpochErrors, metric: Recipe['metric']): number {
  const value = errors[metric];
  if (value === undefined) {
    throw new MltsError(
      'E_USAGE',
      `metric is ${metric}, and no frame for validation has that label`,
      'Take loss, or data that have the label.',
    );
  }
  return value;
}
