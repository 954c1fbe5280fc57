import { expect, it } from 'vitest';
import { executorRule } from '../../../../src/active/executors/parse.ts';
import { parseYaml } from '../../../../src/dynamics/input/input.ts';
import { expectError } from '../../../support/expect-error.ts';

const parse = (yaml: string) => executorRule(parseYaml(yaml, 'al.yaml'));

it('a slurm executor is read, with one node and one core a task where nothing else is said', () => {
  expect(parse('{kind: slurm, partition: batch, time: 2:30:00, throttle: 64, extra: [--mem=4G]}')).toEqual({
    ...{ kind: 'slurm', partition: 'batch', account: undefined, time: 9000, nodes: 1, cpus: 1, throttle: 64 },
    extra: ['--mem=4G'],
  });
  expect(parse('{kind: slurm, time: 90}')).toMatchObject({ time: 5400 });
  expect(parse('{kind: slurm, time: 1-00:00:30}')).toMatchObject({ time: 86_430 });
});

it('a pilot executor listens on loopback where nothing else is said', () => {
  expect(parse('{kind: pilot}')).toEqual({ kind: 'pilot', bind: 'tcp://127.0.0.1:5589', keys: {} });
  expect(parse('{kind: pilot, bind: tcp://0.0.0.0:7000, keys: {allowed: nodes}}')).toEqual({
    ...{ kind: 'pilot', bind: 'tcp://0.0.0.0:7000', keys: { allowed: 'nodes' } },
  });
});

it.each([
  ['{kind: pilot, bind: localhost}', 'an endpoint: tcp://HOST:PORT with a port'],
  ['{kind: pilot, bind: tcp://127.0.0.1:*}', 'an endpoint: tcp://HOST:PORT with a port'],
  ['{kind: pilot, keys: {secret: x}}', 'secret'],
  ['{kind: slurm}', 'how long a job may run'],
  ['{kind: slurm, time: soon}', 'a time of a minute or more'],
  ['{kind: slurm, time: 00:00:30}', 'a time of a minute or more'],
  ['{kind: slurm, time: 60, extra: [--array=1-5]}', 'a further option of sbatch'],
  ['{kind: slurm, time: 60, extra: [mem]}', 'a further option of sbatch'],
  ['{kind: slurm, time: 60, throttel: 3}', 'throttel'],
  ['{kind: slrm}', "did you mean 'slurm'"],
])('%s is refused', async (yaml, part) => {
  await expectError(() => parse(yaml), 'E_USAGE', part);
});
