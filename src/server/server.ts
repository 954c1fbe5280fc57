/** The force server: sockets to requests, outcomes to replies, from start to stop. */
import { Context } from 'zeromq';
import type { Potential, Result, System } from '../engine/potential.ts';
import { asMltsError, MltsError } from '../errors.ts';
import { type Log, silentLog } from '../log.ts';
import type { ModelInfo } from '../model/model.ts';
import { decode, encode, type WireMap } from '../protocol/codec.ts';
import type { Stats } from '../protocol/messages.ts';
import { idOf, readRequest } from '../protocol/request.ts';
import { errorReply, replyTo } from './answer.ts';
import { type Client, Clients } from './clients.ts';
import { Dispatcher } from './dispatcher.ts';
import { parseEndpoint } from './endpoint.ts';
import type { Job } from './job.ts';
import { secretFor } from './keyring.ts';
import { DEFAULT_LIMITS, type Limits, scanLimits } from './limits.ts';
import { Listener } from './listener.ts';
import { Metrics } from './metrics.ts';
import { Models } from './models.ts';
import { type Rooms, serve, stats } from './requests.ts';
import { Gatekeeper } from './zap.ts';

/** How long a stop waits for clients to read their replies, s. */
const FLUSH = 2;

export interface ServerOptions {
  /** One or more, of different names; closed by their owner once the server has stopped. */
  readonly potentials: readonly Potential[];
  readonly endpoints: readonly string[];
  readonly limits?: Partial<Limits>;
  /** Files of the server's key pair and of the clients it lets in; needed for endpoints that are not local. */
  readonly keys?: { readonly server: string; readonly allowed: string };
  readonly log?: Log;
  /** What clients are told they talk to. */
  readonly name?: string;
  /** Told of each system that was computed, once its reply is on its way; it must be quick. */
  readonly observe?: (system: System, result: Result, model: ModelInfo) => void;
}

export class Server {
  readonly #rooms: Rooms;
  readonly #listeners: Listener[] = [];
  readonly #log: Log;
  readonly #observe: ServerOptions['observe'];
  readonly #scan;
  readonly #context = new Context();
  #gatekeeper: Gatekeeper | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(options: ServerOptions) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const metrics = new Metrics();
    this.#log = options.log ?? silentLog();
    this.#observe = options.observe;
    this.#scan = scanLimits(limits);
    this.#rooms = {
      limits,
      metrics,
      models: new Models(options.potentials),
      clients: new Clients(limits, (client) => this.#drop(client)),
      dispatcher: new Dispatcher(limits, metrics, (job) => this.#settle(job)),
      name: options.name ?? 'mlts',
    };
  }

  /**
   * A server that listens.
   * @throws MltsError E_ADDRESS | E_KEYS | E_EMPTY | E_USAGE
   */
  static async start(options: ServerOptions): Promise<Server> {
    const server = new Server(options);
    try {
      await server.#listen(options);
    } catch (error) {
      await server.#close();
      throw error;
    }
    return server;
  }

  /** Where it listens, with the ports that were chosen for `*`. */
  get endpoints(): string[] {
    return this.#listeners.map((listener) => listener.address);
  }

