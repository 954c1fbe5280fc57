import { describe, expect, it } from 'vitest';
import { parseRecipe } from '../../../src/training/config/parse.ts';
import { lossAt } from '../../../src/training/loss.ts';

const FIVE = 'data: frames.extxyz\noutput: runs/ethanol\n';
const parse = (text: string) => parseRecipe(text, 'train.yaml');
const recipe = (more = '') => parse(FIVE + more);

describe('a training config', () => {
  it('is complete with data and output: ANI-1x, four members', () => {
    const { name, members, model, split, loss, optimiser } = recipe();
    expect({ name, members }).toEqual({ name: 'ethanol', members: 4 });
    if (model?.architecture !== 'ani') throw new Error('the default is no ANI');
    expect(model.radial.shifts.slice(0, 3)).toEqual([0.9, 1.16875, 1.4375]);
    expect(model.angular.shifts).toEqual([0.9, 1.55, 2.2, 2.85]);
    expect(model.angular.sections.slice(0, 2)).toEqual([0.19634954, 0.58904862]);
    expect(split).toEqual({ kind: 'fractions', train: 0.8, validation: 0.1, test: 0.1, by: 'group' });
    expect(loss.terms.map(({ of, weight }) => [of, weight.from])).toEqual([
      ['energy', 10],
      ['forces', 1],
    ]);
    expect(optimiser).toMatchObject({ name: 'adamw', learningRate: 1e-3, minimum: 1e-5, average: 0.99 });
  });

  it('of a HIP-NN is complete with its architecture', () => {
    const { model } = recipe('model: {architecture: hipnn, order: 2, cutoff: 5}');
    expect(model).toEqual({
      ...{ architecture: 'hipnn', elements: undefined, cutoff: 5, lower: 0.75, upper: 4, minDistance: 0.5 },
      ...{ order: 2, sensitivities: 20, features: 20, blocks: 2, atomLayers: 3 },
    });
  });

  it.each([
    ['model: {architecture: hipn}', /'architecture' is 'hipn'.*did you mean 'hipnn'\?/],
    ['model: {architecture: hipnn, radial: {}}', /'radial' is no setting of a HIP-NN model/],
    ['model: {architecture: hipnn, order: 3}', /'order' is '3', must be a whole number from 0 to 2/],
    ['model: {architecture: hipnn, cutoff: 5, upper: 5}', /upper is '5', must be below the cutoff 5/],
    ['model: {architecture: hipnn, lower: 5.8}', /lower is '5.8', must be below 5.5/],
    ['epoch: 3', /train.yaml:3:1: 'epoch' is no setting of a training. Did you mean 'epochs'\?/],
    ['optimiser:\n  learnig_rate: 1', /train.yaml:4:3: 'learnig_rate'.*Did you mean 'learning_rate'\?/],
    ['epochs: 0', /train.yaml:3:1: 'epochs' is '0', must be a whole number from 1/],
    ['model: {elements: [H, Xx]}', /train.yaml:3:23: the entry is 'Xx', must be the symbol/],
    ['model: {radial: {cutoff: 4, start: 4.5}}', /radial.start is '4.5', must be below the cutoff 4/],
    ['model: {angular: {cutoff: 6}}', /angular.cutoff is '6', must be at most 5.2/],
    ['init: x.mlts\nmodel: {}', /one of init and model, not both/],
    ['replay: old.extxyz', /where the level of the replayed data was learnt/],
    ['split: {train: 0.9, validation: 0.2, test: 0.1}', /shares for train, validation and test that make 1/],
    ['split: {validation: 0}', /by them training knows when to stop/],
    ['split: {strided: [14, 1, 2]}', /that make 16/],
    ['loss: torchanni', /'loss' is 'torchanni'.*did you mean 'torchani'\?/],
    ['loss: [{of: energy, mean: frames}]', /mean is 'frames', must be left out but for forces/],
    ['loss: [{of: forces, form: huber}]', /delta is empty, must be given with the form huber/],
    ['batch: {size: 64, largest: 32}', /largest size is no less than its size/],
    ['checkpoint: 30', /'checkpoint' is '30', must be a time like 30s, 5min or 1h/],
    ['output: "runs/my model"', /is given twice|Map keys must be unique|names no model/],
    ['members: [', /train.yaml:3/],
  ])('refuses %s with its place', (text, message) => {
    expect(() => recipe(text)).toThrow(message);
  });

  it.each([
    [
      'torchani',
      [
        ['energy', 'squared', 1],
        ['forces', 'squared', 0.3],
      ],
    ],
    ['neurochem', [['energy', 'squared', 1]]],
    [
      '{form: neurochem, forces: 0.1}',
      [
        ['energy', 'squared', 1],
        ['forces', 'squared', 0.1],
      ],
    ],
    [
      'hippynn',
      [
        ['energy', 'rms', 100],
        ['energy', 'absolute', 100],
        ['forces', 'rms', 1],
        ['forces', 'absolute', 1],
        ['hierarchicality', 'absolute', 1],
      ],
    ],
    [
      '{form: hippynn, energy: 7, forces: 0.5, hierarchicality: 0}',
      [
        ['energy', 'rms', 7],
        ['energy', 'absolute', 7],
        ['forces', 'rms', 0.5],
        ['forces', 'absolute', 0.5],
      ],
    ],
    ['[{of: hierarchicality, weight: 2}]', [['hierarchicality', 'absolute', 2]]],
  ])('knows the loss %s', (text, terms) => {
    const found = recipe(`loss: ${text}`).loss.terms.map(({ of, form, weight }) => [of, form, weight.from]);
    expect(found.map(([of, form, weight]) => [of, form, Number((weight as number).toFixed(9))])).toEqual(terms);
  });

  it('hippynn adds the gradient of 1e-6 ΣW², by Adam', () => {
    expect(recipe('loss: hippynn').optimiser).toMatchObject({ name: 'adam', weightDecay: 2e-6 });
  });

  it('weights of the loss change geometrically with the epochs', () => {
    const { loss } = recipe('loss: {energy: 4:64, forces: 1}');
    const weights = [1, 2, 3].map((epoch) => lossAt(loss, epoch, 3)[0].weight);
    expect(weights.map((weight) => Number(weight.toFixed(9)))).toEqual([4, 16, 64]);
    expect(lossAt(loss, 2, 3)[1].weight).toBe(1);
    expect(lossAt(loss, 1, 1)[0].weight).toBe(64);
  });
});
