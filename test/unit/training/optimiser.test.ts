/** Steps against Adam written out, frozen layers, clipping, averages; states and repeatability to the bit. */
import { afterAll, expect, test } from 'vitest';
import { MltsError } from '../../../src/errors.ts';
import type { LossTerm, OptimiserSettings, Trainer, TrainerOptions } from '../../../src/training/engine.ts';
import { createTrainer } from '../../../src/training/trainer.ts';
import { expectClose } from '../../support/close.ts';
import { aniTestModel } from '../../support/models.ts';
import { labelledFrame } from '../../support/training.ts';

const model = aniTestModel('test-two').model;
const frames = [1, 2, 3, 4, 5, 6].map((seed) => labelledFrame(seed, 3 + 2 * seed, seed % 2 === 0));
const loss: LossTerm[] = [
  { of: 'energy', form: 'squared', weight: 1, power: 1 },
  { of: 'forces', form: 'rms', weight: 0.5, mean: 'components' },
];
const open: Trainer[] = [];
afterAll(() => {
  for (const trainer of open) trainer.close();
});

async function loaded(options: TrainerOptions = {}) {
  const trainer = createTrainer(model, { threads: 2, precision: 'double', ...options });
  open.push(trainer);
  const ids = Int32Array.from((await trainer.load(frames)) as number[]);
  return { trainer, ids, batches: [ids, ids.slice(1), ids.slice(0, 3)] };
}

/** [member][parameter]: which layer it belongs to, and whether it is a weight. */
function kinds() {
  return model.networks.flatMap(({ layers }) =>
    layers.flatMap(({ inputs, outputs }, layer) => [
      ...new Array(inputs * outputs).fill({ layer, weight: true }),
      ...new Array(outputs).fill({ layer, weight: false }),
    ]),
  ) as { layer: number; weight: boolean }[];
}

const settings: OptimiserSettings[] = [
  { learningRate: 1e-2 },
  { learningRate: [1e-2, 3e-3, 0], beta1: 0.8, beta2: 0.95, epsilon: 1e-3 },
  { learningRate: 1e-2, layers: [{ decay: 0.3 }, { learningRate: 0.1, decay: 0.7 }] },
  { learningRate: 1e-2, decay: 'l2', layers: [{ decay: 0.3 }, { frozen: true }, { learningRate: 2 }] },
  { learningRate: 1e-2, clipNorm: 0.05, averageDecay: 0.9, layers: [{ frozen: true }] },
];

test.each(settings.map((s) => [JSON.stringify(s), s] as const))('steps are those of Adam: %s', async (_, own) => {
  const { trainer, batches } = await loaded();
  const size = trainer.parameters;
  const kind = kinds();
  expect(kind).toHaveLength(size);
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, decay = 'decoupled', layers = [] } = own;
  const theta = trainer.values();
  const average = theta.slice();
  const m = new Float64Array(theta.length);
  const v = new Float64Array(theta.length);
  for (let t = 1; t <= 4; t++) {
    const { gradients } = await trainer.gradient(batches, loss);
    const reports = await trainer.step(batches, loss, own);
    for (let member = 0; member < model.members; member++) {
      const rate = typeof own.learningRate === 'number' ? own.learningRate : own.learningRate[member]!;
      let squares = 0;
      for (let i = 0; i < size; i++) if (!layers[kind[i]!.layer]?.frozen) squares += gradients[member * size + i]! ** 2;
      const norm = Math.sqrt(squares);
      expectClose([reports[member]!.gradientNorm], [norm], 0, 'norm', 1e-12);
      const scale = own.clipNorm === undefined ? 1 : Math.min(1, own.clipNorm / norm);
      for (let i = 0; i < size; i++) {
        const layer = layers[kind[i]!.layer];
        if (layer?.frozen) continue;
        const at = member * size + i;
        const lambda = kind[i]!.weight ? (layer?.decay ?? 0) : 0;
        const eta = rate * (layer?.learningRate ?? 1);
        const g = scale * gradients[at]! + (decay === 'l2' ? lambda * theta[at]! : 0);
        m[at] = beta1 * m[at]! + (1 - beta1) * g;
        v[at] = beta2 * v[at]! + (1 - beta2) * g * g;
        const step = m[at]! / (1 - beta1 ** t) / (Math.sqrt(v[at]! / (1 - beta2 ** t)) + epsilon);
        theta[at] = theta[at]! * (decay === 'decoupled' ? 1 - eta * lambda : 1) - eta * step;
      }
      for (let i = member * size; i < (member + 1) * size; i++)
        average[i] = (own.averageDecay ?? 0) * average[i]! + (1 - (own.averageDecay ?? 0)) * theta[i]!;
    }
    // A gradient that is rounding alone still makes a step of the size η.
    expectClose(trainer.values(), theta, 1e-9, `step ${t}`, 1e-9);
    theta.set(trainer.values());
    if (own.averageDecay !== undefined) expectClose(trainer.values('average'), average, 1e-9, 'average', 1e-9);
  }
});

