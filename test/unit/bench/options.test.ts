/** What `npm run bench` makes of its arguments. */
import { expect, it } from 'vitest';
import { benchOptions } from '../../../bench/lib/options.ts';

it('reads sections and options', () => {
  const unsaid = { sections: [], structures: undefined, threads: 2, rounds: 3, quick: false, backend: 'native' };
  expect(benchOptions([])).toEqual(unsaid);
  expect(benchOptions(['batches', '--backend', 'tensorflow'])).toMatchObject({ backend: 'tensorflow' });
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
  [['--backend', 'gpu'], /--backend is 'gpu': choose from /],
])('refuses %j', (args, message) => {
  expect(() => benchOptions(args)).toThrow(message);
});
