/** Training of HIP-NN: gradients against differences, predictions against the potential's, repeatability, learning. */
import { afterAll, describe, expect, test } from 'vitest';
import { NativePotential } from '../../../src/engine/native.ts';
import type { Result } from '../../../src/engine/potential.ts';
import type { HipnnModel } from '../../../src/model/model.ts';
import type { HipnnRecipe } from '../../../src/training/config/recipe.ts';
import type { LossTerm, OptimiserSettings, Trainer, TrainerOptions } from '../../../src/training/engine.ts';
import { freshModel } from '../../../src/training/fresh.ts';
import { depthOf, startFrom, tensorsOf } from '../../../src/training/start.ts';
import { createTrainer } from '../../../src/training/trainer.ts';
import { expectClose } from '../../support/close.ts';
import { randomNumbers } from '../../support/systems.ts';
import { labelledFrame } from '../../support/training.ts';

const RECIPE: HipnnRecipe = {
  ...{ architecture: 'hipnn', elements: undefined, cutoff: 3.1, lower: 0.7, upper: 2.6, minDistance: 0.3 },
  ...{ order: 1, sensitivities: 5, features: 4, blocks: 2, atomLayers: 1 },
};

const fresh = (more: Partial<HipnnRecipe> = {}, members = 2) =>
  freshModel(
    { ...RECIPE, ...more },
    { name: 'fresh', members, seed: 3, elements: ['H', 'O'], selfEnergies: { H: -9, O: -11 } },
  );

const open: { close(): void }[] = [];
afterAll(() => {
  for (const one of open) one.close();
});

const frames = [
  labelledFrame(1, 7, false),
  labelledFrame(2, 12, true),
  labelledFrame(3, 1, true),
  labelledFrame(5, 20, true),
];

async function trainerOf(model: HipnnModel, options: TrainerOptions = {}) {
  const trainer = createTrainer(model, { threads: 2, precision: 'double', ...options });
  open.push(trainer);
  const ids = Int32Array.from(await trainer.load(frames), (id) => {
    if (typeof id !== 'number') throw id;
    return id;
  });
  return { trainer, ids, batches: [ids, ids.subarray(1)] };
}

const modelOf = (more: Partial<HipnnRecipe> = {}) => fresh(more).model as HipnnModel;

/** What begins near 0 is moved away from it: heads are scaled down, and energies would not feel the rest. */
function spread(trainer: Trainer): void {
  const random = randomNumbers(5);
  trainer.setValues(trainer.values().map((x) => x + 0.2 * (random() - 0.5)));
}

const LOSS: LossTerm[] = [
  { of: 'energy', form: 'rms', weight: 2, power: 1 },
  { of: 'forces', form: 'squared', weight: 1, mean: 'components' },
  { of: 'virial', form: 'huber', weight: 1, per: 'atom', delta: 0.5 },
  { of: 'hierarchicality', form: 'absolute', weight: 30 },
];

