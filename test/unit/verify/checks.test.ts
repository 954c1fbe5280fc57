import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome, Potential, Result, System } from '../../../src/engine/potential.ts';
import { ReferencePotential } from '../../../src/engine/reference/reference.ts';
import { MltsError } from '../../../src/errors.ts';
import { loadModel } from '../../../src/model/load.ts';
import { findModel } from '../../../src/model/registry.ts';
import { checks, type Subject, verify } from '../../../src/verify/checks.ts';
import { energyDrift, listError, orderError } from '../../../src/verify/dynamics.ts';
import { defaultStructure } from '../../../src/verify/structures.ts';
import { testModel } from '../../support/models.ts';
import { Springs } from '../../support/springs.ts';

const { model } = testModel('test-two');
const sound = new ReferencePotential(model);

/** The sound potential with each result spoilt. */
function spoilt(spoil: (result: Result, system: System, place: number) => unknown, precision?: 'single'): Potential {
  return {
    backend: 'native',
    model,
    createTrajectory: () => sound.createTrajectory(),
    memoryBytes: () => 0,
    close: () => undefined,
    evaluate: async (batch, want, options): Promise<Outcome[]> => {
      const outcomes = await sound.evaluate(batch, want, options);
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome instanceof MltsError || (precision && options?.precision !== precision)) continue;
        spoil(outcome, batch[i], i);
      }
      return outcomes;
    },
  };
}

let system: System;
beforeAll(async () => {
  system = await defaultStructure(sound);
});

async function outcome(name: string, potential: Potential): Promise<boolean> {
  const check = checks.find((one) => one.name === name);
  if (!check) throw new Error(`no check ${name}`);
  const subject: Subject = { potential, model, system, reference: sound };
  return (await check.measure(subject)) <= check.bound;
}

const norm = (x: ArrayLike<number>, i: number) => Math.hypot(x[i] - x[0], x[i + 1] - x[1], x[i + 2] - x[2]);

const add = (values: Float64Array | undefined, at: number, by: number) => values?.set([values[at] + by], at);

/** For each check a fault that it must find. */
const FAULTS: Record<string, Potential> = {
  'forces = −dE/dr': spoilt(({ forces }) => forces?.set(forces.map((f) => 1.001 * f + 1e-3))),
  'virial = −dE/dε': spoilt(({ virial }) => virial?.set(virial.map((w) => -w))),
  translation: spoilt((result, { positions }) => (result.energy += 1e-5 * positions[0])),
  rotation: spoilt((result, { positions }) => (result.energy += 1e-5 * (positions[3] - positions[0]))),
  permutation: spoilt((result, { numbers }) => (result.energy += 1e-5 * numbers.indexOf(1))),
  'batch order': spoilt((result, _, place) => (result.energy += 1e-5 * place)),
  'one domain = whole': spoilt((result, { owned }) => (result.energy += owned === undefined ? 0 : 1e-5)),
  '2 domains = whole': spoilt((result, { owned, numbers }) => result.forces?.fill(0, 3 * (owned ?? numbers.length))),
  '4 domains = whole': spoilt(({ virial }, { owned }) => add(virial, 1, owned === undefined ? 0 : 1e-4)),
  'smooth at the cutoffs': spoilt(({ forces }, { positions }) =>
    add(forces, 0, norm(positions, 3) < model.cutoff ? 0.01 : 0),
  ),
  'nothing beyond the reach': spoilt((result, { positions }) => (result.energy += positions.length === 6 ? 1e-5 : 0)),
  'single against double: energy': spoilt((result, { numbers }) => (result.energy += 2e-5 * numbers.length), 'single'),
  'single against double: forces': spoilt(({ forces }) => add(forces, 4, 3e-4), 'single'),
  'against the reference backend': spoilt(({ forces }) => add(forces, 4, 1e-5)),
};

/** Checks that need a run, which the random weights of the other faults' model do not survive. */
const MOTION = [
  'energy drift, NVE',
  'energy drift, NVE, single',
  'energy error falls as dt²',
  'neighbour list kept = made anew',
];

