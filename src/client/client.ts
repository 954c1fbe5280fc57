/** The TypeScript client of the force server. */
import { MltsError } from '../errors.ts';
import type { ModelInfo } from '../model/model.ts';
import type { KeyFile } from '../protocol/keys.ts';
import type {
  BatchEvaluateReply,
  EvaluateReply,
  HelloReply,
  ModelsReply,
  OpenReply,
  Stats,
  StatsReply,
  WireModel,
} from '../protocol/messages.ts';
import { PROTOCOL_VERSION } from '../protocol/version.ts';
import { Connection } from './connection.ts';
import { readKeys } from './curve.ts';
import {
  type Choice,
  checkArray,
  type Evaluation,
  evaluation,
  outcome,
  type Structure,
  wireChoice,
  wireSystem,
} from './evaluation.ts';
import { Session, type SessionOptions } from './session.ts';

export interface ConnectOptions {
  /** ms until E_TIMEOUT for each request; default 60 000 */
  readonly timeout?: number;
  /** ms until E_CONNECT where nobody answers; default 5000 */
  readonly connectTimeout?: number;
  /** CURVE keys, or the file of `mlts keys generate FILE --server KEY`; for servers that are neither on loopback nor ipc */
  readonly keys?: KeyFile | string;
}

export interface ServedModel extends ModelInfo {
  /** What computes it: `native`, `reference`, `tensorflow`; absent where the server does not tell. */
  readonly backend?: string;
}

/**
 * A connection to one server. Any number of requests may be under way at once; each settles by itself. After the
 * server was lost, what it owed fails with E_CONNECT and later requests connect again.
 */
export class Client implements AsyncDisposable {
  /** Who answers: `mlts 0.1.0`. */
  readonly server: string;
  readonly #connection: Connection;
  readonly #timeout: number;
  /** SHA-256 of each model when first heard of: a run must not change its model unnoticed. */
  readonly #hashes = new Map<string, string>();
  readonly #sessions = new Set<Session>();

  private constructor(connection: Connection, timeout: number, hello: HelloReply) {
    this.#connection = connection;
    this.#timeout = timeout;
    this.server = hello.server;
    for (const model of hello.models) this.#hashes.set(model.name, model.sha256);
  }

  /**
   * @param endpoint `tcp://HOST:PORT` or `ipc:///PATH`
   * @throws MltsError E_ADDRESS, E_CONNECT, E_KEYS, E_VERSION, E_TIMEOUT
   */
  static async connect(endpoint: string, options: ConnectOptions = {}): Promise<Client> {
    const { timeout = 60_000, connectTimeout = 5000 } = options;
    const connection = await Connection.open(endpoint, connectTimeout, await readKeys(options.keys));
    try {
      const hello = await connection.request<HelloReply>(
        { type: 'hello', version: PROTOCOL_VERSION, client: 'typescript' },
        timeout,
      );
      return new Client(connection, timeout, hello);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /**
   * Energy and what else is wanted of one whole system.
   * @throws MltsError that the server replied, E_HASH where its model changed since this client connected
   */
  async evaluate(structure: Structure, choice: Choice = {}): Promise<Evaluation> {
    const question = {
      type: 'evaluate',
      ...wireChoice(choice),
      ...this.#pin(choice),
      ...wireSystem(structure),
    } as const;
    const reply = await this.#connection.request<EvaluateReply>(question, this.#timeout);
    this.#checkHash(choice.model, reply.sha256);
    return evaluation(reply, reply.sha256);
  }

  /** Many whole systems in one round trip: one evaluation or error a system, in order. */
  async evaluateMany(structures: readonly Structure[], choice: Choice = {}): Promise<(Evaluation | MltsError)[]> {
    const systems = structures.map(wireSystem);
    const question = { type: 'evaluate', ...wireChoice(choice), ...this.#pin(choice), systems } as const;
    const reply = await this.#connection.request<BatchEvaluateReply>(question, this.#timeout);
    this.#checkHash(choice.model, reply.sha256);
    return reply.results.map((entry) => outcome(entry, reply.sha256));
  }

  /**
   * A session: the server remembers its species, cell and neighbour list, and a step sends positions only.
   * @throws MltsError
   */
  async open(options: SessionOptions): Promise<Session> {
    checkArray(options.numbers, 'numbers', Int32Array);
    const session = new Session(this.#connection, this.#timeout, options, {
      pin: () => this.#pin(options),
      opened: (reply: OpenReply) => this.#checkHash(reply.model.name, reply.sha256),
      closed: () => this.#sessions.delete(session),
    });
    await session.open();
    this.#sessions.add(session);
    return session;
  }

  /** The models that the server holds. */
  async models(): Promise<ServedModel[]> {
    const { models } = await this.#connection.request<ModelsReply>({ type: 'models' }, this.#timeout);
    return models.map(modelInfo);
  }

  async stats(): Promise<Stats> {
    const { type, id, ...stats } = await this.#connection.request<StatsReply>({ type: 'stats' }, this.#timeout);
    return stats;
  }

  /** Round trip in ms. */
  async ping(): Promise<number> {
    const start = performance.now();
    await this.#connection.request({ type: 'ping' }, this.#timeout);
    return performance.now() - start;
  }

  /** Closes the client's sessions and the connection. What is still under way fails with E_CONNECT. */
  close(): void {
    for (const session of [...this.#sessions]) session.close();
    this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Without a name the server holds one model, and held one when this client connected. */
  #named(name: string | undefined): string {
    return name ?? [...this.#hashes.keys()][0] ?? '';
  }

  /** A server that replaced its model keeps the one before for those who began with it. */
  #pin({ model }: Choice): { sha256?: string } {
    const sha256 = this.#hashes.get(this.#named(model));
    return sha256 === undefined ? {} : { sha256 };
  }

  #checkHash(name: string | undefined, sha256: string): void {
    const model = this.#named(name);
    const known = this.#hashes.get(model);
    if (known === undefined) this.#hashes.set(model, sha256);
    else if (known !== sha256) {
      throw new MltsError(
        'E_HASH',
        `the model '${model}' of ${this.#connection.endpoint} was ${known} and is now ${sha256}`,
        'Serve the model that the run began with, or connect anew to go on with this one.',
      );
    }
  }
}

const modelInfo = ({ min_distance, architecture, calibration, ...rest }: WireModel): ServedModel => ({
  ...rest,
  architecture: architecture as ModelInfo['architecture'],
  minDistance: min_distance,
  ...(calibration && {
    calibration: { sigmaForce: calibration.sigma_force, sigmaEnergy: calibration.sigma_energy },
  }),
});
