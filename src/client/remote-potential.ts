/** A server as a `Potential`: whatever computes with a model in this process computes with a daemon just so. */
import type {
  EvaluateOptions,
  Outcome,
  Potential,
  Precision,
  Result,
  System,
  Trajectory,
  Want,
} from '../engine/potential.ts';
import { type Code, MltsError } from '../errors.ts';
import type { ModelInfo } from '../model/model.ts';
import { Client, type ConnectOptions, type ServedModel } from './client.ts';
import type { Evaluation } from './evaluation.ts';
import type { Session } from './session.ts';

export interface RemoteOptions extends ConnectOptions {
  /** May be left out where the server holds one model. */
  readonly model?: string | undefined;
}

/** So many systems go each through its own session, which keeps its neighbour list; more go in one message without. */
const MAX_SESSIONS = 16;
/** Atoms of one message. */
const MESSAGE_ATOMS = 50_000;

/** Faults of one system; every other error is of the whole batch. */
const SYSTEM_FAULTS: ReadonlySet<Code> = new Set([
  'E_SPECIES',
  'E_NONFINITE',
  'E_OVERLAP',
  'E_CELL',
  'E_SHAPE',
  'E_EMPTY',
  'E_LIMIT',
] as const);

export class RemotePotential implements Potential {
  readonly backend: string;
  readonly model: ModelInfo;
  readonly #client: Client;

  private constructor(client: Client, { backend = 'server', ...model }: ServedModel) {
    this.#client = client;
    this.backend = backend;
    this.model = model;
  }

  /**
   * @param endpoint `tcp://HOST:PORT` or `ipc:///PATH`
   * @throws MltsError as `Client.connect`; E_MODEL_NOT_FOUND where the server does not hold that model, or several and none is named
   */
  static async connect(endpoint: string, { model: name, ...options }: RemoteOptions = {}): Promise<RemotePotential> {
    const client = await Client.connect(endpoint, options);
    try {
      const models = await client.models();
      const model = name === undefined && models.length === 1 ? models[0] : models.find((one) => one.name === name);
      if (model !== undefined) return new RemotePotential(client, model);
      const names = models.map((one) => one.name).join(', ');
      throw new MltsError(
        'E_MODEL_NOT_FOUND',
        `${endpoint} serves ${names}, not ${name ?? 'one model'}`,
        'Choose one of them with --model.',
      );
    } catch (error) {
      client.close();
      throw error;
    }
  }

  async evaluate(batch: readonly System[], want: ReadonlySet<Want>, options: EvaluateOptions = {}): Promise<Outcome[]> {
    if (batch.length === 0) throw new MltsError('E_EMPTY', 'a batch of no systems', 'Send at least one system.');
    const { precision = 'single', signal } = options;
    return unlessCancelled(this.#evaluate(batch, [...want], precision), signal);
  }

  createTrajectory(): Trajectory {
    return new Lane(this.#client, this.model.name);
  }

  /** The weights are the server's. */
  memoryBytes(): number {
    return 0;
  }

  close(): void {
    this.#client.close();
  }

  async #evaluate(batch: readonly System[], want: readonly Want[], precision: Precision): Promise<Outcome[]> {
    const outcomes = new Array<Outcome>(batch.length);
    const needsSession = ({ owned, trajectory }: System) =>
      owned !== undefined || (trajectory !== undefined && batch.length <= MAX_SESSIONS);
    const places = batch.map((_, i) => i);
    const alone = places.filter((i) => needsSession(batch[i]));
    for (let first = 0; first < alone.length; first += MAX_SESSIONS) {
      const steps = alone.slice(first, first + MAX_SESSIONS).map(async (i) => {
        outcomes[i] = await this.#step(batch[i], want, precision);
      });
      await Promise.all(steps);
    }
    for (const group of groups(
      batch,
      places.filter((i) => !needsSession(batch[i])),
    )) {
      const systems = group.map((i) => batch[i]);
      const results = await this.#client.evaluateMany(systems, { model: this.model.name, precision, want });
      for (const [k, i] of group.entries()) outcomes[i] = bare(results[k]);
    }
    return outcomes;
  }

  async #step(system: System, want: readonly Want[], precision: Precision): Promise<Outcome> {
    const lane = (system.trajectory as Lane | undefined) ?? new Lane(this.#client, this.model.name);
    try {
      return bare(await lane.evaluate(system, want, precision));
    } catch (error) {
      if (error instanceof MltsError && SYSTEM_FAULTS.has(error.code)) return error;
      throw error;
    } finally {
      if (system.trajectory === undefined) lane.close();
    }
  }
}

/** One session, opened anew where it cannot follow: another periodicity or precision, a domain instead of a whole system. */
class Lane implements Trajectory {
  readonly #client: Client;
  readonly #model: string;
  #session: Session | undefined;
  #kind = '';
  /** What the server remembers. */
  #numbers = new Int32Array();
  #cell: Float64Array | undefined;

  constructor(client: Client, model: string) {
    this.#client = client;
    this.#model = model;
  }

  async evaluate(system: System, want: readonly Want[], precision: Precision): Promise<Evaluation> {
    const { numbers, positions, cell, pbc, owned } = system;
    const domain = owned !== undefined;
    const kind = JSON.stringify([pbc, domain, precision]);
    if (this.#session === undefined || kind !== this.#kind) {
      this.close();
      this.#session = await this.#client.open({
        ...{ model: this.#model, precision, want, numbers, domain },
        ...(pbc && !domain && { pbc }),
      });
      this.#kind = kind;
      this.#numbers = numbers.slice();
    }
    const hasNewNumbers = !same(numbers, this.#numbers);
    const hasNewCell = cell !== undefined && !domain && !(this.#cell && same(cell, this.#cell));
    if (hasNewNumbers) this.#numbers = numbers.slice();
    if (hasNewCell) this.#cell = cell.slice();
    return this.#session.evaluate(positions, {
      ...(hasNewNumbers && { numbers: this.#numbers }),
      ...(hasNewCell && { cell: this.#cell }),
      owned,
      want,
    });
  }

  close(): void {
    this.#session?.close();
    this.#session = undefined;
    this.#cell = undefined;
  }
}

/** Places in runs of at most so many atoms. */
function* groups(batch: readonly System[], places: readonly number[]): Generator<number[]> {
  let [group, atoms]: [number[], number] = [[], 0];
  for (const i of places) {
    const more = batch[i].numbers.length;
    if (group.length > 0 && atoms + more > MESSAGE_ATOMS) {
      yield group;
      [group, atoms] = [[], 0];
    }
    group.push(i);
    atoms += more;
  }
  if (group.length > 0) yield group;
}

const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

/** Without what a client adds to a result. */
function bare(outcome: Evaluation | MltsError): Outcome {
  if (outcome instanceof MltsError) return outcome;
  const { sha256: _hash, sigma: _sigma, ...result } = outcome;
  return result satisfies Result;
}

async function unlessCancelled<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let cancel: (() => void) | undefined;
  const cancelled = new Promise<never>((_, reject) => {
    cancel = () =>
      reject(new MltsError('E_CANCELLED', 'the evaluation was cancelled', 'Send it again if it is still wanted.'));
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel, { once: true });
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, cancelled]);
  } finally {
    if (cancel) signal.removeEventListener('abort', cancel);
  }
}
