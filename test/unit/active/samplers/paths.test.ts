import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { samplerRule } from '../../../../src/active/samplers/parse.ts';
import { alongPaths, type PathSettings } from '../../../../src/active/samplers/paths.ts';
import { turned } from '../../../../src/analysis/dihedral.ts';
import { parseYaml } from '../../../../src/dynamics/input/input.ts';
import type { Potential, Result } from '../../../../src/engine/potential.ts';
import { openPotential } from '../../../../src/engine/select.ts';
import { MltsError } from '../../../../src/errors.ts';
import type { Structure } from '../../../../src/io/structure.ts';
import { loadModel } from '../../../../src/model/load.ts';
import { muellerBrown } from '../../../support/analytic.ts';
import { expectError } from '../../../support/expect-error.ts';
import { randomNumbers } from '../../../support/systems.ts';

const model = await loadModel(join(import.meta.dirname, '../../../../models/default.mlts'));
const real = await openPotential(model, { threads: 1 });
afterAll(() => real.close());

const frame = (numbers: readonly number[], positions: ArrayLike<number>, cell?: Float64Array): Structure => ({
  ...{ numbers: Int32Array.from(numbers), positions: Float64Array.from(positions), cell },
  ...{ pbc: [cell !== undefined, cell !== undefined, cell !== undefined], info: {}, arrays: {} },
});
/** Hydrogen peroxide, one hydrogen behind the bond and before it. */
const peroxide = (angle: number) =>
  frame([8, 8, 1, 1], turned(Float64Array.of(0, 0, 0, 1.45, 0, 0, -0.2, 0.95, 0, 1.65, 0.95, 0), [3], 0, 1, angle));
const ends = [peroxide(2), peroxide(-2)] as const;

const settings: PathSettings = {
  ...{ images: 5, maxSteps: 100, count: 3, displacement: 0.1, bound: 1e6, minDistance: 0.5 },
};
const sampled = (
  more: Partial<PathSettings> = {},
  potential: Potential = real,
  pairs: readonly (readonly [Structure, Structure])[] = [ends],
  signal = new AbortController().signal,
) => alongPaths(potential, pairs, { ...settings, ...more }, { random: randomNumbers(5), signal });

/** Minima of the surface and its two saddles. Source: doi:10.1007/BF00547608, table. */
const MINIMA = [-0.5582, 1.4417, 0, 0.6235, 0.028, 0] as const;
const SADDLE = [-0.822, 0.6243] as const;

/** The surface with members that disagree within so many Å of its high saddle. */
function doubtful(radius: number, sigma = 1): Potential {
  const surface = muellerBrown();
  const evaluate = surface.evaluate.bind(surface);
  surface.evaluate = async (batch, want, options) => {
    const outcomes = (await evaluate(batch, want, options)) as Result[];
    for (const [i, { positions }] of batch.entries()) {
      const far = Math.hypot(positions[0] - SADDLE[0], positions[1] - SADDLE[1]);
      outcomes[i].sigmaForces = Float64Array.of(far < radius ? sigma : 0);
    }
    return outcomes;
  };
  return surface;
}
const atom = (x: number, y: number, z: number) => frame([1], [x, y, z]);
const minima = [
  atom(MINIMA[0], MINIMA[1], MINIMA[2]),
  atom(MINIMA[3], MINIMA[4], MINIMA[5]),
] as const satisfies readonly Structure[];

