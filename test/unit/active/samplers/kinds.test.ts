/** Every sampler that a config can name, from its settings to its structures. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { samplerRule } from '../../../../src/active/samplers/parse.ts';
import type { SamplerContext } from '../../../../src/active/samplers/sampler.ts';
import { dihedral } from '../../../../src/analysis/dihedral.ts';
import { parseYaml } from '../../../../src/dynamics/input/input.ts';
import { closestPair } from '../../../../src/dynamics/run/closest-pair.ts';
import { openPotential } from '../../../../src/engine/select.ts';
import { formatExtxyz } from '../../../../src/io/extxyz.ts';
import { readStructures } from '../../../../src/io/read.ts';
import { parseFrameIndex } from '../../../../src/io/slice.ts';
import type { Structure } from '../../../../src/io/structure.ts';
import { loadModel } from '../../../../src/model/load.ts';
import { expectError } from '../../../support/expect-error.ts';
import { temporaryFolder } from '../../../support/servers.ts';
import { randomNumbers } from '../../../support/systems.ts';

const model = await loadModel(join(import.meta.dirname, '../../../../models/default.mlts'));
const potential = await openPotential(model, { threads: 1 });
afterAll(() => potential.close());

const sampler = (yaml: string) => samplerRule(parseYaml(yaml, 'learn.yaml'));

const context = (structures: readonly Structure[] = [], seed = 3): SamplerContext => ({
  ...{ potential, model: undefined, random: randomNumbers(seed), seed, threshold: 0.3, scratch: '/nowhere' },
  structures: async () => structures,
  say: () => undefined,
  signal: new AbortController().signal,
});

/** n-butane, all trans. */
const butane = (): Structure => {
  const file = join(temporaryFolder(), 'butane.xyz');
  writeFileSync(
    file,
    `14
butane
C -1.943 0.148 0
C -0.563 -0.516 0
C 0.563 0.516 0
C 1.943 -0.148 0
H -2.733 -0.608 0
H -2.076 0.784 0.882
H -2.076 0.784 -0.882
H -0.464 -1.172 0.875
H -0.464 -1.172 -0.875
H 0.464 1.172 0.875
H 0.464 1.172 -0.875
H 2.733 0.608 0
H 2.076 -0.784 0.882
H 2.076 -0.784 -0.882
`,
  );
  return [...readStructures(file, parseFrameIndex(':'))][0].frame;
};

const closest = ({ positions, cell, pbc }: Structure) => closestPair(positions, cell, pbc, 5)?.distance ?? Infinity;

describe('conformers', () => {
  it('are made of SMILES, the same for the same seed', { timeout: 30_000 }, async () => {
    const { propose } = sampler('{kind: conformers, smiles: [CCCC, O], count: 3}');
    const { frames, discarded } = await propose(context());
    expect(frames.map(({ numbers }) => numbers.length)).toEqual([14, 14, 14, 3, 3, 3]);
    expect(discarded).toEqual({ 'without a geometry': 0 });
    expect(frames[0].info.smiles).toBe('CCCC');
    expect((await propose(context())).frames.map(formatExtxyz)).toEqual(frames.map(formatExtxyz));
    await expectError(() => sampler('{kind: conformers, smiles: [C(]}').propose(context()), 'E_USAGE');
  });
});

describe('space groups', () => {
  it('are those that were asked for, with atoms apart', { timeout: 60_000 }, async () => {
    const yaml = '{kind: space-groups, composition: {Al: [2, 8]}, groups: [62, 194, 225], min_distance: 2, count: 6}';
    const { frames, discarded } = await sampler(yaml).propose(context());
    expect(frames.length + discarded['too close'] + discarded['no crystal found']).toBe(6);
    expect(frames.length).toBeGreaterThan(0);
    for (const frame of frames) {
      expect([62, 194, 225]).toContain(frame.info.space_group);
      expect(frame.pbc).toEqual([true, true, true]);
      expect(closest(frame)).toBeGreaterThanOrEqual(2);
    }
  });
});

