import type { Potential, System } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import { cutoffJump, cutoffsOf, distantError } from './cutoff.ts';
import { forceError, virialError } from './derivatives.ts';
import { domainError } from './domains.ts';
import { driftRun, energyDrift, listError, orderError } from './dynamics.ts';
import { evaluate, largestDifference } from './evaluate.ts';
import { batchError, permutationError, rotationError, translationError } from './invariance.ts';

/** The outcome of one check. It passed where value ≤ bound. */
export interface Verdict {
  readonly check: string;
  readonly value: number;
  readonly bound: number;
  readonly unit: string;
  readonly pass: boolean;
  /** What the value was measured on, where that is not the structure alone. */
  readonly run?: string;
  /** Why there is no value, which then is NaN. */
  readonly error?: string;
}

export interface Subject {
  readonly potential: Potential;
  readonly model: Model;
  readonly system: System;
  /** The reference backend on the same model, where the potential is another. */
  readonly reference?: Potential | undefined;
}

export interface Check {
  readonly name: string;
  readonly bound: number;
  readonly unit: string;
  readonly measure: (subject: Subject) => Promise<number>;
  readonly run?: (system: System) => string;
  readonly applies?: (subject: Subject) => boolean;
}

const ROUNDING = 1e-7;

/** In double precision where not said otherwise. Bounds: see docs/guide.md, "mlts verify". */
export const checks: readonly Check[] = [
  {
    name: 'forces = −dE/dr',
    bound: 2e-5,
    unit: 'eV/Å',
    measure: ({ potential, system }) => forceError(potential, system),
  },
  {
    name: 'virial = −dE/dε',
    bound: 1e-4,
    unit: 'eV',
    measure: ({ potential, system }) => virialError(potential, system),
  },
  {
    name: 'translation',
    bound: ROUNDING,
    unit: 'eV, eV/Å',
    measure: ({ potential, system }) => translationError(potential, system),
  },
  {
    name: 'rotation',
    bound: ROUNDING,
    unit: 'eV, eV/Å',
    measure: ({ potential, system }) => rotationError(potential, system),
  },
  {
    name: 'permutation',
    bound: ROUNDING,
    unit: 'eV, eV/Å',
    measure: ({ potential, system }) => permutationError(potential, system),
  },
  {
    name: 'batch order',
    bound: ROUNDING,
    unit: 'eV, eV/Å',
    measure: ({ potential, system }) => batchError(potential, system),
  },
  ...[1, 2, 4].map((count) => ({
    name: count === 1 ? 'one domain = whole' : `${count} domains = whole`,
    bound: ROUNDING,
    unit: 'eV, eV/Å',
    measure: ({ potential, system }: Subject) => domainError(potential, system, count),
  })),
  {
    name: 'smooth at the cutoffs',
    bound: 1e-3,
    unit: 'eV/Å',
    measure: ({ potential, model }) => cutoffJump(potential, cutoffsOf(model)),
  },
  {
    name: 'nothing beyond the reach',
    bound: ROUNDING,
    unit: 'eV, eV/Å',
    measure: ({ potential }) => distantError(potential),
  },
  {
    name: 'energy drift, NVE',
    bound: 1e-4,
    unit: 'eV/atom/ps',
    run: driftRun,
    measure: ({ potential, system }) => energyDrift(potential, system),
  },
  {
    name: 'energy drift, NVE, single',
    bound: 1e-4,
    unit: 'eV/atom/ps',
    run: driftRun,
    measure: ({ potential, system }) => energyDrift(potential, system, 'single'),
  },
  {
    name: 'energy error falls as dt²',
    bound: 0.25,
    unit: '|ratio/4 − 1|',
    measure: ({ potential, system }) => orderError(potential, system),
  },
  {
    name: 'neighbour list kept = made anew',
    bound: ROUNDING,
    unit: 'eV',
    measure: ({ potential, system }) => listError(potential, system),
  },
  {
    name: 'single against double: energy',
    bound: 1e-5,
    unit: 'eV/atom',
    measure: async ({ potential, system }) => {
      const [[single], [double]] = await bothPrecisions(potential, system);
      return Math.abs(single.energy - double.energy) / system.numbers.length;
    },
  },
  {
    name: 'single against double: forces',
    bound: 2e-4,
    unit: 'eV/Å',
    measure: async ({ potential, system }) => {
      const [[single], [double]] = await bothPrecisions(potential, system);
      return largestDifference(single.forces ?? [], double.forces ?? []);
    },
  },
  {
    name: 'against the reference backend',
    bound: ROUNDING,
    unit: 'eV, eV/Å',
    applies: ({ reference }) => reference !== undefined,
    measure: async ({ potential, system, reference }) => {
      const [[got], [want]] = [await evaluate(potential, [system]), await evaluate(reference ?? potential, [system])];
      return Math.max(Math.abs(got.energy - want.energy), largestDifference(got.forces ?? [], want.forces ?? []));
    },
  },
];

const bothPrecisions = async (potential: Potential, system: System) =>
  [await evaluate(potential, [system], ['forces'], 'single'), await evaluate(potential, [system])] as const;

/** Every check that applies, one after the other. @throws MltsError where the system cannot be evaluated at all */
export async function* verify(subject: Subject): AsyncGenerator<Verdict> {
  await evaluate(subject.potential, [subject.system]);
  for (const { name, bound, unit, measure, run, applies } of checks) {
    if (applies && !applies(subject)) continue;
    const fixed = { bound, unit, ...(run && { run: run(subject.system) }) };
    try {
      const value = await measure(subject);
      yield { check: name, value, ...fixed, pass: value <= bound };
    } catch (error) {
      // A step may lead to where nothing can be evaluated any more: that is this check's failure.
      if (!(error instanceof MltsError)) throw error;
      yield { check: name, value: Number.NaN, ...fixed, pass: false, error: error.message };
    }
  }
}
