/** What the laws work with: subjects by model, evaluation that must succeed, and closeness by precision. */
import { expect } from 'vitest';
import type {
  EvaluateOptions,
  Outcome,
  Precision,
  Result,
  System,
  Trajectory,
  Want,
} from '../../src/engine/potential.ts';
import { MltsError } from '../../src/errors.ts';
import { expectClose, largest } from '../support/close.ts';
import { type TestModel, testModel } from '../support/models.ts';

/** What the laws need of a backend or a door. */
export interface Subject {
  evaluate(batch: readonly System[], want: ReadonlySet<Want>, options?: EvaluateOptions): Promise<Outcome[]>;
  createTrajectory?(): Trajectory;
  close?(): void | Promise<void>;
}

export interface LawOptions {
  readonly precision: Precision;
  /** What the subject can be asked for; laws that need more are skipped. Default: everything. */
  readonly offers?: readonly Want[];
  /** Whether it takes domains. Default true. */
  readonly domains?: boolean;
  /** Whether it has `createTrajectory`. Default true. */
  readonly trajectories?: boolean;
}

export interface Law {
  readonly name: string;
  readonly needs?: readonly Want[];
  readonly domains?: boolean;
  readonly trajectories?: boolean;
  check(bench: Bench): Promise<void>;
}

export const everything: readonly Want[] = [
  'forces',
  'virial',
  'energies',
  'virials',
  'sigma',
  'memberEnergies',
  'memberForces',
  'forceDeviations',
  'hierarchicality',
];

/** Single precision: eV per atom, eV/Å, eV. */
const SINGLE = { energy: 1e-5, force: 2e-4, virial: 2e-3 };
/** Double precision: of the largest value of the array. */
const DOUBLE = 1e-10;
/** Deviations travel in single precision. */
const FLOAT = 2e-7;

type Values = keyof Result;
const ENERGIES: ReadonlySet<Values> = new Set([
  'energy',
  'memberEnergies',
  'sigmaEnergy',
  'rho',
  'energies',
  'sigmaEnergies',
]);
const VIRIALS: ReadonlySet<Values> = new Set(['virial', 'virials']);

export class Bench {
  readonly precision: Precision;
  readonly offers: readonly Want[];
  readonly #make: (model: TestModel) => Subject | Promise<Subject>;
  readonly #subjects = new Map<string, Promise<Subject>>();

  constructor(make: (model: TestModel) => Subject | Promise<Subject>, { precision, offers = everything }: LawOptions) {
    this.#make = make;
    this.precision = precision;
    this.offers = offers;
  }

  subject(model: string): Promise<Subject> {
    let subject = this.#subjects.get(model);
    if (subject === undefined) {
      subject = Promise.resolve(this.#make(testModel(model)));
      this.#subjects.set(model, subject);
    }
    return subject;
  }

  async close(): Promise<void> {
    for (const subject of this.#subjects.values()) await (await subject).close?.();
  }

  async outcomes(model: string, batch: readonly System[], want: readonly Want[]): Promise<Outcome[]> {
    const outcomes = await (await this.subject(model)).evaluate(batch, new Set(want), { precision: this.precision });
    expect(outcomes.length, 'outcomes of the batch').toBe(batch.length);
    return outcomes;
  }

  /** Results of systems that must all succeed. */
  async evaluate(model: string, batch: readonly System[], want: readonly Want[] = this.offers): Promise<Result[]> {
    return (await this.outcomes(model, batch, want)).map((outcome) => {
      if (outcome instanceof MltsError) throw outcome;
      return outcome;
    });
  }

  async one(model: string, system: System, want: readonly Want[] = this.offers): Promise<Result> {
    return (await this.evaluate(model, [system], want))[0];
  }

  /** Every value of `want` that the subject was asked for is there and close. `slack` widens the tolerance. */
  expectSame(got: Result, want: Result, atoms: number, what: string, slack = 1): void {
    for (const key of Object.keys(want) as Values[]) {
      if (!this.#asked(key)) continue;
      const wanted = values(want[key]);
      expectClose(values(got[key]), wanted, slack * this.tolerance(key, wanted, atoms), `${what}: ${key}`);
    }
  }

  /** Allowed absolute difference for an array like `like` of a system of so many atoms. */
  tolerance(key: Values, like: ArrayLike<number>, atoms: number): number {
    const scale = Math.max(1, largest(like));
    const exact = DOUBLE * scale;
    if (key === 'forceDeviations') return FLOAT * scale + (this.precision === 'single' ? SINGLE.force : 0);
    if (this.precision === 'double') return exact;
    if (VIRIALS.has(key)) return SINGLE.virial * (key === 'virial' ? Math.sqrt(atoms) : 1);
    if (!ENERGIES.has(key)) return SINGLE.force;
    return SINGLE.energy * (key === 'energies' || key === 'sigmaEnergies' ? 1 : atoms);
  }

  #asked(key: Values): boolean {
    if (key === 'energy') return true;
    const sigma = key === 'rho' || key.startsWith('sigma');
    return this.offers.includes(sigma ? 'sigma' : (key as Want));
  }
}

/** A number as an array of one. */
export const values = (value: number | ArrayLike<number> | undefined): ArrayLike<number> =>
  typeof value === 'number' ? [value] : (value as ArrayLike<number>);

/** A result reduced to some of its values. */
export const only = (result: Result, keys: readonly string[]): Result =>
  Object.fromEntries(Object.entries(result).filter(([key]) => keys.includes(key))) as unknown as Result;
