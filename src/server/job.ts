/** One accepted `evaluate`, from its arrival to its reply. */
import type { Outcome, System } from '../engine/potential.ts';
import type { Client } from './clients.ts';
import type { Kind } from './models.ts';
import type { Pending, Session } from './session.ts';

export class Job implements Pending {
  readonly client: Client;
  readonly id: number;
  readonly kind: Kind;
  readonly session: Session | undefined;
  readonly systems: readonly System[];
  /** The request gave a list of systems, and gets a list of results. */
  readonly isBatch: boolean;
  readonly atoms: number;
  /** `performance.now()` */
  readonly arrived = performance.now();
  readonly outcomes: Outcome[];
  reply: object | undefined;
  /** The next system to compute. */
  next = 0;
  /** Systems with an outcome. */
  done = 0;
  /** Nobody waits for the reply any more. */
  cancelled = false;

  constructor(client: Client, id: number, kind: Kind, systems: readonly System[], session?: Session, isBatch = false) {
    this.client = client;
    this.id = id;
    this.kind = kind;
    this.systems = systems;
    this.session = session;
    this.isBatch = isBatch;
    this.outcomes = new Array<Outcome>(systems.length);
    this.atoms = systems.reduce((sum, system) => sum + system.numbers.length, 0);
  }
}

/** One system of a job, on its way through the backend. */
export interface Task {
  readonly job: Job;
  readonly index: number;
}