describe('torsions', () => {
  it('turn bonds and nothing else', async () => {
    const start = butane();
    const { frames } = await sampler('{kind: torsions, from: x.xyz, count: 30}').propose(context([start]));
    expect(frames.length).toBeGreaterThan(20);
    const bond = ({ positions }: Structure, a: number, b: number) =>
      Math.hypot(...[0, 1, 2].map((k) => positions[3 * a + k] - positions[3 * b + k]));
    const angles = frames.map(({ positions }) => dihedral(positions, [0, 1, 2, 3]));
    for (const frame of frames) {
      for (const [a, b] of [
        [0, 1],
        [1, 2],
        [2, 3],
        [0, 4],
        [1, 7],
        [0, 2],
        [1, 3],
      ]) {
        expect(bond(frame, a, b)).toBeCloseTo(bond(start, a, b), 9);
      }
    }
    expect(Math.max(...angles) - Math.min(...angles)).toBeGreaterThan(3);
  });
});

describe('normal modes', () => {
  it('have the energy of a harmonic system: kT/2 a mode', { timeout: 60_000 }, async () => {
    const yaml = '{kind: normal-modes, from: x.xyz, temperature: 100, count: 60}';
    const water = (await sampler('{kind: conformers, smiles: [O], count: 1}').propose(context())).frames;
    const { frames, discarded } = await sampler(yaml).propose(context(water));
    expect(discarded).toEqual({ 'too close': 0, 'not relaxed': 0 });
    const outcomes = await potential.evaluate(frames, new Set(), { precision: 'double' });
    const energies = outcomes.map((outcome) => ('energy' in outcome ? outcome.energy : Number.NaN));
    const low = await sampler(yaml.replace('temperature: 100', 'temperature: 1e-6')).propose(context(water));
    const [rest] = await potential.evaluate(low.frames.slice(0, 1), new Set(), { precision: 'double' });
    const mean = energies.reduce((sum, e) => sum + e - (rest as { energy: number }).energy, 0) / energies.length;
    // Three modes; σ of the mean is √(2/3/60) = 10 % of it.
    const wanted = (3 / 2) * 8.617333e-5 * 100;
    expect(mean).toBeGreaterThan(0.6 * wanted);
    expect(mean).toBeLessThan(1.4 * wanted);
  });
});

describe('clusters', () => {
  it('are molecules side by side, whole and apart', { timeout: 30_000 }, async () => {
    const start = butane();
    const yaml = '{kind: clusters, from: x.xyz, size: [2, 4], min_distance: 1.7, count: 20}';
    const { frames } = await sampler(yaml).propose(context([start]));
    expect(frames.length).toBe(20);
    const sizes = new Set(frames.map(({ numbers }) => numbers.length / 14));
    expect([...sizes].sort()).toEqual([2, 3, 4]);
    for (const { numbers, positions } of frames) {
      let between = Infinity;
      for (let a = 0; a < numbers.length; a++) {
        for (let b = 0; b < a; b++) {
          if (Math.floor(a / 14) === Math.floor(b / 14)) continue;
          between = Math.min(between, Math.hypot(...[0, 1, 2].map((k) => positions[3 * a + k] - positions[3 * b + k])));
        }
      }
      expect(between).toBeGreaterThanOrEqual(1.7);
    }
  });
});

describe('settings of samplers', () => {
  it.each([
    ['{kind: disorder, density: 2, min_distance: 2}', /how many atoms of which elements/],
    ['{kind: dynamics, from: x.xyz}', /must say a temperature/],
    ['{kind: torsions}', /which molecules/],
    ['{kind: space-groups, composition: {Al: 4}, groups: [231]}', /from 1 to 230/],
    ['{kind: clusters, from: x.xyz, size: 1}', /whole number from 2/],
    ['{kind: perturbation, from: x.xyz, stretch: [1.1, 0.9]}', /a range from low to high/],
    ['{name: x}', /which sampler/],
  ])('%s is refused', (yaml, expected) => {
    expect(() => sampler(yaml)).toThrow(expected);
  });
});
