/** The TensorFlow.js engine in this thread: what stays on the device, and what happens where its memory is too small. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { System, Want } from '../../../src/engine/potential.ts';
import { bucket } from '../../../src/engine/tensorflow/buckets.ts';
import { TensorflowEngine } from '../../../src/engine/tensorflow/engine.ts';
import { Budget, isOutOfMemory } from '../../../src/engine/tensorflow/memory.ts';
import type { TensorFlow } from '../../../src/engine/tensorflow/operations.ts';
import { loadRuntime, prepareEnvironment } from '../../../src/engine/tensorflow/runtime.ts';
import { expectError } from '../../support/expect-error.ts';
import { testModel } from '../../support/models.ts';
import { displaced, randomNumbers, repeated } from '../../support/systems.ts';
import { potentialVector, potentialVectors } from '../../support/vectors.ts';

const STEPS = 10_000;
const WANT = new Set<Want>(['forces', 'virial', 'sigma']);

let tf: TensorFlow;
beforeAll(() => {
  prepareEnvironment(2);
  tf = loadRuntime();
});

describe('the device', () => {
  const engines = new Map<string, TensorflowEngine>();
  const engine = (model: string): TensorflowEngine => {
    const known = engines.get(model) ?? new TensorflowEngine(tf, testModel(model).model);
    engines.set(model, known);
    return known;
  };
  afterAll(() => {
    for (const each of engines.values()) each.close();
  });

  it('computes the golden systems itself, but for one whose energies are too large for float32', () => {
    const left = potentialVectors().filter(
      ({ model, input }) => engine(model).evaluate([input], WANT)[0] === undefined,
    );
    expect(left.map(({ name }) => name)).toEqual(['scalar-gas']);
  });

  it.each([
    ['ANI', 'test-two', 'two-triclinic', STEPS],
    ['HIP-NN', 'test-tensor', 'tensor-small', STEPS / 50],
  ])('holds no more after %s (%s) has moved %s by %i steps', { timeout: 600_000 }, (_, model, name, steps) => {
    const random = randomNumbers(3);
    const { input } = potentialVector(name);
    const move = (): System => displaced(input, () => 0.03 * (random() - 0.5));
    engine(model).evaluate([move()], WANT);
    const before = tf.memory();
    for (let step = 0; step < steps; step++) engine(model).evaluate([move()], WANT);
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numBytes).toBe(before.numBytes);
  });

  it('holds nothing of a model that was closed', () => {
    const { input } = potentialVector('two-gas');
    const before = tf.memory();
    const own = new TensorflowEngine(tf, testModel('test-two').model);
    own.evaluate([input], WANT);
    expect(tf.memory().numBytes - before.numBytes).toBeGreaterThanOrEqual(own.bytes);
    own.close();
    expect(tf.memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
  });

  it('is told from other faults where its memory is too small', () => {
    const fault = (what: () => void) => {
      try {
        what();
      } catch (error) {
        return error;
      }
      return undefined;
    };
    const huge = fault(() =>
      tf.tidy(() =>
        tf
          .ones([1 << 20, 1])
          .mul(tf.ones([1, 1 << 22]))
          .dataSync(),
      ),
    );
    expect(huge).toBeInstanceOf(Error);
    expect(isOutOfMemory(huge), (huge as Error).message).toBe(true);
    const other = fault(() => tf.tidy(() => tf.matMul(tf.ones([2, 3]), tf.ones([2, 3])).dataSync()));
    expect(other).toBeInstanceOf(Error);
    expect(isOutOfMemory(other)).toBe(false);
  });

  it('gives the same in blocks as at once', () => {
    const { input, model } = potentialVector('two-triclinic');
    const large = repeated(input, [6, 6, 4]);
    const small = engine(model).evaluate([input], WANT)[0]!;
    const whole = engine(model).evaluate([large], WANT)[0]!;
    if (small instanceof Error) throw small;
    if (whole instanceof Error) throw whole;
    const n = input.numbers.length;
    expect(large.numbers.length).toBe(144 * n);
    for (let i = 0; i < whole.forces!.length; i++)
      expect(Math.abs(whole.forces![i] - small.forces![i % (3 * n)])).toBeLessThan(2e-4);
    expect(Math.abs(whole.energy - 144 * small.energy)).toBeLessThan(1e-5 * 144 * n);
  });
});

describe('a budget', () => {
  const exhausted = () => new Error('OOM when allocating tensor with shape[1,2]');

  it('halves what does not fit, keeps the order, and asks for less from then on', () => {
    const budget = new Budget(100);
    const done: number[] = [];
    budget.run([1, 2, 3, 4, 5], 90, (part) => {
      if (part.length > 2) throw exhausted();
      done.push(...part);
    });
    expect(done).toEqual([1, 2, 3, 4, 5]);
    expect(budget.limit).toBe(22);
  });

  it('says so where a single item does not fit', async () => {
    const run = () =>
      new Budget(100).run([1, 2], 2, () => {
        throw exhausted();
      });
    await expectError(run, 'E_LIMIT', 'not enough memory');
  });

  it('passes other faults on', () => {
    const run = () =>
      new Budget(100).run([1, 2], 2, () => {
        throw new Error('shapes');
      });
    expect(run).toThrow('shapes');
  });
});

it('buckets are few, and at most a quarter too large', () => {
  const sizes = new Set<number>();
  for (let n = 1; n <= 10_000; n++) {
    const size = bucket(n);
    expect(size).toBeGreaterThanOrEqual(n);
    if (n >= 4) expect(size).toBeLessThanOrEqual(1.25 * n);
    sizes.add(size);
  }
  expect(sizes.size).toBeLessThan(60);
});