test('the average is what is evaluated when asked for, and the weights are there again afterwards', async () => {
  const { trainer, ids, batches } = await loaded();
  for (let i = 0; i < 3; i++) await trainer.step(batches, loss, { learningRate: 1e-2, averageDecay: 0.5 });
  const current = trainer.values();
  const { energies } = await trainer.evaluate(ids, new Set(), 'average');
  const losses = (await trainer.errors(batches, loss, 'average')).map((report) => report.loss);
  expect(trainer.values()).toEqual(current);
  trainer.setValues(trainer.values('average'));
  expect((await trainer.evaluate(ids, new Set())).energies).toEqual(energies);
  expect((await trainer.errors(batches, loss)).map((report) => report.loss)).toEqual(losses);
});

test.each(['single', 'double'] as const)(
  'the same bits at the same number of threads, and after restoring: %s',
  async (precision) => {
    const optimiser: OptimiserSettings = { learningRate: 3e-3, averageDecay: 0.9, clipNorm: 1 };
    const [a, b] = [await loaded({ precision }), await loaded({ precision })];
    for (let i = 0; i < 3; i++) {
      await a.trainer.step(a.batches, loss, optimiser);
      await b.trainer.step(b.batches, loss, optimiser);
    }
    const saved = a.trainer.state();
    expect(Buffer.compare(saved, b.trainer.state())).toBe(0);
    await a.trainer.step(a.batches, loss, optimiser);
    expect(Buffer.compare(saved, a.trainer.state())).not.toBe(0);
    const c = await loaded({ precision });
    c.trainer.restore(saved);
    await c.trainer.step(c.batches, loss, optimiser);
    expect(Buffer.compare(c.trainer.state(), a.trainer.state())).toBe(0);
    expect(() => c.trainer.restore(saved.subarray(0, saved.length - 1))).toThrow(MltsError);
  },
);

test('kept descriptors are those computed anew, to the bit', async () => {
  const [kept, anew] = [
    await loaded({ precision: 'single' }),
    await loaded({ precision: 'single', descriptorBytes: 0 }),
  ];
  expect(anew.trainer.frameBytes()).toBeLessThan(0.7 * kept.trainer.frameBytes());
  const optimiser: OptimiserSettings = { learningRate: 3e-3 };
  for (const { trainer, batches } of [kept, anew]) await trainer.step(batches, loss, optimiser);
  expect(Buffer.compare(kept.trainer.state(), anew.trainer.state())).toBe(0);
});

test('training lowers the loss; an empty batch and a gradient that is not finite change nothing', async () => {
  const { trainer, ids, batches } = await loaded({ precision: 'single' });
  const before = (await trainer.errors(batches, loss)).map((report) => report.loss);
  for (let i = 0; i < 200; i++) await trainer.step(batches, loss, { learningRate: 1e-2 });
  const after = (await trainer.errors(batches, loss)).map((report) => report.loss);
  for (const [m, value] of after.entries()) expect(value).toBeLessThan(0.5 * before[m]!);
  const held = trainer.values();
  const none = ids.slice(0, 0);
  const still = await trainer.step([none, none, none], loss, { learningRate: 1 });
  expect(still.map((report) => report.applied)).toEqual([false, false, false]);
  expect(trainer.values()).toEqual(held);
  const broken = held.map((x, i) => (i === 3 ? Number.NaN : x));
  trainer.setValues(broken);
  const reports = await trainer.step(batches, loss, { learningRate: 1 });
  expect(reports.map((report) => report.applied)).toEqual([false, true, true]);
  expect(trainer.values().subarray(0, trainer.parameters)).toEqual(broken.subarray(0, trainer.parameters));
});

test('what cannot be trained on is named, frame by frame', async () => {
  const { trainer } = await loaded();
  const good = frames[0]!;
  const outcomes = await trainer.load([
    { ...good, numbers: good.numbers.map(() => 6) },
    { ...good, energy: Number.NaN },
    { ...good, forces: good.forces.map((f, i) => (i === 4 ? Number.POSITIVE_INFINITY : f)) },
    { ...good, positions: good.positions.map((x, i) => (i < 6 ? 0.05 * i : x)) },
    { ...good, forces: good.forces.subarray(3) },
    good,
  ]);
  const codes = outcomes.map((outcome) => (outcome instanceof MltsError ? outcome.code : typeof outcome));
  expect(codes).toEqual(['E_SPECIES', 'E_NONFINITE', 'E_NONFINITE', 'E_OVERLAP', 'E_SHAPE', 'number']);
  const bytes = trainer.frameBytes();
  await trainer.unload(Int32Array.of(outcomes[5] as number));
  expect(trainer.frameBytes()).toBeLessThan(bytes);
  const unknown = Int32Array.of(outcomes[5] as number);
  await expect(trainer.errors([unknown, unknown, unknown], loss)).rejects.toThrow('E_USAGE');
});

test('a batch can be cancelled and leaves nothing behind', async () => {
  const { trainer, ids, batches } = await loaded();
  const many = Int32Array.from({ length: 40_000 }, (_, i) => ids[i % ids.length]!);
  const before = (await trainer.gradient(batches, loss)).gradients;
  const state = trainer.state();
  const control = new AbortController();
  const working = trainer.step([many, many, many], loss, { learningRate: 1 }, control.signal);
  expect(() => trainer.state()).toThrow('E_USAGE');
  setTimeout(() => control.abort(), 30);
  await expect(working).rejects.toThrow('E_CANCELLED');
  expect(Buffer.compare(trainer.state(), state)).toBe(0);
  expect((await trainer.gradient(batches, loss)).gradients).toEqual(before);
});
