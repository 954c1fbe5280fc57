/** Gradients of every loss against finite differences, predictions against the potential's, repeatability. */
import { afterAll, describe, expect, test } from 'vitest';
import { NativePotential, nativeInstructionSets } from '../../../src/engine/native.ts';
import type { Result } from '../../../src/engine/potential.ts';
import type { AniModel } from '../../../src/model/model.ts';
import type { LossTerm, Trainer, TrainerOptions, TrainingFrame } from '../../../src/training/engine.ts';
import { createTrainer } from '../../../src/training/trainer.ts';
import { expectClose } from '../../support/close.ts';
import { aniTestModel } from '../../support/models.ts';
import { randomNumbers } from '../../support/systems.ts';
import { labelledFrame, withHiddenLayers } from '../../support/training.ts';

const open: Trainer[] = [];
afterAll(() => {
  for (const trainer of open) trainer.close();
});

async function trainerWith(model: AniModel, frames: readonly TrainingFrame[], options: TrainerOptions = {}) {
  const trainer = createTrainer(model, { threads: 2, precision: 'double', ...options });
  open.push(trainer);
  const ids = Int32Array.from(await trainer.load(frames), (id) => {
    if (typeof id !== 'number') throw id;
    return id;
  });
  return { trainer, ids };
}

const two = aniTestModel('test-two').model;
const smooth = withHiddenLayers(aniTestModel('test-smooth').model);
const frames = [
  labelledFrame(1, 7, false),
  labelledFrame(2, 12, true),
  labelledFrame(3, 1, true),
  labelledFrame(4, 4, false),
  labelledFrame(5, 20, true),
];

const everyTerm: Record<string, LossTerm> = {
  'energy, squared, total': { of: 'energy', form: 'squared', weight: 0.7, power: 0 },
  'energy, squared, per atom': { of: 'energy', form: 'squared', weight: 1, power: 1 },
  "energy, squared, TorchANI's": { of: 'energy', form: 'squared', weight: 1, power: 0.25 },
  'energy, absolute, per √atom': { of: 'energy', form: 'absolute', weight: 1, power: 0.5 },
  'energy, rms, per atom': { of: 'energy', form: 'rms', weight: 2, power: 1 },
  'energy, huber': { of: 'energy', form: 'huber', weight: 1, power: 1, delta: 0.1 },
  'forces, squared, frames': { of: 'forces', form: 'squared', weight: 0.3, mean: 'frames' },
  'forces, squared, components': { of: 'forces', form: 'squared', weight: 1, mean: 'components' },
  'forces, absolute, components': { of: 'forces', form: 'absolute', weight: 1, mean: 'components' },
  'forces, rms, components': { of: 'forces', form: 'rms', weight: 1, mean: 'components' },
  'forces, huber, frames': { of: 'forces', form: 'huber', weight: 1, mean: 'frames', delta: 0.4 },
  'virial, squared, total': { of: 'virial', form: 'squared', weight: 1, per: 'total' },
  'virial, rms, per atom': { of: 'virial', form: 'rms', weight: 1, per: 'atom' },
  'virial, absolute, stress': { of: 'virial', form: 'absolute', weight: 1, per: 'volume' },
  'virial, huber, stress': { of: 'virial', form: 'huber', weight: 1, per: 'volume', delta: 0.01 },
};

/**
 * dL/ds along a direction of all members' parameters by differences of sixth order, against the gradient's.
 * Along it a hidden unit of some atom may pass 0, where CELU″ jumps; so short a step that it seldom does.
 */
async function expectGradient(trainer: Trainer, batches: Int32Array[], loss: LossTerm[], seed: number) {
  const { reports, gradients } = await trainer.gradient(batches, loss);
  const start = trainer.values();
  const random = randomNumbers(seed);
  const size = trainer.parameters;
  for (let direction = 0; direction < 3; direction++) {
    const along = start.map(() => random() - 0.5);
    const h = 2e-5;
    const losses = async (step: number) => {
      trainer.setValues(start.map((x, i) => x + step * h * along[i]!));
      return (await trainer.errors(batches, loss)).map((report) => report.loss);
    };
    const [a, b, c, d, e, f] = [
      await losses(-3),
      await losses(-2),
      await losses(-1),
      await losses(1),
      await losses(2),
      await losses(3),
    ];
    trainer.setValues(start);
    for (let m = 0; m < trainer.members; m++) {
      const numeric = (45 * (d![m]! - c![m]!) - 9 * (e![m]! - b![m]!) + (f![m]! - a![m]!)) / (60 * h);
      let exact = 0;
      let scale = 0;
      for (let i = m * size; i < (m + 1) * size; i++) {
        exact += gradients[i]! * along[i]!;
        scale += gradients[i]! ** 2;
      }
      scale = Math.sqrt(scale / 12);
      expect(scale, 'a gradient of nothing').toBeGreaterThan(0);
      expectClose([exact], [numeric], 1e-7 * scale + (1e-13 * Math.abs(reports[m]!.loss)) / h, `dL/ds of member ${m}`);
    }
  }
}

describe.each(Object.entries(everyTerm))('%s', (_, term) => {
  test('the gradient is that of the loss', async () => {
    const { trainer, ids } = await trainerWith(two, frames);
    await expectGradient(trainer, [ids, ids.slice(1, 4), ids.slice(2)], [term], 17);
  });
});

test('several terms, three elements, the smooth cutoff, another α of CELU', async () => {
  const { trainer, ids } = await trainerWith({ ...smooth, celuAlpha: 0.7 }, frames);
  await expectGradient(trainer, [ids, ids.slice(0, 3)], Object.values(everyTerm), 23);
});

