/** Rules that samplers share. */
import { duration, list, number, type Rule, refuse } from '../../dynamics/input/rules.ts';
import { numberOf } from '../../elements.ts';
import { bySymbol } from '../../training/config/symbols.ts';
import type { Range } from './sampler.ts';

/** `[low, high]`, or one value for both. */
export const range =
  (each: Rule<number>): Rule<Range> =>
  (input) => {
    if (input.items === undefined) {
      const value = each(input);
      return [value, value];
    }
    const [low, high] = list(each, 2)(input);
    return low <= high ? [low, high] : refuse(input, 'a range from low to high');
  };

export const length = number({ least: 0, most: 1000, unit: 'Å' });

/** How many of each element, by atomic number. */
export const composition =
  (each: Rule<Range>): Rule<ReadonlyMap<number, Range>> =>
  (input) =>
    new Map(Object.entries(bySymbol(each)(input)).map(([symbol, counts]) => [numberOf(symbol)!, counts]));

export const durations = range(duration);
