/** Who is connected: each connection's sessions and how much it has under way. */
import { MltsError } from '../errors.ts';
import type { Pbc } from '../protocol/messages.ts';
import type { Limits } from './limits.ts';
import type { Listener } from './listener.ts';
import type { Kind } from './models.ts';
import { Outbox } from './outbox.ts';
import { Session } from './session.ts';

export class Client {
  readonly listener: Listener;
  /** ZeroMQ's routing id of the connection. */
  readonly identity: Buffer;
  readonly outbox: Outbox;
  readonly sessions = new Map<number, Session>();
  /** Jobs that wait or run. */
  jobs = 0;
  lastSeen = performance.now();

  /** @param gone called where the client has left, or does not read */
  constructor(listener: Listener, identity: Buffer, maxBytes: number, gone: (client: Client) => void) {
    this.listener = listener;
    this.identity = identity;
    this.outbox = new Outbox(listener, identity, maxBytes, () => gone(this));
  }
}

export interface OpenedSession {
  readonly numbers: Int32Array;
  readonly pbc: Pbc | undefined;
  readonly isDomain: boolean;
}

export class Clients {
  readonly #limits: Limits;
  readonly #gone: (client: Client) => void;
  readonly #byIdentity = new Map<Listener, Map<string, Client>>();
  #nextSession = 1;
  /** Sessions of all clients, and the atoms they remember. */
  sessions = 0;
  #atoms = 0;

  /** @param gone called where a client has left, or does not read */
  constructor(limits: Limits, gone: (client: Client) => void) {
    this.#limits = limits;
    this.#gone = gone;
  }

  get count(): number {
    let count = 0;
    for (const clients of this.#byIdentity.values()) count += clients.size;
    return count;
  }

  /** The client behind a connection, known from now on. */
  of(listener: Listener, identity: Buffer): Client {
    let clients = this.#byIdentity.get(listener);
    if (clients === undefined) {
      clients = new Map();
      this.#byIdentity.set(listener, clients);
    }
    const key = identity.toString('latin1');
    let client = clients.get(key);
    if (client === undefined) {
      client = new Client(listener, identity, this.#limits.maxBytes, this.#gone);
      clients.set(key, client);
    }
    client.lastSeen = performance.now();
    return client;
  }

  /** @throws MltsError E_LIMIT */
  open(client: Client, kind: Kind, { numbers, pbc, isDomain }: OpenedSession): Session {
    const { maxClientSessions, maxSessions } = this.#limits;
    if (client.sessions.size >= maxClientSessions)
      throw tooMany(`this client has ${client.sessions.size} sessions`, maxClientSessions);
    if (this.sessions >= maxSessions) throw tooMany(`the server has ${this.sessions} sessions`, maxSessions);
    this.claimAtoms(numbers.length);
    const session = new Session(this.#nextSession++, kind, numbers, pbc, isDomain);
    kind.served.take();
    client.sessions.set(session.id, session);
    this.sessions++;
    return session;
  }

  /**
   * Accounts for atoms that sessions remember; negative where some were let go.
   * @throws MltsError E_LIMIT
   */
  claimAtoms(more: number): void {
    const { maxSessionAtoms } = this.#limits;
    if (more > 0 && this.#atoms + more > maxSessionAtoms)
      throw tooMany(`the sessions would remember ${this.#atoms + more} atoms`, maxSessionAtoms);
    this.#atoms += more;
  }

  close(client: Client, session: Session): void {
    if (!client.sessions.delete(session.id)) return;
    this.sessions--;
    this.#atoms -= session.numbers.length;
    session.served.leave();
    session.close();
  }

  /** Forgets a client that has gone. */
  drop(client: Client): void {
    for (const session of [...client.sessions.values()]) this.close(client, session);
    const clients = this.#byIdentity.get(client.listener);
    const key = client.identity.toString('latin1');
    // A client that chose its own routing id may have come back under it.
    if (clients?.get(key) === client) clients.delete(key);
  }

  /** Resolves once every reply is with libzmq. */
  async drained(): Promise<void> {
    const clients = [...this.#byIdentity.values()].flatMap((known) => [...known.values()]);
    await Promise.all(clients.map((client) => client.outbox.drained()));
  }

  /** Takes memory back from sessions and clients that nobody uses. */
  sweep(now: number): void {
    const releaseBefore = now - 1000 * this.#limits.idleRelease;
    const closeBefore = now - 1000 * this.#limits.idleClose;
    for (const clients of this.#byIdentity.values()) {
      for (const client of [...clients.values()]) {
        for (const session of [...client.sessions.values()]) {
          if (!session.isIdle) continue;
          if (session.lastUsed < closeBefore) this.close(client, session);
          else if (session.lastUsed < releaseBefore) session.release();
        }
        if (client.sessions.size === 0 && client.jobs === 0 && client.lastSeen < releaseBefore) this.drop(client);
      }
    }
  }
}

const tooMany = (what: string, bound: number): MltsError =>
  new MltsError('E_LIMIT', `${what}, the limit is ${bound}`, 'Close sessions that are no longer used.');
