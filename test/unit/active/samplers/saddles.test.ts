import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { samplerRule } from '../../../../src/active/samplers/parse.ts';
import { climbSaddles, type SaddleSettings } from '../../../../src/active/samplers/saddles.ts';
import { dihedral } from '../../../../src/analysis/dihedral.ts';
import { parseYaml } from '../../../../src/dynamics/input/input.ts';
import type { Potential, Result } from '../../../../src/engine/potential.ts';
import { openPotential } from '../../../../src/engine/select.ts';
import { MltsError } from '../../../../src/errors.ts';
import type { Structure } from '../../../../src/io/structure.ts';
import { loadModel } from '../../../../src/model/load.ts';
import { lennardJones } from '../../../support/analytic.ts';
import { expectError } from '../../../support/expect-error.ts';
import { randomNumbers } from '../../../support/systems.ts';

const model = await loadModel(join(import.meta.dirname, '../../../../models/default.mlts'));
const real = await openPotential(model, { threads: 1 });
afterAll(() => real.close());

const frame = (numbers: readonly number[], positions: readonly number[], cell?: Float64Array): Structure => ({
  ...{ numbers: Int32Array.from(numbers), positions: Float64Array.from(positions), cell },
  ...{ pbc: [cell !== undefined, cell !== undefined, cell !== undefined], info: {}, arrays: {} },
});
/** Three atoms at the distance of the pair's minimum. */
const PAIR = 2 ** (1 / 6);
const triangle = frame([18, 18, 18], [0, 0, 0, PAIR, 0, 0, PAIR / 2, PAIR * Math.sqrt(0.75), 0]);

const settings: SaddleSettings = { maxSteps: 400, displacement: 0.05, bound: 0.5, minDistance: 0.5 };
const sampled = (
  potential: Potential,
  starts: readonly Structure[],
  more: Partial<SaddleSettings> = {},
  signal = new AbortController().signal,
) => climbSaddles(potential, starts, { ...settings, ...more }, { random: randomNumbers(5), signal });

/** Hydrogen peroxide; its softest mode turns one hydrogen about the bond between the oxygens. */
const peroxide = frame([8, 8, 1, 1], [0, 0, 0, 1.44, 0, 0, -0.2, 0.94, 0, 1.64, -0.4, 0.85]);
const isFlat = (r: Float64Array) => Math.abs(Math.sin(dihedral(r, [2, 0, 1, 3]))) < 0.03;

/** The model with members that disagree, and only do, where all four atoms are in a plane. */
const doubtful: Potential = {
  ...{ backend: real.backend, model: real.model, memoryBytes: () => 0, close: () => undefined },
  createTrajectory: () => real.createTrajectory(),
  evaluate: async (batch, want, options) => {
    const outcomes = (await real.evaluate(batch, want, options)) as Result[];
    return outcomes.map((outcome, i) => ({
      ...outcome,
      sigmaForces: new Float64Array(4).fill(isFlat(batch[i].positions) ? 1 : 0),
    }));
  },
};

const NOTHING = { certain: 0, 'too close': 0, 'refused by the model': 0 };
const many = Array.from({ length: 30 }, () => triangle);

describe('saddles', () => {
  it('are found out of a minimum: hydrogen peroxide is flat where its torsion has its barriers', async () => {
    const starts = new Array<Structure>(12).fill(peroxide);
    const { frames, discarded } = await sampled(doubtful, starts);
    // Some take another way out, or longer.
    expect(frames.length).toBeGreaterThan(9);
    expect(discarded).toEqual({ ...NOTHING, certain: 12 - frames.length });
    for (const { positions, info } of frames) {
      expect(isFlat(positions)).toBe(true);
      expect(info.reason).toBe('max_sigma_force is 1.000, > 0.5');
      expect(info.step).toBeGreaterThan(5);
    }
    expect((await sampled(doubtful, starts)).frames).toEqual(frames);
  });

  it('are where dimers come to rest', async () => {
    const { discarded } = await sampled(real, [peroxide], { bound: 1e6, maxSteps: 100_000 });
    expect(discarded).toEqual({ ...NOTHING, certain: 1 });
  });

  it('of a real model are left where its members disagree', async () => {
    const { frames, discarded } = await sampled(real, [peroxide, peroxide, peroxide], { bound: 0.3, maxSteps: 200 });
    expect(frames.length).toBeGreaterThan(0);
    expect(frames.length + Object.values(discarded).reduce((sum, n) => sum + n)).toBe(3);
    const outcomes = await real.evaluate(frames, new Set(['forces', 'sigma']));
    for (const outcome of outcomes) expect(Math.max(...(outcome as Result).sigmaForces!)).toBeGreaterThan(0.299);
  });

  it('end at the last good step where the potential refuses the next, and count the rest', async () => {
    const refusing = (from: number) => {
      const cluster = lennardJones();
      const evaluate = cluster.evaluate.bind(cluster);
      cluster.evaluate = async (batch, want, options) => {
        const outcomes = await evaluate(batch, want, options);
        return cluster.calls.length < from
          ? outcomes
          : batch.map(() => new MltsError('E_OVERLAP', 'two atoms are at one place', 'Move them.'));
      };
      return cluster;
    };
    const { frames } = await sampled(refusing(7), [triangle]);
    expect(frames.map(({ info }) => info)).toEqual([{ step: 2, reason: 'two atoms are at one place' }]);
    expect((await sampled(refusing(1), many)).discarded).toEqual({ ...NOTHING, 'refused by the model': 30 });
    expect((await sampled(lennardJones(), many, { maxSteps: 3 })).discarded).toEqual({ ...NOTHING, certain: 30 });
    const tight = await sampled(lennardJones(), many, { bound: -1, minDistance: 2 });
    expect(tight.discarded).toEqual({ ...NOTHING, 'too close': 30 });
  });

  it('can be interrupted, and need starts', async () => {
    await expectError(() => sampled(real, [triangle], {}, AbortSignal.abort()), 'E_CANCELLED');
    expect(() => samplerRule(parseYaml('{kind: saddles}', 'learn.yaml'))).toThrow(/where it begins/);
  });
});
