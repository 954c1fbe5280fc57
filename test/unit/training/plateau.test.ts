import { expect, it } from 'vitest';
import { parseRecipe } from '../../../src/training/config/parse.ts';
import { beginning, hasExploded, judge, restart } from '../../../src/training/plateau.ts';

const recipe = (more: string) => parseRecipe(`data: a.xyz\noutput: a\n${more}`, 'train.yaml');

/** Rate, batch and end after each validation. */
function course(more: string, validations: readonly number[]) {
  const settings = recipe(more);
  const member = beginning(settings);
  return validations.map((value, i) => {
    const best = judge(member, value, i + 1, settings);
    return [best, member.learningRate, member.batch, member.ended];
  });
}

it('on a plateau the batch grows to its largest, then the rate falls, until it is below its minimum', () => {
  const more = 'batch: {size: 8, largest: 12}\noptimiser: {learning_rate: 0.4, patience: 1, minimum: 0.15}';
  expect(course(more, [3, 3, 3, 2, 5, 5, 5, 5, 5, 5])).toEqual([
    [true, 0.4, 8, undefined],
    [false, 0.4, 8, undefined],
    [false, 0.4, 12, undefined],
    [true, 0.4, 12, undefined],
    [false, 0.4, 12, undefined],
    [false, 0.2, 12, undefined],
    [false, 0.2, 12, undefined],
    [false, 0.1, 12, 'rate'],
    [false, 0.1, 12, 'rate'],
    [false, 0.05, 12, 'rate'],
  ]);
});

it('a cosine falls from the first rate to the last one, whatever the validation says', () => {
  const more = 'epochs: 4\noptimiser: {schedule: cosine, learning_rate: 0.4, patience: 0, minimum: 0.1}';
  const rates = course(more, [3, 4, 5, 6]).map(([, rate]) => rate as number);
  expect(rates[0]).toBeCloseTo(0.1 + 0.15 * (1 + Math.SQRT1_2), 12);
  expect(rates[1]).toBeCloseTo(0.25, 12);
  expect(rates[3]).toBeCloseTo(0.1, 12);
  expect(course(more, [3, 4, 5, 6]).map(([, , , ended]) => ended)).toEqual([undefined, undefined, undefined, 'epochs']);
});

it('ends so many epochs after the best one, or with the last', () => {
  const ends = (more: string, validations: number[]) => course(more, validations).map(([, , , ended]) => ended);
  expect(ends('stop: 2', [3, 2, 4, 4])).toEqual([undefined, undefined, undefined, 'stop']);
  expect(ends('epochs: 3', [3, 2, 1])).toEqual([undefined, undefined, 'epochs']);
});

it('a loss that is not finite or a thousand times the lowest has exploded; half the rate, five times', () => {
  const member = beginning(recipe(''));
  member.lowest = 2;
  expect([1999, 2001, Number.NaN, Infinity].map((loss) => hasExploded(member, loss))).toEqual([
    false,
    true,
    true,
    true,
  ]);
  expect(Array.from({ length: 6 }, () => restart(member))).toEqual([true, true, true, true, true, false]);
  expect(member.learningRate).toBeCloseTo(1e-3 / 64, 12);
});
