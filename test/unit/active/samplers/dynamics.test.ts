import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type DynamicsSettings, explore } from '../../../../src/active/samplers/dynamics.ts';
import type { Result } from '../../../../src/engine/potential.ts';
import { openPotential } from '../../../../src/engine/select.ts';
import type { Structure } from '../../../../src/io/structure.ts';
import { loadModel } from '../../../../src/model/load.ts';
import { expectError } from '../../../support/expect-error.ts';
import { randomNumbers } from '../../../support/systems.ts';

const model = await loadModel(join(import.meta.dirname, '../../../../models/default.mlts'));
const potential = await openPotential(model, { threads: 1 });
afterAll(() => potential.close());

const molecule = (numbers: readonly number[], positions: readonly number[]): Structure => ({
  numbers: Int32Array.from(numbers),
  positions: Float64Array.from(positions),
  pbc: [false, false, false],
  info: {},
  arrays: {},
});
const water = molecule([8, 1, 1], [0, 0, 0, 0.96, 0, 0, -0.24, 0.93, 0]);
const methane = molecule(
  [6, 1, 1, 1, 1],
  [0, 0, 0, ...[1, 1, 1, -1, -1, 1, -1, 1, -1, 1, -1, -1].map((x) => 0.63 * x)],
);

const settings: DynamicsSettings = {
  timestep: 0.5,
  duration: 100,
  every: 5,
  thermostatTime: 20,
  temperature: { start: [300, 600], end: [2000, 6000], amplitude: [0, 2000], period: [20, 50] },
  density: undefined,
  uncertain: [{ quantity: 'max_sigma_force', sense: '>', bound: 0.2 }],
  minDistance: 0.6,
};

const sampled = (more: Partial<DynamicsSettings> = {}, signal = new AbortController().signal) =>
  explore(
    potential,
    [water, methane, water, methane],
    { ...settings, ...more },
    { random: randomNumbers(3), seed: 9, signal },
  );

const above = (bound: number): Pick<DynamicsSettings, 'uncertain'> => ({
  uncertain: [{ quantity: 'max_sigma_force', sense: '>', bound }],
});

describe('dynamics until the members disagree', () => {
  it('proposes the frames in which they do', async () => {
    const { frames, discarded } = await sampled();
    expect(frames.length).toBeGreaterThan(0);
    expect(frames.length + discarded.certain + discarded['too close']).toBe(4);
    const outcomes = await potential.evaluate(frames, new Set(['forces', 'sigma']));
    for (const [i, { info }] of frames.entries()) {
      expect(info.step).toSatisfy((step: number) => step > 0 && step % 5 === 0);
      expect(info.time).toBe(0.5 * (info.step as number));
      expect(info.reason).toMatch(/^max_sigma_force is .*, > 0\.2$/);
      expect(Math.max(...(outcomes[i] as Result).sigmaForces!)).toBeGreaterThan(0.199);
    }
  });

  it('does the same again', async () => {
    expect(await sampled()).toEqual(await sampled());
  });

  it('ends at once where they disagree from the start, and proposes nothing where they never do', async () => {
    const eager = await sampled(above(0));
    expect(eager.frames.map(({ info }) => info.step)).toEqual([0, 0, 0, 0]);
    expect(eager.frames.map(({ positions }) => positions)).toEqual(
      [water, methane, water, methane].map((s) => s.positions),
    );
    expect(await sampled(above(1e6))).toEqual({ frames: [], discarded: { certain: 4, 'too close': 0 } });
  });

  it('throws away frames, and starts, with atoms that are too close, and counts them', async () => {
    const nothing = { frames: [], discarded: { certain: 0, 'too close': 4 } };
    expect(await sampled({ minDistance: 1.2 })).toEqual(nothing);
    const { frames, discarded } = await sampled({ ...above(0.1), minDistance: 0.95 });
    expect(discarded['too close']).toBeGreaterThan(0);
    expect(frames.length + discarded['too close'] + discarded.certain).toBe(4);
  });

  it('can be interrupted', async () => {
    await expectError(() => sampled(above(1e6), AbortSignal.abort()), 'E_CANCELLED');
  });
});