describe('paths', () => {
  it('lead over the saddle: what is uncertain only there is found', async () => {
    const { frames, discarded } = await sampled({ maxSteps: 2000, count: 0, bound: 0.5 }, doubtful(0.02), [minima]);
    expect(frames).toHaveLength(1);
    const [{ positions, info }] = frames;
    expect(Math.hypot(positions[0] - SADDLE[0], positions[1] - SADDLE[1])).toBeLessThan(0.02);
    expect(info.reason).toBe('max_sigma_force is 1.000, > 0.5');
    expect(info.step).toBeGreaterThan(10);
    expect(discarded).toEqual({ certain: 6, 'too close': 0, 'refused by the model': 0, 'no path': 0 });
  });

  it('end where an image is uncertain, and propose what is uncertain there and near it', async () => {
    const { frames, discarded } = await sampled({ bound: 0.25 });
    expect(frames.length).toBeGreaterThan(0);
    expect(frames.length + discarded.certain + discarded['too close']).toBe(7 * 4);
    const outcomes = await real.evaluate(frames, new Set(['forces', 'sigma']));
    for (const outcome of outcomes) expect(Math.max(...(outcome as Result).sigmaForces!)).toBeGreaterThan(0.249);
    expect(await sampled({ bound: 0.25 })).toEqual({ frames, discarded });
  });

  it('displace copies by no more than they are told, and images not at all', async () => {
    const { frames } = await sampled({ bound: 1e-9 });
    expect(frames).toHaveLength(7 * 4);
    expect(frames.map(({ info }) => info.copy)).toEqual(Array.from({ length: 28 }, (_, i) => i % 4));
    for (const [i, { positions, info }] of frames.entries()) {
      expect(info.step).toBe(0);
      const image = frames[i - (i % 4)].positions;
      const far = Math.max(...positions.map((x, k) => Math.abs(x - image[k])));
      if (info.copy === 0) expect(far).toBe(0);
      else expect(far).toBeGreaterThan(0.05);
      expect(far).toBeLessThanOrEqual(0.1);
    }
    expect([frames[0].positions, frames[24].positions]).toEqual(ends.map(({ positions }) => positions));
  });

  it('propose nothing where the members agree, and count it', async () => {
    const { frames, discarded } = await sampled();
    expect(frames).toEqual([]);
    expect(discarded).toEqual({ certain: 28, 'too close': 0, 'refused by the model': 0, 'no path': 0 });
  });

  it('change cells that differ at the ends, and only those', async () => {
    const cube = (a: number) => frame([8, 1, 1], [0, 0, 0, 0.96, 0, 0, -0.24, 0.93, 0], cubic(a));
    const cellsOf = async (a: number, b: number) =>
      (await sampled({ bound: 1e-9, count: 0 }, real, [[cube(a), cube(b)]])).frames.map(({ cell }) => cell![0]);
    expect(await cellsOf(6, 6)).toEqual(Array(7).fill(6));
    const grown = await cellsOf(6, 7.2);
    for (const [i, edge] of grown.entries()) expect(edge).toBeCloseTo(6 + 0.2 * i, 9);
  });

  it('end at the last good step where the potential refuses what comes', async () => {
    const surface = doubtful(10);
    const evaluate = surface.evaluate.bind(surface);
    let calls = 0;
    surface.evaluate = async (batch, want, options) => {
      const outcomes = (await evaluate(batch, want, options)) as Result[];
      // All that comes after the refusal is uncertain.
      if (++calls > 4) for (const outcome of outcomes) outcome.sigmaForces![0] = 3;
      const refused = new MltsError('E_OVERLAP', 'two atoms are at one place', 'Move them.');
      return calls === 4 ? outcomes.with(1, refused as never) : outcomes;
    };
    const { frames } = await sampled({ count: 0, bound: 2 }, surface, [minima]);
    expect(frames).toHaveLength(7);
    expect(frames[3].info).toMatchObject({ step: 2, reason: expect.stringMatching(/ran away, by step 3 .*one place/) });
    calls = 3;
    expect((await sampled({ count: 0, bound: 2 }, surface, [minima])).discarded).toMatchObject({ 'no path': 1 });
  });

  it('refuse ends that are not the same atoms, and can be interrupted', async () => {
    await expectError(() => sampled({}, real, [[ends[0], atom(0, 0, 0)]]), 'E_SHAPE', '4 atoms');
    await expectError(() => sampled({}, real, [ends], AbortSignal.abort()), 'E_CANCELLED');
  });
});

const cubic = (a: number) => Float64Array.of(a, 0, 0, 0, a, 0, 0, 0, a);

describe('the setting `between`', () => {
  const propose = (yaml: string, files: Record<string, Structure[]>) =>
    samplerRule(parseYaml(yaml, 'learn.yaml')).propose({
      ...{ potential: real, model: undefined, random: randomNumbers(1), seed: 1, threshold: 1e-9, scratch: '/nowhere' },
      structures: async (source) => files[source],
      say: () => undefined,
      signal: new AbortController().signal,
    });

  it('pairs the frames of two files', async () => {
    const files = { a: [ends[0], ends[0]], b: [ends[1], peroxide(1)], c: [ends[0]] };
    const { frames } = await propose('{kind: paths, between: [[a, b]], images: 3, count: 0}', files);
    expect(frames.map(({ info }) => `${info.path}.${info.image}`)).toEqual(
      [0, 1].flatMap((path) => [0, 1, 2, 3, 4].map((image) => `${path}.${image}`)),
    );
    expect(frames[9].positions).toEqual(peroxide(1).positions);
    await expectError(() => propose('{kind: paths, between: [[a, c]]}', files), 'E_SHAPE', 'a holds 2', 'c 1');
    await expectError(() => propose('{kind: paths}', files), 'E_USAGE', 'between which structures');
    await expectError(() => propose('{kind: paths, between: [a, b]}', files), 'E_USAGE', 'a list of 2');
  });
});