  stats(): Stats {
    return stats(this.#rooms);
  }

  /**
   * Serves another model in the place of one of its name, while clients go on: sessions keep the model that they were opened
   * with, new ones get this. A client that insists on the bytes of the one before gets it as long as that is kept, which is
   * for `limits.idleClose` after its last use.
   * @returns the potential before, once nobody uses it any more: its owner may close it. Never settles where the server stops first
   * @throws MltsError E_MODEL_NOT_FOUND where no model of that name is served
   */
  replace(potential: Potential): Promise<Potential> {
    const { name, sha256 } = potential.model;
    const unused = this.#rooms.models.replace(potential);
    this.#log.info('model replaced', { model: name, sha256 });
    return unused;
  }

  /** Takes no new work, finishes what was accepted within `limits.stopTimeout`, sends the replies, and closes. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #listen({ endpoints, keys }: ServerOptions): Promise<void> {
    if (endpoints.length === 0) throw new MltsError('E_USAGE', 'the server has no endpoint', 'Name one or more.');
    const parsed = endpoints.map(parseEndpoint);
    const open = parsed.find((endpoint) => !endpoint.local);
    const secretKey = open && keys && (await secretFor(open.address, keys.server));
    if (open && keys) this.#gatekeeper = await Gatekeeper.start(this.#context, keys.allowed, this.#log);
    const { maxBytes, idleRelease, idleClose } = this.#rooms.limits;
    for (const endpoint of parsed) {
      this.#listeners.push(await Listener.bind(endpoint, { context: this.#context, secretKey, maxBytes }));
    }
    for (const listener of this.#listeners) {
      listener
        .receive((identity, frames) => this.#accept(listener, identity, frames))
        .catch((error: unknown) => {
          this.#log.error('an endpoint failed', { endpoint: listener.address, error: String(error) });
        });
    }
    const sweep = (now: number) => {
      this.#rooms.clients.sweep(now);
      this.#rooms.models.sweep(now - 1000 * idleClose);
    };
    this.#sweeper = setInterval(() => sweep(performance.now()), Math.max(50, 250 * idleRelease));
    this.#sweeper.unref();
  }

  async #stop(): Promise<void> {
    const { dispatcher, clients, limits } = this.#rooms;
    this.#log.info('stopping', { waiting: dispatcher.jobs });
    await within(limits.stopTimeout, dispatcher.drained());
    if (dispatcher.jobs > 0) {
      this.#log.warn('the time to stop is over; dropping work', { waiting: dispatcher.jobs });
      dispatcher.abandon(stopping());
    }
    await within(FLUSH, clients.drained());
    await this.#close();
    this.#log.info('stopped');
  }

  async #close(): Promise<void> {
    clearInterval(this.#sweeper);
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    this.#gatekeeper?.close();
  }

  #accept(listener: Listener, identity: Buffer, frames: readonly Buffer[]): void {
    const { metrics, clients } = this.#rooms;
    metrics.requests++;
    const client = clients.of(listener, identity);
    let map: WireMap = {};
    try {
      const [frame] = frames;
      if (frame === undefined || frames.length !== 1) throw oneFrame(frames.length);
      map = decode(frame, this.#scan);
      const request = readRequest(map);
      if (this.#stopping !== undefined && request.type !== 'ping' && request.type !== 'close') throw stopping();
      const reply = serve(this.#rooms, client, request);
      if (reply !== undefined) this.#send(client, reply);
    } catch (error) {
      this.#refuse(client, map, asMltsError(error));
    }
  }

  /** An error reply, in the order of the session that the request names, if it names one. */
  #refuse(client: Client, map: WireMap, error: MltsError): void {
    this.#rooms.metrics.error(error.code);
    if (error.code === 'E_INTERNAL')
      this.#log.error('a request failed', { error: (error.cause as Error | undefined)?.stack ?? error.message });
    const reply = errorReply(error, idOf(map));
    const session = map.type === 'evaluate' ? client.sessions.get(map.session as number) : undefined;
    // Out of turn where a client floods a session, so that refusals cannot pile up.
    const isFlood = error.code === 'E_BUSY' || (session?.outstanding.length ?? 0) > this.#rooms.limits.maxClientQueue;
    if (session === undefined || session.isIdle || isFlood) this.#send(client, reply);
    else session.outstanding.push({ reply });
  }

  #settle(job: Job): void {
    const { client, session } = job;
    this.#rooms.metrics.reply(performance.now() - job.arrived);
    job.reply = replyTo(job, this.#rooms.metrics);
    if (session === undefined) {
      this.#send(client, job.reply);
    } else {
      session.lastUsed = performance.now();
      for (const { reply } of session.ready()) this.#send(client, reply);
    }
    if (this.#observe === undefined) return;
    const { model } = job.kind.served.potential;
    for (const [i, outcome] of job.outcomes.entries()) {
      if (!(outcome instanceof MltsError)) this.#observe(job.systems[i], outcome, model);
    }
  }

  #send(client: Client, reply: object): void {
    client.outbox.send(encode(reply));
  }

  #drop(client: Client): void {
    const { dispatcher, clients } = this.#rooms;
    clients.drop(client);
    dispatcher.cancel(client);
  }
}

/** Waits for a promise, for at most so many seconds. */
async function within(seconds: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, 1000 * seconds);
  });
  await Promise.race([promise, end]);
  clearTimeout(timer);
}

const stopping = (): MltsError =>
  new MltsError(
    'E_SHUTDOWN',
    'the server is stopping and takes no new work',
    'Send it to another server, or again once this one runs.',
  );

const oneFrame = (count: number): MltsError =>
  new MltsError(
    'E_PROTOCOL',
    `the message has ${count} frames, not one`,
    'Send one MessagePack map as one frame, from a DEALER socket.',
  );
