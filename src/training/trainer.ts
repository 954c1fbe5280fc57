/** The native training engine behind the face of engine.ts. */
import { availableParallelism } from 'node:os';
import { type AddonError, addon, toError } from '../engine/native.ts';
import { validateSystem } from '../engine/validate.ts';
import { MltsError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import type {
  BatchReport,
  LossTerm,
  OptimiserSettings,
  Predictions,
  StepReport,
  Trainer,
  TrainerOptions,
  TrainingFrame,
  WhichWeights,
} from './engine.ts';

/** As bridge/trainer.cc has it: every field of the optimiser is there. */
interface AddonTrainer {
  load(frames: object[]): Promise<(number | AddonError)[]>;
  unload(ids: Int32Array): Promise<void>;
  step(
    batches: readonly Int32Array[],
    loss: readonly LossTerm[],
    optimiser: object,
    cancel?: Int32Array,
  ): Promise<StepReport[]>;
  errors(
    batches: readonly Int32Array[],
    loss: readonly LossTerm[],
    which: string,
    cancel?: Int32Array,
  ): Promise<BatchReport[]>;
  gradient(
    batches: readonly Int32Array[],
    loss: readonly LossTerm[],
    out: Float64Array,
    cancel?: Int32Array,
  ): Promise<BatchReport[]>;
  predict(ids: Int32Array, out: Predictions, which: string, cancel?: Int32Array): Promise<void>;
  values(which: string): Float64Array;
  setValues(values: Float64Array): void;
  state(): Uint8Array;
  restore(state: Uint8Array): void;
  close(): void;
  readonly parameters: number;
  readonly frameBytes: number;
}

/**
 * A trainer that starts from the model's weights.
 * @throws MltsError E_UNAVAILABLE without the addon; E_MODEL, E_LIMIT for models that it cannot train
 */
export function createTrainer(model: Model, options: TrainerOptions = {}): Trainer {
  return new NativeTrainer(model, options);
}

class NativeTrainer implements Trainer {
  readonly members: number;
  readonly parameters: number;
  readonly #model: Model;
  #addon: AddonTrainer | undefined;
  #pending = 0;
  /** [id] of loaded frames. */
  readonly #atoms: number[] = [];

  constructor(model: Model, options: TrainerOptions) {
    const {
      threads = availableParallelism(),
      precision = 'single',
      descriptorBytes = 2e9,
      isa = process.env.MLTS_ISA ?? '',
    } = options;
    this.#model = model;
    this.members = model.members;
    try {
      this.#addon = new (addon().Trainer)(model, threads, precision, descriptorBytes, isa) as AddonTrainer;
    } catch (error) {
      throw known(error);
    }
    this.parameters = this.#addon.parameters;
  }

  async load(frames: readonly TrainingFrame[]): Promise<(number | MltsError)[]> {
    const outcomes = new Array<number | MltsError>(frames.length);
    const good: number[] = [];
    frames.forEach((frame, i) => {
      const fault = validateSystem(frame, this.#model) ?? wrongLabels(frame);
      if (fault) outcomes[i] = fault;
      else good.push(i);
    });
    const ids = await this.#run((trainer) =>
      trainer.load(good.map((i) => ({ ...frames[i], pbc: pbcBits(frames[i]!), weight: frames[i]!.weight ?? 1 }))),
    );
    ids.forEach((id, k) => {
      outcomes[good[k]!] = typeof id === 'number' ? id : toError(id);
      if (typeof id === 'number') this.#atoms[id] = frames[good[k]!]!.numbers.length;
    });
    return outcomes;
  }

  async unload(ids: Int32Array): Promise<void> {
    await this.#run((trainer) => trainer.unload(ids));
  }

  frameBytes(): number {
    return this.#live().frameBytes;
  }

  async step(
    batches: readonly Int32Array[],
    loss: readonly LossTerm[],
    optimiser: OptimiserSettings,
    signal?: AbortSignal,
  ): Promise<StepReport[]> {
    this.#checkBatches(batches);
    checkLoss(loss);
    const settings = completed(optimiser, this.members);
    return this.#run((trainer, cancel) => trainer.step(batches, loss, settings, cancel), signal);
  }

  async errors(
    batches: readonly Int32Array[],
    loss: readonly LossTerm[],
    which: WhichWeights = 'current',
    signal?: AbortSignal,
  ): Promise<BatchReport[]> {
    this.#checkBatches(batches);
    checkLoss(loss);
    return this.#run((trainer, cancel) => trainer.errors(batches, loss, which, cancel), signal);
  }

  async gradient(batches: readonly Int32Array[], loss: readonly LossTerm[], signal?: AbortSignal) {
    this.#checkBatches(batches);
    checkLoss(loss);
    const gradients = new Float64Array(this.members * this.parameters);
    const reports = await this.#run((trainer, cancel) => trainer.gradient(batches, loss, gradients, cancel), signal);
    return { reports, gradients };
  }

  async evaluate(
    ids: Int32Array,
    want: ReadonlySet<'forces' | 'virial'>,
    which: WhichWeights = 'current',
    signal?: AbortSignal,
  ): Promise<Predictions> {
    const each = this.members * ids.length;
    const out: Predictions = { energies: new Float64Array(each) };
    const atoms = ids.reduce((sum, id) => sum + (this.#atoms[id] ?? 0), 0);
    if (want.has('forces')) out.forces = new Float64Array(3 * this.members * atoms);
    if (want.has('virial')) out.virials = new Float64Array(9 * each);
    await this.#run((trainer, cancel) => trainer.predict(ids, out, which, cancel), signal);
    return out;
  }

  values(which: WhichWeights = 'current'): Float64Array {
    return this.#idle().values(which);
  }

  setValues(values: Float64Array): void {
    if (values.length !== this.members * this.parameters)
      throw new MltsError(
        'E_SHAPE',
        `${values.length} values for ${this.members} members of ${this.parameters} parameters`,
        'Give one value for each parameter of each member.',
      );
    this.#idle().setValues(values);
  }

  state(): Uint8Array {
    return this.#idle().state();
  }

  restore(state: Uint8Array): void {
    try {
      this.#idle().restore(state);
    } catch (error) {
      throw known(error);
    }
  }

  close(): void {
    this.#addon?.close();
    this.#addon = undefined;
  }

  #live(): AddonTrainer {
    if (!this.#addon) throw new MltsError('E_UNAVAILABLE', 'this trainer is closed', 'Create it again.');
    return this.#addon;
  }

  /** What is read or replaced at once must not change under work that is under way. */
  #idle(): AddonTrainer {
    if (this.#pending > 0) throw new MltsError('E_USAGE', 'the trainer is at work', 'Await what was asked for before.');
    return this.#live();
  }

  async #run<R>(work: (trainer: AddonTrainer, cancel?: Int32Array) => Promise<R>, signal?: AbortSignal): Promise<R> {
    const trainer = this.#live();
    const cancelled = (cause: unknown) =>
      new MltsError('E_CANCELLED', 'the batch was cancelled', 'Ask for it again if it is still wanted.', { cause });
    if (signal?.aborted) throw cancelled(signal.reason);
    const cancel = new Int32Array(1);
    const onAbort = () => Atomics.store(cancel, 0, 1);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#pending++;
    try {
      return await work(trainer, signal ? cancel : undefined);
    } catch (error) {
      throw signal?.aborted ? cancelled(error) : known(error);
    } finally {
      this.#pending--;
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #checkBatches(batches: readonly Int32Array[]): void {
    if (batches.length !== this.members)
      throw new MltsError(
        'E_SHAPE',
        `${batches.length} batches for ${this.members} members`,
        'Give one batch a member; it may be empty.',
      );
  }
}

/** Errors of the addon as MltsError, all others as they are. */
const known = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'remedy' in error && !(error instanceof MltsError)
    ? toError(error as AddonError)
    : error;

const pbcBits = ({ pbc = [false, false, false] }: TrainingFrame): number =>
  (pbc[0] ? 1 : 0) | (pbc[1] ? 2 : 0) | (pbc[2] ? 4 : 0);

function wrongLabels({ numbers, forces, virial }: TrainingFrame): MltsError | undefined {
  const wrong = (name: string, length: number, expected: number) =>
    new MltsError('E_SHAPE', `${name} of ${length} numbers, expected ${expected}`, 'Give one for each component.');
  if (forces && forces.length !== 3 * numbers.length) return wrong('forces', forces.length, 3 * numbers.length);
  if (virial && virial.length !== 9) return wrong('a virial', virial.length, 9);
  return undefined;
}

function checkLoss(loss: readonly LossTerm[]): void {
  for (const term of loss) {
    if (!Number.isFinite(term.weight) || term.weight < 0)
      throw new MltsError('E_USAGE', `a loss term weighs ${term.weight}`, 'Give it a finite weight of 0 or more.');
    if (term.form === 'huber' && !(Number.isFinite(term.delta) && term.delta! > 0))
      throw new MltsError('E_USAGE', `a huber term has delta ${term.delta}`, 'Give it a finite delta above 0.');
    if (term.of === 'energy' && !Number.isFinite(term.power))
      throw new MltsError('E_USAGE', `an energy term has power ${term.power}`, 'Give it a finite power.');
  }
}

function completed(settings: OptimiserSettings, members: number): object {
  const {
    learningRate,
    beta1 = 0.9,
    beta2 = 0.999,
    epsilon = 1e-8,
    decay = 'decoupled',
    clipNorm,
    layers = [],
  } = settings;
  const rates = typeof learningRate === 'number' ? new Array<number>(members).fill(learningRate) : learningRate;
  if (rates.length !== members || !rates.every((rate) => Number.isFinite(rate) && rate >= 0))
    throw new MltsError(
      'E_USAGE',
      `learning rates [${rates.join(', ')}] for ${members} members`,
      'Give one finite rate of 0 or more for all, or one for each.',
    );
  return {
    learningRate: Float64Array.from(rates),
    beta1,
    beta2,
    epsilon,
    decay,
    clipNorm: clipNorm ?? Number.POSITIVE_INFINITY,
    averageDecay: settings.averageDecay,
    layers: layers.map(({ frozen = false, learningRate: factor = 1, decay: own = 0 }) => ({
      frozen,
      learningRate: factor,
      decay: own,
    })),
  };
}
