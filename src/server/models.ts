/** The models of one server, and the kinds of work each can be asked for. */
import type { Potential, Precision, Want } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { WANTS, type WireModel, type WireWant } from '../protocol/messages.ts';
import { fieldName } from '../protocol/names.ts';

/** Work that may go to a backend in one call. One object for each combination: kinds compare by identity. */
export interface Kind {
  readonly served: Served;
  readonly precision: Precision;
  readonly want: ReadonlySet<Want>;
}

export class Served {
  readonly potential: Potential;
  readonly wire: WireModel;
  /** Sessions and jobs that have it. */
  #users = 0;
  /** When one of them last let it go, `performance.now()`. */
  #lastUsed = performance.now();
  readonly #kinds = new Map<number, Kind>();

  constructor(potential: Potential) {
    const { name, sha256, architecture, elements, members, cutoff, reach, minDistance, calibration } = potential.model;
    this.potential = potential;
    const { backend } = potential;
    this.wire = {
      ...{ name, sha256, architecture, elements, members, cutoff, reach, min_distance: minDistance },
      ...(calibration && {
        calibration: { sigma_force: calibration.sigmaForce, sigma_energy: calibration.sigmaEnergy },
      }),
      backend,
    };
  }

  take(): void {
    this.#users++;
  }

  leave(): void {
    this.#users--;
    this.touch();
  }

  /** Somebody asked for it. */
  touch(): void {
    this.#lastUsed = performance.now();
  }

  isUnusedSince(time: number): boolean {
    return this.#users === 0 && this.#lastUsed < time;
  }

  kind(precision: Precision, want: readonly WireWant[]): Kind {
    let key = precision === 'double' ? 1 : 0;
    for (const name of want) key |= 2 << WANTS.indexOf(name);
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      kind = { served: this, precision, want: new Set(want.map((name) => fieldName(name) as Want)) };
      this.#kinds.set(key, kind);
    }
    return kind;
  }
}

/** A model that another one took the place of. */
interface Replaced {
  readonly served: Served;
  readonly unused: (potential: Potential) => void;
}

export class Models {
  readonly #served = new Map<string, Served>();
  /** Kept for those who began with them. */
  #replaced: Replaced[] = [];

  /** @throws MltsError E_USAGE for two models of one name, E_EMPTY for none */
  constructor(potentials: readonly Potential[]) {
    if (potentials.length === 0) throw new MltsError('E_EMPTY', 'the server has no model', 'Name one or more models.');
    for (const potential of potentials) {
      const { name } = potential.model;
      if (this.#served.has(name)) {
        throw new MltsError(
          'E_USAGE',
          `two models are called '${name}'`,
          'Serve one of them, or rename its file and card.',
        );
      }
      this.#served.set(name, new Served(potential));
    }
  }

  /**
   * Serves another model under a name: from now on it is what is found by that name. The one before stays for sessions that
   * have it and for clients that insist on its bytes.
   * @returns the potential before, once nobody uses it any more: its owner may close it
   * @throws MltsError E_MODEL_NOT_FOUND where no model of that name is served
   */
  replace(potential: Potential): Promise<Potential> {
    const before = this.find(potential.model.name, undefined);
    before.touch();
    this.#served.set(potential.model.name, new Served(potential));
    return new Promise((unused) => this.#replaced.push({ served: before, unused }));
  }

  /** Gives up replaced models that no session and no job has, and that nobody asked for since `before`. */
  sweep(before: number): void {
    const isUnused = ({ served }: Replaced) => served.isUnusedSince(before);
    const gone = this.#replaced.filter(isUnused);
    if (gone.length === 0) return;
    this.#replaced = this.#replaced.filter((one) => !isUnused(one));
    for (const { served, unused } of gone) unused(served.potential);
  }

  /**
   * @param name may be left out where there is one model
   * @param sha256 the bytes the client insists on
   * @throws MltsError E_MODEL_NOT_FOUND | E_HASH
   */
  find(name: string | undefined, sha256: string | undefined): Served {
    const names = [...this.#served.keys()].join(', ');
    const served =
      name === undefined && this.#served.size === 1 ? [...this.#served.values()][0] : this.#served.get(name ?? '');
    if (served === undefined) {
      const what =
        name === undefined
          ? 'the request names no model and the server holds several'
          : `no model '${name.slice(0, 80)}' here`;
      throw new MltsError('E_MODEL_NOT_FOUND', what, `This server holds ${names}.`);
    }
    if (sha256 !== undefined && sha256 !== served.wire.sha256) {
      const old = this.#replaced.find(
        ({ served: { wire } }) => wire.sha256 === sha256 && wire.name === served.wire.name,
      );
      if (old !== undefined) {
        old.served.touch();
        return old.served;
      }
      throw new MltsError(
        'E_HASH',
        `'${served.wire.name}' has the SHA-256 ${served.wire.sha256}, the request insists on ${sha256.slice(0, 64)}`,
        'Serve the model file that the run began with, or begin anew with this one.',
      );
    }
    return served;
  }

  get wire(): WireModel[] {
    return [...this.#served.values()].map((served) => served.wire);
  }

  memoryBytes(): number {
    let bytes = 0;
    for (const served of this.#served.values()) bytes += served.potential.memoryBytes();
    for (const { served } of this.#replaced) bytes += served.potential.memoryBytes();
    return bytes;
  }
}
