/** What `npm run bench` makes of its arguments. */
import { expect, it } from 'vitest';
import { benchOptions } from '../../../bench/lib/options.ts';

it('reads sections and options', () => {
  expect(benchOptions([])).toEqual({ sections: [], structures: undefined, threads: 2, rounds: 3, quick: false });
  expect(benchOptions(['wire', 'speed', '--threads', '1', '--quick'])).toMatchObject({
    ...{ sections: ['wire', 'speed'], threads: 1, rounds: 1, quick: true },
  });
  expect(benchOptions(['--quick', '-h'])).toBe('help');
});

it.each([
  [['sped'], /there is no section 'sped': choose from speed, /],
  [['--threads', '0'], /--threads is '0'/],
  [['--rounds', '-1'], /--rounds/],
  [['--colour'], /--colour/],
])('refuses %j', (args, message) => {
  expect(() => benchOptions(args)).toThrow(message);
});
