import { describe, expect, it } from 'vitest';
import type { Outcome, Result } from '../../../src/engine/potential.ts';
import { MltsError } from '../../../src/errors.ts';
import { replyTo } from '../../../src/server/answer.ts';
import { Client } from '../../../src/server/clients.ts';
import { Job } from '../../../src/server/job.ts';
import { Metrics } from '../../../src/server/metrics.ts';
import { Served } from '../../../src/server/models.ts';
import { chain } from '../../support/servers.ts';
import { Springs } from '../../support/springs.ts';

const kind = new Served(new Springs()).kind('single', ['forces']);
const reply = (outcomes: Outcome[], isBatch = false) => {
  const job = new Job(
    new Client(undefined as never, Buffer.from('a'), 0, () => undefined),
    5,
    kind,
    outcomes.map(() => chain(2)),
    undefined,
    isBatch,
  );
  outcomes.forEach((outcome, index) => {
    job.outcomes[index] = outcome;
  });
  const metrics = new Metrics();
  return { reply: replyTo(job, metrics), errors: metrics.errors };
};

describe('replyTo', () => {
  it('names results as the wire does', () => {
    const result: Result = {
      energy: 1,
      sigmaEnergy: 2,
      sigmaForces: Float64Array.of(1, 2),
      forceDeviations: Float32Array.of(1),
    };
    expect(reply([result]).reply).toMatchObject({
      type: 'evaluate',
      id: 5,
      natoms: 2,
      energy: 1,
      sigma_energy: 2,
      sigma_forces: Float64Array.of(1, 2),
      force_deviations: Float32Array.of(1),
    });
  });

  it.each<[string, Result]>([
    ['a NaN energy', { energy: Number.NaN }],
    ['an infinite energy', { energy: Number.POSITIVE_INFINITY }],
    ['a NaN force', { energy: 0, forces: Float64Array.of(0, Number.NaN, 0) }],
    [
      'forces that are infinite both ways',
      { energy: 0, forces: Float64Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
    ],
    ['a NaN deviation', { energy: 0, forceDeviations: Float32Array.of(Number.NaN) }],
    ['a NaN sigma', { energy: 0, sigmaEnergy: Number.NaN }],
  ])('never lets %s out', (_, result) => {
    const single = reply([result]);
    expect(single.reply).toMatchObject({ type: 'error', id: 5, code: 'E_NONFINITE' });
    expect(single.errors).toEqual({ E_NONFINITE: 1 });
    expect(reply([{ energy: 1 }, result], true).reply).toMatchObject({
      results: [{ energy: 1 }, { code: 'E_NONFINITE' }],
    });
  });

  it('gives the error of a system its atom', () => {
    const error = new MltsError('E_SPECIES', 'a', 'b', { atom: 3 });
    expect(reply([error]).reply).toEqual({ type: 'error', id: 5, code: 'E_SPECIES', what: 'a', remedy: 'b', atom: 3 });
    expect(reply([error], true).reply).toMatchObject({
      results: [{ code: 'E_SPECIES', what: 'a', remedy: 'b', atom: 3 }],
    });
  });
});

describe('Metrics', () => {
  it('reads percentiles off the last 1024 replies', () => {
    const metrics = new Metrics();
    expect(metrics.latency()).toEqual({ p50: 0, p95: 0, p99: 0 });
    metrics.reply(3);
    expect(metrics.latency()).toEqual({ p50: 3, p95: 3, p99: 3 });
    for (let i = 0; i < 5000; i++) metrics.reply(i % 100);
    const { p50, p95, p99 } = metrics.latency();
    expect(p50).toBeGreaterThanOrEqual(48);
    expect(p50).toBeLessThanOrEqual(52);
    expect(p95).toBeGreaterThanOrEqual(93);
    expect(p99).toBeGreaterThanOrEqual(97);
  });
});
