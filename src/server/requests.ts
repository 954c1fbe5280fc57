/** What each request does. Errors thrown here become its error reply. */
import type { System } from '../engine/potential.ts';
import { validateSystem } from '../engine/validate.ts';
import { MltsError } from '../errors.ts';
import {
  DEFAULT_WANT,
  type EvaluateRequest,
  type HelloRequest,
  type OpenRequest,
  type Request,
  type Stats,
  UNITS,
  type WireSystem,
} from '../protocol/messages.ts';
import { negotiate } from '../protocol/version.ts';
import type { Client, Clients } from './clients.ts';
import type { Dispatcher } from './dispatcher.ts';
import { Job } from './job.ts';
import type { Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import type { Models, Served } from './models.ts';
import type { Session } from './session.ts';

export interface Rooms {
  readonly limits: Limits;
  readonly models: Models;
  readonly clients: Clients;
  readonly dispatcher: Dispatcher;
  readonly metrics: Metrics;
  /** `mlts 0.1.0` */
  readonly name: string;
}

/**
 * Serves one request.
 * @returns the reply, or undefined where it comes later: for an `evaluate` that was accepted, and behind one
 * @throws MltsError
 */
export function serve(rooms: Rooms, client: Client, request: Request): object | undefined {
  const { type, id } = request;
  switch (type) {
    case 'evaluate':
      evaluate(rooms, client, request);
      return undefined;
    case 'open':
      return open(rooms, client, request);
    case 'hello':
      return hello(rooms, request);
    case 'models':
      return { type, id, models: rooms.models.wire };
    case 'stats':
      return { type, id, ...stats(rooms) };
    case 'ping':
      return { type, id };
    case 'close': {
      const session = sessionOf(client, request.session);
      rooms.dispatcher.cancel(client, session);
      rooms.clients.close(client, session);
      if (session.isIdle) return { type, id };
      session.outstanding.push({ reply: { type, id } });
      return undefined;
    }
  }
}

function hello({ models, limits, name }: Rooms, { id, version }: HelloRequest): object {
  return {
    type: 'hello',
    id,
    version: negotiate(version),
    server: name,
    units: UNITS,
    models: models.wire,
    limits: { max_atoms: limits.maxAtoms, max_bytes: limits.maxBytes, max_depth: limits.maxDepth },
  };
}

function open({ models, limits, clients }: Rooms, client: Client, request: OpenRequest): object {
  const { id, numbers, pbc, precision = 'single', want = DEFAULT_WANT, domain = false } = request;
  const served = models.find(request.model, request.sha256);
  checkAtoms(numbers.length, limits);
  // The species are known now: an element the model lacks is refused before the first step.
  validate(served, { numbers, positions: new Float64Array(3 * numbers.length), owned: domain ? 0 : undefined });
  if (domain && pbc?.includes(true))
    throw new MltsError('E_USAGE', "a domain has a periodic 'pbc'", 'Send periodic images as ghosts.');
  const session = clients.open(client, served.kind(precision, want), { numbers, pbc, isDomain: domain });
  return { type: 'open', id, session: session.id, model: served.wire, sha256: served.wire.sha256 };
}

function evaluate({ models, limits, clients, dispatcher }: Rooms, client: Client, request: EvaluateRequest): void {
  if ('session' in request) {
    const session = sessionOf(client, request.session);
    const kind = session.kindOf(request.want);
    if (request.numbers !== undefined) checkAtoms(request.numbers.length, limits);
    const system = session.check(request);
    dispatcher.check(client, system.numbers.length);
    clients.claimAtoms(system.numbers.length - session.numbers.length);
    const job = new Job(client, request.id, kind, [session.begin(system)], session);
    session.outstanding.push(job);
    dispatcher.add(job);
    return;
  }
  const served = models.find(request.model, request.sha256);
  const kind = served.kind(request.precision ?? 'single', request.want ?? DEFAULT_WANT);
  if (!('systems' in request)) {
    checkAtoms(request.numbers.length, limits);
    validate(served, request);
    dispatcher.check(client, request.numbers.length);
    dispatcher.add(new Job(client, request.id, kind, [systemOf(request)]));
    return;
  }
  const { systems } = request;
  if (systems.length === 0) throw new MltsError('E_EMPTY', "'systems' is empty", 'Send one system or more.');
  const atoms = systems.reduce((sum, { numbers }) => sum + numbers.length, 0);
  checkAtoms(atoms, limits);
  dispatcher.check(client, atoms);
  // A fault of one system is that one's result: the backend finds it.
  dispatcher.add(new Job(client, request.id, kind, systems.map(systemOf), undefined, true));
}

const systemOf = ({ numbers, positions, cell, pbc }: WireSystem): System => ({ numbers, positions, cell, pbc });

function validate(served: Served, system: System): void {
  const fault = validateSystem(system, served.potential.model);
  if (fault !== undefined) throw fault;
}

/** @throws MltsError E_LIMIT */
function checkAtoms(atoms: number, { maxAtoms }: Limits): void {
  if (atoms <= maxAtoms) return;
  const remedy = 'Send fewer at a time, or raise max_atoms in the configuration of the server.';
  throw new MltsError('E_LIMIT', `${atoms} atoms in one request, the limit is ${maxAtoms}`, remedy);
}

function sessionOf(client: Client, id: number): Session {
  const session = client.sessions.get(id);
  if (session === undefined) {
    throw new MltsError(
      'E_SESSION',
      `this connection has no session ${id}`,
      'Open it again: it was closed, idle for too long, or of a server before this.',
    );
  }
  session.lastUsed = performance.now();
  return session;
}

export function stats({ metrics, dispatcher, clients, models }: Rooms): Stats {
  return {
    uptime: metrics.uptime,
    requests: metrics.requests,
    systems: metrics.systems,
    atoms: metrics.atoms,
    errors: metrics.errors,
    queue: { requests: dispatcher.jobs, atoms: dispatcher.atoms },
    batches: {
      count: metrics.batches,
      mean: metrics.batches === 0 ? 0 : metrics.systems / metrics.batches,
      max: metrics.maxSystems,
    },
    clients: clients.count,
    sessions: clients.sessions,
    latency: metrics.latency(),
    memory: { resident: process.memoryUsage.rss(), models: models.memoryBytes() },
  };
}