describe('the checks of mlts verify', () => {
  it('pass for the embedded model on the reference backend', { timeout: 240_000 }, async () => {
    const embedded = await loadModel(await findModel('default'));
    const water: System = {
      numbers: Int32Array.of(8, 1, 1, 8, 1, 1),
      positions: Float64Array.of(
        0,
        0,
        0.12,
        0,
        0.76,
        -0.47,
        0,
        -0.76,
        -0.47,
        0.2,
        2.9,
        0.1,
        0.8,
        3.3,
        -0.5,
        -0.6,
        3.3,
        -0.4,
      ),
    };
    const verdicts = [];
    for await (const verdict of verify({
      potential: new ReferencePotential(embedded),
      model: embedded,
      system: water,
    })) {
      verdicts.push(verdict);
    }
    expect(verdicts.filter(({ pass }) => !pass)).toEqual([]);
    expect(verdicts.map(({ check }) => check)).toEqual(
      checks.filter(({ applies }) => !applies).map(({ name }) => name),
    );
  });

  const springs = new Springs('springs', [2]);
  const start: System = { numbers: Int32Array.of(6, 8), positions: Float64Array.of(0.1, 0, 0, 0, 0.2, -0.1) };
  const boundOf = (name: string) => checks.find((check) => check.name === name)!.bound;
  afterEach(() => {
    springs.spoil = undefined;
  });

  it('of the energy in a run: find forces that do work of their own', async () => {
    expect(await energyDrift(springs, start)).toBeLessThan(boundOf('energy drift, NVE'));
    expect(await energyDrift(springs, start, 'single')).toBeLessThan(boundOf('energy drift, NVE, single'));
    expect(await orderError(springs, start)).toBeLessThan(boundOf('energy error falls as dt²'));
    let kick = 1;
    springs.spoil = (result) => {
      kick = (kick * 16807) % 2147483647;
      result.forces = result.forces?.map((f) => f + kick / 2147483647 - 0.5) ?? new Float64Array();
      return result;
    };
    expect(await energyDrift(springs, start)).toBeGreaterThan(boundOf('energy drift, NVE'));
    springs.spoil = (result) => ({ ...result, forces: result.forces!.map((f) => 1.02 * f) });
    expect(await orderError(springs, start)).toBeGreaterThan(boundOf('energy error falls as dt²'));
  });

  it('of the neighbour list: finds a list that is out of date', async () => {
    expect(await listError(springs, start)).toBe(0);
    const stale: Potential = {
      ...{ backend: 'native', model: springs.model, memoryBytes: () => 0, close: () => undefined },
      createTrajectory: () => springs.createTrajectory(),
      evaluate: async (batch, want, options) => {
        const outcomes = await springs.evaluate(batch, want, options);
        for (const [i, one] of outcomes.entries())
          if (!(one instanceof MltsError) && batch[i].trajectory) one.energy += 1e-5;
        return outcomes;
      },
    };
    expect(await listError(stale, start)).toBeGreaterThan(boundOf('neighbour list kept = made anew'));
  });

  it('that meet an error have failed, and the others go on', async () => {
    const verdicts = [];
    for await (const verdict of verify({ potential: sound, model, system })) verdicts.push(verdict);
    // Random weights have no repulsion: the run ends with two atoms on each other.
    expect(verdicts.filter(({ pass }) => !pass)).toEqual(
      MOTION.map((check) =>
        expect.objectContaining({ check, value: Number.NaN, error: expect.stringMatching(/^E_(OVERLAP|UNSTABLE)/) }),
      ),
    );
    expect(verdicts.at(-1)?.check).toBe('single against double: forces');
  });

  it('each have a fault here', () => {
    expect([...Object.keys(FAULTS), ...MOTION].sort()).toEqual(checks.map(({ name }) => name).sort());
  });

  it.each(Object.keys(FAULTS))('%s: finds its fault, and a NaN', async (name) => {
    expect(await outcome(name, FAULTS[name])).toBe(false);
    const single = name.startsWith('single') ? 'single' : undefined;
    const broken = spoilt((result) => {
      result.energy = Number.NaN;
      result.forces?.fill(Number.NaN);
      result.virial?.fill(Number.NaN);
    }, single);
    expect(await outcome(name, broken)).toBe(false);
  });
});

describe('the default structure', () => {
  it.each(['test-two', 'test-single', 'test-seven', 'test-al'])(
    'of %s holds every element and can be evaluated',
    async (name) => {
      const potential = new ReferencePotential(testModel(name).model);
      const made = await defaultStructure(potential);
      expect(new Set(made.numbers)).toEqual(new Set(potential.model.elements));
      expect(await potential.evaluate([made], new Set())).toEqual([
        expect.objectContaining({ energy: expect.any(Number) }),
      ]);
      expect(await defaultStructure(potential)).toEqual(made);
    },
  );
});
