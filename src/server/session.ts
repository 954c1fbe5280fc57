/** What the server remembers of one trajectory, so that a step sends positions only. */
import type { System, Trajectory } from '../engine/potential.ts';
import { validateSystem } from '../engine/validate.ts';
import { MltsError } from '../errors.ts';
import type { Pbc, SessionEvaluateRequest, WireWant } from '../protocol/messages.ts';
import type { Kind, Served } from './models.ts';

/** A place in the order of a session's replies; sent once it has a reply and is the first. */
export interface Pending {
  reply: object | undefined;
}

export class Session {
  readonly id: number;
  readonly served: Served;
  readonly isDomain: boolean;
  readonly pbc: Pbc | undefined;
  readonly kind: Kind;
  /** [n] atomic numbers; replaced when a step brings new ones. */
  numbers: Int32Array;
  /** [3,3] Å, as last sent */
  cell: Float64Array | undefined;
  lastUsed = performance.now();
  /** Replies owed, in order. */
  readonly outstanding: Pending[] = [];
  #trajectory: Trajectory | undefined;
  #isClosed = false;

  constructor(id: number, kind: Kind, numbers: Int32Array, pbc: Pbc | undefined, isDomain: boolean) {
    this.id = id;
    this.kind = kind;
    this.served = kind.served;
    this.numbers = numbers;
    this.pbc = pbc;
    this.isDomain = isDomain;
  }

  /**
   * The system of one step; nothing is remembered of it yet.
   * @throws MltsError for whatever `validateSystem` finds, E_SHAPE and E_USAGE for a step of the other sort of session
   */
  check(request: SessionEvaluateRequest): System {
    const { positions, owned } = request;
    if (this.isDomain && owned === undefined) {
      throw new MltsError(
        'E_SHAPE',
        "a step of a domain lacks 'owned'",
        'Send how many of the atoms are owned with each step.',
      );
    }
    if (this.isDomain && request.cell !== undefined) {
      throw new MltsError('E_USAGE', "a step of a domain has a 'cell'", 'Send periodic images as ghosts.');
    }
    if (!this.isDomain && owned !== undefined) {
      throw new MltsError('E_USAGE', "'owned' in a session of whole systems", 'Open the session with domain: true.');
    }
    const { pbc } = this;
    const system = { numbers: request.numbers ?? this.numbers, positions, cell: request.cell ?? this.cell, pbc, owned };
    const fault = validateSystem(system, this.served.potential.model);
    if (fault !== undefined) throw fault;
    return system;
  }

  /** Takes what a step brings for the steps that follow, and lends the step the neighbour list. */
  begin(system: System): System {
    this.numbers = system.numbers;
    this.cell = system.cell;
    this.#trajectory ??= this.served.potential.createTrajectory();
    return { ...system, trajectory: this.#trajectory };
  }

  /** The kind of one step: the session's, or with another `want`. */
  kindOf(want: readonly WireWant[] | undefined): Kind {
    return want === undefined ? this.kind : this.served.kind(this.kind.precision, want);
  }

  get isIdle(): boolean {
    return this.outstanding.length === 0;
  }

  /** Gives the neighbour list back; the next step makes a new one. */
  release(): void {
    this.#trajectory?.close();
    this.#trajectory = undefined;
  }

  /** The neighbour list goes once the last step under way has ended. */
  close(): void {
    this.#isClosed = true;
    if (this.isIdle) this.release();
  }

  /** Replies that may go now: those at the front of the order. */
  *ready(): Generator<Pending & { reply: object }> {
    while (this.outstanding[0]?.reply !== undefined) yield this.outstanding.shift() as Pending & { reply: object };
    if (this.#isClosed && this.isIdle) this.release();
  }
}