test('frames that lack labels, and frames that a batch holds twice', async () => {
  const { energy: _, ...noEnergy } = frames[1]!;
  const { forces: _f, virial: _v, ...onlyEnergy } = frames[4]!;
  const { trainer, ids } = await trainerWith(two, [...frames, noEnergy, onlyEnergy]);
  const twice = Int32Array.of(ids[0]!, ids[5]!, ids[0]!, ids[6]!);
  await expectGradient(trainer, [ids, twice, ids.slice(5)], Object.values(everyTerm), 29);
});

test('reports hold the residuals of predictions, and predictions are those of the potential', async () => {
  const { trainer, ids } = await trainerWith(two, frames);
  const got = await trainer.evaluate(ids, new Set(['forces', 'virial'] as const));
  const potential = new NativePotential(two);
  const want = new Set(['memberEnergies', 'memberForces', 'virial'] as const);
  const results = (await potential.evaluate(frames, want, { precision: 'double' })) as Result[];
  potential.close();
  const atoms = frames.reduce((sum, { numbers }) => sum + numbers.length, 0);
  const { reports } = await trainer.gradient([ids, ids, ids], Object.values(everyTerm));
  for (let m = 0; m < two.members; m++) {
    const energy = { squared: 0, absolute: 0, largest: 0 };
    let forces = 0;
    let first = 0;
    for (const [i, result] of results.entries()) {
      const n = frames[i]!.numbers.length;
      const own = got.energies[m * ids.length + i]!;
      expectClose([own], [result.memberEnergies![m]!], 1e-9, 'energy');
      const at = 3 * (m * atoms + first);
      const force = got.forces!.subarray(at, at + 3 * n);
      expectClose(force, result.memberForces!.subarray(3 * m * n, 3 * (m + 1) * n), 1e-9, 'forces');
      first += n;
      const residual = own - frames[i]!.energy;
      energy.squared += residual ** 2;
      energy.absolute += Math.abs(residual);
      energy.largest = Math.max(energy.largest, Math.abs(residual));
      forces += force.reduce((sum, f, k) => sum + (f - frames[i]!.forces[k]!) ** 2, 0);
    }
    const report = reports[m]!;
    expectClose([report.energy.squared], [energy.squared], 0, 'Σ ΔE²', 1e-10);
    expectClose([report.energy.absolute], [energy.absolute], 0, 'Σ |ΔE|', 1e-10);
    expectClose([report.energy.largest], [energy.largest], 0, 'largest |ΔE|', 1e-10);
    expectClose([report.forces.squared], [forces], 0, 'Σ |ΔF|²', 1e-10);
    expect(report.forces.count).toBe(3 * atoms);
    expectClose([report.terms.reduce((sum, term) => sum + term)], [report.loss], 0, 'sum of terms', 1e-12);
  }
  for (const [i, result] of results.entries()) {
    const mean = result.virial!.map((_, k) => {
      let sum = 0;
      for (let m = 0; m < two.members; m++) sum += got.virials![9 * (m * ids.length + i) + k]!;
      return sum / two.members;
    });
    expectClose(mean, result.virial!, 1e-9, 'virial');
  }
});

test('gradients in single precision are those in double to its rounding', async () => {
  const loss: LossTerm[] = [everyTerm['energy, squared, per atom']!, everyTerm['forces, squared, components']!];
  const gradients = await Promise.all(
    (['single', 'double'] as const).map(async (precision) => {
      const { trainer, ids } = await trainerWith(two, frames, { precision });
      return (await trainer.gradient([ids, ids, ids], loss)).gradients;
    }),
  );
  const norm = Math.hypot(...gradients[1]!);
  const difference = Math.hypot(...gradients[0]!.map((g, i) => g - gradients[1]![i]!));
  expect(difference).toBeLessThan(1e-5 * norm);
  expect(difference, 'single precision is not double').toBeGreaterThan(1e-12 * norm);
});

test('members with batches of their own get what each gets alone', async () => {
  const loss = Object.values(everyTerm);
  const { trainer, ids } = await trainerWith(two, frames);
  const batches = [ids.slice(0, 3), ids.slice(2), ids.slice(1, 2)];
  const together = (await trainer.gradient(batches, loss)).gradients;
  for (let m = 0; m < 3; m++) {
    const alone = (
      await trainer.gradient(
        batches.map((batch, k) => (k === m ? batch : ids.slice(0, 0))),
        loss,
      )
    ).gradients;
    const size = trainer.parameters;
    const range = [m * size, (m + 1) * size] as const;
    expectClose(alone.subarray(...range), together.subarray(...range), 1e-12 * Math.hypot(...together), `member ${m}`);
    expect(alone.filter((g, i) => (i < range[0] || i >= range[1]) && g !== 0)).toHaveLength(0);
  }
});

test('every instruction set and number of threads has the same gradient', async () => {
  const loss = Object.values(everyTerm);
  const gradientOf = async (options: TrainerOptions) => {
    const { trainer, ids } = await trainerWith(smooth, frames, options);
    return (await trainer.gradient([ids, ids.slice(1)], loss)).gradients;
  };
  const best = await gradientOf({});
  const norm = Math.hypot(...best);
  for (const isa of nativeInstructionSets())
    expectClose(await gradientOf({ isa, threads: 1 }), best, 1e-11 * norm, `gradient by ${isa}`);
  for (const isa of nativeInstructionSets()) {
    const single = await gradientOf({ isa, threads: 3, precision: 'single' });
    expect(Math.hypot(...single.map((g, i) => g - best[i]!)), isa).toBeLessThan(1e-4 * norm);
  }
});
