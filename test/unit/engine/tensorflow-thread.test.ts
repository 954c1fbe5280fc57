/** The TensorFlow.js backend as its callers meet it: its thread, its models, precision and cancelling. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NativePotential } from '../../../src/engine/native.ts';
import type { Potential, Result, Want } from '../../../src/engine/potential.ts';
import { expectClose } from '../../support/close.ts';
import { expectError } from '../../support/expect-error.ts';
import { testModel } from '../../support/models.ts';
import { repeated } from '../../support/systems.ts';
import { tensorflowPotential } from '../../support/tensorflow.ts';
import { potentialVector } from '../../support/vectors.ts';

const WANT = new Set<Want>(['forces', 'virial', 'sigma']);
const { input } = potentialVector('two-triclinic');
const large = repeated(input, [8, 8, 8]);

describe('the TensorFlow.js backend', () => {
  let potential: Potential;
  beforeAll(async () => {
    potential = await tensorflowPotential(testModel('test-two').model);
    await potential.evaluate([input], WANT);
  });
  afterAll(() => potential.close());

  it('leaves the event loop free while it computes', async () => {
    const start = performance.now();
    let last = start;
    let longest = 0;
    const turns = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    await potential.evaluate([large, large], WANT);
    const whole = performance.now() - start;
    clearInterval(turns);
    expect(whole).toBeGreaterThan(200);
    expect(longest).toBeLessThan(whole / 3);
  });

  it('gives up between blocks once it is cancelled', async () => {
    const abort = new AbortController();
    const start = performance.now();
    const running = potential.evaluate([large, large, large, large], WANT, { signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    await expectError(() => running, 'E_CANCELLED');
    const cancelled = performance.now() - start;
    await potential.evaluate([large, large, large, large], WANT);
    expect(cancelled).toBeLessThan((performance.now() - start - cancelled) / 2);
    await expectError(() => potential.evaluate([input], WANT, { signal: abort.signal }), 'E_CANCELLED');
  });

  it('computes in double precision what must be, by the backend that has it', async () => {
    const native = new NativePotential(testModel('test-two').model, { threads: 2 });
    const [got, want] = [potential, native].map((one) => one.evaluate([input], WANT, { precision: 'double' }));
    const [{ forces, energy }] = (await got) as Result[];
    const [exact] = (await want) as Result[];
    native.close();
    expectClose([energy], [exact.energy], 1e-9, 'energy');
    expectClose(forces!, exact.forces!, 1e-9, 'forces');
  });

  it('holds several models at once; closing one leaves the others', async () => {
    const other = await tensorflowPotential(testModel('test-tensor').model);
    const { input: gas } = potentialVector('tensor-gas');
    expect(other.memoryBytes()).toBeGreaterThan(0);
    const before = await Promise.all([potential.evaluate([input], WANT), other.evaluate([gas], WANT)]);
    other.close();
    await expectError(() => other.evaluate([gas], WANT), 'E_UNAVAILABLE', 'closed');
    expect(before.flat().every((outcome) => !(outcome instanceof Error))).toBe(true);
    expect(await potential.evaluate([input], WANT)).toEqual(before[0]);
  });
});
