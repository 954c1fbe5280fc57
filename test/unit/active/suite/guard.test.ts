import { describe, expect, it } from 'vitest';
import { checkGuard, guardRule, worse } from '../../../../src/active/suite/guard.ts';
import type { Metric } from '../../../../src/active/suite/metric.ts';
import { parseYaml } from '../../../../src/dynamics/input/input.ts';
import { expectError } from '../../../support/expect-error.ts';

const guard = (text: string) => guardRule(parseYaml(text, 'al.yaml'));
const metric = (name: string, value: number, more: Partial<Metric> = {}): Metric => ({
  ...{ name, value, unit: 'eV/Å' },
  ...more,
});
const ALL = guard('{}');
const one = (now: number, before: number, settings = ALL, more: Partial<Metric> = {}) =>
  worse([metric('held-out: forces', now, more)], [metric('held-out: forces', before, more)], settings);

describe('a guard', () => {
  it('lets a metric grow by a tenth, and no further', () => {
    expect(one(0.11, 0.1)).toEqual([]);
    expect(one(0.05, 0.1)).toEqual([]);
    expect(one(0.1101, 0.1)).toEqual(['held-out: forces 0.1 → 0.1101 eV/Å (+10 %)']);
    expect(one(0.3, 0.1, guard('tolerance: 2'))).toEqual([]);
    expect(one(0.1001, 0.1, guard('tolerance: 0'))).toHaveLength(1);
  });

  it('takes no notice of less than the resolution of a metric', () => {
    expect(one(0.04, 0.01, ALL, { resolution: 0.05 })).toEqual([]);
    expect(one(0.07, 0.01, ALL, { resolution: 0.05 })).toHaveLength(1);
    expect(one(0.001, 0)).toEqual(['held-out: forces 0 → 0.001 eV/Å']);
  });

  it('refuses what fails now and did not before, and nothing that failed before', () => {
    expect(one(Infinity, 0)).toEqual(['held-out: forces 0 → failed eV/Å']);
    expect(one(Number.NaN, 0.1)).toEqual(['held-out: forces 0.1 → not a number eV/Å']);
    expect(one(Infinity, Infinity)).toEqual([]);
    expect(one(1e9, Infinity)).toEqual([]);
  });

  it('has nothing to compare a new metric with, and misses one that is gone', () => {
    const [a, b] = [metric('a: x', 1), metric('b: y', 1)];
    const both = guard('metrics: [a, b]');
    expect(worse([a, b], [a], both)).toEqual([]);
    expect(worse([a], [a, b], both)).toEqual(['b: y is not measured any more']);
    expect(worse([a], [a, b], guard('metrics: [a]'))).toEqual([]);
  });

  it('guards what it names: a metric, or all of a measurement; by default held-out errors', () => {
    const names = ['liquid: g(r)', 'liquid: drift', 'fcc: volume', 'held-out: energy'];
    const [before, now] = [1, 2].map((value) => names.map((name) => metric(name, value)));
    const found = (text: string) => worse(now, before, guard(text)).map((fault) => fault.split(' 1 →')[0]);
    expect(found('{}')).toEqual(['held-out: energy']);
    expect(found('metrics: [liquid]')).toEqual(['liquid: g(r)', 'liquid: drift']);
    expect(found('metrics: ["liquid: g(r)", fcc]')).toEqual(['liquid: g(r)', 'fcc: volume']);
    expect(found('metrics: []')).toEqual([]);
  });

  it('takes no candidate that fails where the model before did not, guarded or not', () => {
    const [before, now] = [0, Infinity].map((value) => [metric('liquid: blow-up', value, { unit: '' })]);
    expect(worse(now, before, guard('metrics: []'))).toEqual(['liquid: blow-up 0 → failed']);
    expect(worse(now, now, ALL)).toEqual([]);
    expect(worse(before, now, ALL)).toEqual([]);
  });

  it('refuses names that nothing gives', async () => {
    checkGuard(guard('metrics: [held-out, "liquid: g(r)"]'), ['held-out', 'liquid']);
    checkGuard(ALL, ['held-out']);
    await expectError(() => checkGuard(guard('metrics: [liqiud]'), ['held-out', 'liquid']), 'E_USAGE', "'liqiud'");
    await expectError(() => guard('tolerance: -1'), 'E_USAGE', 'at least 0');
  });
});