describe.each([0, 1, 2] as const)('a HIP-NN of order %i', (order) => {
  test('has gradients as differences of its loss', async () => {
    const { trainer, batches } = await trainerOf(modelOf({ order }));
    spread(trainer);
    const { reports, gradients } = await trainer.gradient(batches, LOSS);
    const start = trainer.values();
    const random = randomNumbers(11);
    const size = trainer.parameters;
    for (let direction = 0; direction < 3; direction++) {
      const along = start.map(() => random() - 0.5);
      const h = 1e-4;
      const losses = async (step: number) => {
        trainer.setValues(start.map((x, i) => x + step * h * along[i]!));
        return (await trainer.errors(batches, LOSS)).map(({ loss }) => loss);
      };
      const [l1, l2, l3, r1, r2, r3] = [
        ...[await losses(-1), await losses(-2), await losses(-3)],
        ...[await losses(1), await losses(2), await losses(3)],
      ];
      for (let m = 0; m < 2; m++) {
        const numeric = (45 * (r1[m] - l1[m]) - 9 * (r2[m] - l2[m]) + (r3[m] - l3[m])) / (60 * h);
        let exact = 0;
        for (let k = m * size; k < (m + 1) * size; k++) exact += gradients[k] * along[k];
        expect(reports[m].loss).toBeGreaterThan(0);
        expectClose([exact], [numeric], 1e-7, `dL/ds of member ${m}`, 1e-7);
      }
    }
  });

  test('predicts what the potential computes', async () => {
    const start = fresh({ order });
    const { trainer, ids } = await trainerOf(start.model as HipnnModel);
    spread(trainer);
    const trained = startFrom({ ...start, tensors: tensorsOf(start.card, trainer.values()) }, 'trained', 2, {});
    // The file holds single precision.
    trainer.setValues(trainer.values().map((x) => Math.fround(x)));
    const potential = new NativePotential(trained.model, { threads: 1 });
    open.push(potential);
    const found = await trainer.evaluate(ids, new Set(['forces', 'virial']));
    const wanted = (await potential.evaluate(frames, new Set(['memberEnergies', 'memberForces']), {
      precision: 'double',
    })) as Result[];
    let atom = 0;
    const atoms = frames.reduce((sum, { numbers }) => sum + numbers.length, 0);
    for (const [i, { numbers }] of frames.entries()) {
      for (let m = 0; m < 2; m++) {
        expectClose([found.energies[m * frames.length + i]], [wanted[i].memberEnergies![m]], 1e-9, 'energy');
        const [at, own] = [3 * (m * atoms + atom), 3 * m * numbers.length];
        const size = 3 * numbers.length;
        const got = found.forces!.subarray(at, at + size);
        expectClose(got, wanted[i].memberForces!.subarray(own, own + size), 1e-9, 'forces', 1e-9);
      }
      atom += numbers.length;
    }
  });
});

const OPTIMISER: OptimiserSettings = { learningRate: 3e-3, averageDecay: 0.9, clipNorm: 10 };

test('steps are the same bits again, and after a restored state; frozen layers stay', async () => {
  const optimiser = { ...OPTIMISER, layers: [{}, { frozen: true }, {}, {}] };
  const [a, b] = [await trainerOf(modelOf()), await trainerOf(modelOf())];
  const begin = a.trainer.values();
  for (let i = 0; i < 3; i++) for (const { trainer, batches } of [a, b]) await trainer.step(batches, LOSS, optimiser);
  const saved = a.trainer.state();
  expect(Buffer.compare(saved, b.trainer.state())).toBe(0);
  await a.trainer.step(a.batches, LOSS, optimiser);
  const c = await trainerOf(modelOf());
  c.trainer.restore(saved);
  await c.trainer.step(c.batches, LOSS, optimiser);
  expect(Buffer.compare(c.trainer.state(), a.trainer.state())).toBe(0);

  const { card } = fresh();
  const [before, after] = [tensorsOf(card, begin), tensorsOf(card, a.trainer.values())];
  const moved = [...before].filter(([name, { data }]) => data.some((x, i) => x !== after.get(name)!.data[i]));
  const names = moved.map(([name]) => name);
  expect(depthOf(fresh())).toBe(4);
  expect(names).toContain('0.interaction');
  expect(names).toContain('0.mu');
  expect(names.filter((name) => /^0\.(atom|head)/.test(name))).toEqual([]);
  expect(names).toContain('1.atom.0.weight');
});

test('single precision is double precision to its rounding', async () => {
  const [single, twice] = [await trainerOf(modelOf(), { precision: 'single' }), await trainerOf(modelOf())];
  const [a, b] = [
    await single.trainer.gradient(single.batches, LOSS),
    await twice.trainer.gradient(twice.batches, LOSS),
  ];
  const norm = Math.hypot(...b.gradients);
  expect(Math.hypot(...b.gradients.map((x, i) => x - a.gradients[i])) / norm).toBeLessThan(1e-4);
});

test('the loss falls', async () => {
  const { trainer, batches } = await trainerOf(modelOf(), { precision: 'single' });
  const loss: LossTerm[] = [{ of: 'forces', form: 'squared', weight: 1, mean: 'components' }];
  const first = (await trainer.errors(batches, loss)).map((report) => report.loss);
  for (let i = 0; i < 200; i++) await trainer.step(batches, loss, { learningRate: 1e-2 });
  const last = (await trainer.errors(batches, loss)).map((report) => report.loss);
  for (const [m, value] of last.entries()) expect(value).toBeLessThan(0.7 * first[m]);
});
