import { expect, it } from 'vitest';
import { fitSelfEnergies } from '../../../src/dataset/self-energies.ts';
import type { SplitRecipe } from '../../../src/training/config/recipe.ts';
import { Corpus, type LabelledFrame, type LabelledSet, type Role } from '../../../src/training/corpus.ts';
import { splitFrames } from '../../../src/training/split.ts';
import { Exclusions, survey } from '../../../src/training/survey.ts';

const never = new AbortController().signal;
const set = (frames: LabelledFrame[]): LabelledSet => ({
  length: frames.length,
  hash: '00',
  read: (indices) => Array.from(indices, (i) => frames[i]),
});
const corpusOf = (frames: LabelledFrame[], more: Partial<Record<Role, LabelledFrame[]>> = {}) =>
  new Corpus([
    { role: 'data', name: 'data.xyz', set: set(frames) },
    ...Object.entries(more).map(([role, of]) => ({ role: role as Role, name: `${role}.xyz`, set: set(of) })),
  ]);
const frame = (x: number, rest: Partial<LabelledFrame> = {}): LabelledFrame => ({
  numbers: Int32Array.of(1, 1),
  positions: Float64Array.of(0, 0, 0, x, 0, 0),
  energy: -1,
  ...rest,
});
const many = (count: number) => Array.from({ length: count }, (_, i) => frame(0.5 + i / count));
const fractions: SplitRecipe = { kind: 'fractions', train: 0.8, validation: 0.1, test: 0.1, by: 'content' };

async function split(corpus: Corpus, recipe: SplitRecipe, members = 2) {
  const exclusions = new Exclusions();
  const found = await survey(corpus, undefined, exclusions, never);
  return { ...splitFrames(recipe, members, corpus, found, exclusions), exclusions: exclusions.list() };
}

it('shares are kept, parts are disjoint, and more data leave every frame where it was', async () => {
  const few = await split(corpusOf(many(4000)), fractions);
  const counts = [few.train[0], few.validation[0], few.test].map(({ length }) => length / 4000);
  for (const [k, share] of [0.8, 0.1, 0.1].entries()) expect(Math.abs(counts[k] - share)).toBeLessThan(0.02);
  expect(new Set([...few.train[0], ...few.validation[0], ...few.test]).size).toBe(4000);
  const more = await split(corpusOf([...many(4000), ...many(3001).map((f) => ({ ...f, energy: 5 }))]), fractions);
  expect([...more.test].filter((i) => i < 4000)).toEqual([...few.test]);
  expect(few.train[0]).toEqual(few.train[1]);
});

it('equal structures stand in one part, as do frames of a group', async () => {
  const twice = await split(corpusOf([...many(500), ...many(500)]), fractions);
  for (const part of [twice.train[0], twice.validation[0], twice.test]) {
    expect([...part].filter((i) => i < 500)).toEqual([...part].flatMap((i) => (i >= 500 ? [i - 500] : [])));
  }
  const grouped = many(600).map((one, i) => ({ ...one, group: `${i % 60}` }));
  const { test } = await split(corpusOf(grouped), { ...fractions, by: 'group' });
  const groups = new Set([...test].map((i) => i % 60));
  expect(groups.size).toBeGreaterThan(0);
  expect(test.length).toBe(10 * groups.size);
});

it('16 blocks: members train on shares that differ, on validation frames of their own, and nobody sees the test', async () => {
  const { train, validation, test } = await split(
    corpusOf(many(8000)),
    { kind: 'strided', blocks: [13, 2, 1], test: 0.05, by: 'content' },
    8,
  );
  const hidden = new Set(test);
  const seen = new Set<number>();
  for (let m = 0; m < 8; m++) {
    expect(Math.abs(train[m].length / (8000 - test.length) - 13 / 16)).toBeLessThan(0.02);
    const own = new Set(train[m]);
    for (const i of validation[m]) {
      expect(own.has(i) || hidden.has(i) || seen.has(i)).toBe(false);
      seen.add(i);
    }
  }
  // 8 members with 2 of 16 blocks each: every frame validates once.
  expect(seen.size).toBe(8000 - test.length);
});

it('files: what stands in validation or test is not trained on, and counted', async () => {
  const frames = many(100);
  const corpus = corpusOf(frames, { validation: frames.slice(0, 7), test: [frame(9)] });
  const { train, exclusions } = await split(corpus, { kind: 'files', validation: ['v'], test: ['t'] });
  expect(train[0].length).toBe(93);
  expect(exclusions).toEqual([
    { reason: 'the same structure as one for validation or test', count: 7, example: 'data.xyz, frame 0' },
  ]);
});

it('refuses a split without frames for validation', async () => {
  await expect(split(corpusOf(many(3)), { ...fractions, train: 0.999, validation: 0.001, test: 0 })).rejects.toThrow(
    'E_EMPTY: of 3 frames none is left for validation',
  );
});

it('counts what cannot be used, each reason with its first frame, and refuses mixed levels', async () => {
  const exclusions = new Exclusions();
  const bad = [
    frame(1, { energy: Number.NaN }),
    frame(1.1, { forces: Float64Array.of(0, 0, Number.NaN, 0, 0, 0) }),
    frame(1.2, { numbers: Int32Array.of(1, 26) }),
    frame(1.3, { numbers: Int32Array.of(1, 26) }),
    frame(1.4),
  ];
  const { usable } = await survey(corpusOf(bad), new Set(['H']), exclusions, never);
  expect([...usable]).toEqual([0, 0, 0, 0, 1]);
  expect(exclusions.list().map(({ reason, count, example }) => `${count} ${reason}: ${example}`)).toEqual([
    '1 an energy that is not finite: data.xyz, frame 0',
    '1 forces that are not finite: data.xyz, frame 1',
    '2 Fe, which the model does not know: data.xyz, frame 2',
  ]);
  const mixed = corpusOf([frame(1, { level: 'PBE' }), frame(2, { level: 'PBE0' }), frame(3, { level: 'PBE' })]);
  await expect(survey(mixed, undefined, exclusions, never)).rejects.toThrow(
    'the data mixes levels of theory: 2 of PBE, 1 of PBE0',
  );
});

it('per-element energies solve the normal equations; compositions that tell nothing apart get the least norm', async () => {
  const [hydrogen, oxygen] = [-13.6, -2041.2];
  const of = (numbers: number[], x: number): LabelledFrame => ({
    numbers: Int32Array.from(numbers),
    positions: Float64Array.from({ length: 3 * numbers.length }, (_, i) => x + i),
    energy: numbers.reduce((sum, number) => sum + (number === 1 ? hydrogen : oxygen), 0) + (x % 2 ? 0.3 : -0.3),
  });
  const frames = Array.from({ length: 40 }, (_, x) => of(x % 4 < 2 ? [8, 1, 1] : [8, 8, 1, 1], x));
  const found = await survey(corpusOf(frames), undefined, new Exclusions(), never);
  const all = Int32Array.from(frames.keys());
  const { energies, residual } = fitSelfEnergies(found, found.energy, all, ['H', 'O']);
  expect(energies.H).toBeCloseTo(hydrogen, 6);
  expect(energies.O).toBeCloseTo(oxygen, 6);
  expect(residual).toBeGreaterThan(0.07);
  const water = all.filter((i) => i % 4 < 2);
  const least = fitSelfEnergies(found, found.energy, water, ['H', 'O']).energies;
  const total = 2 * hydrogen + oxygen;
  // min |E| with 2 E_H + E_O fixed
  expect(least.H).toBeCloseTo((2 * total) / 5, 4);
  expect(least.O).toBeCloseTo(total / 5, 4);
});
