/** The reference backend as something that is called: cancelled, closed, called twice at once. */
import { describe, expect, it } from 'vitest';
import type { System, Want } from '../../../src/engine/potential.ts';
import { ReferencePotential } from '../../../src/engine/reference/reference.ts';
import type { MltsError } from '../../../src/errors.ts';
import { expectError } from '../../support/expect-error.ts';
import { testModel } from '../../support/models.ts';
import { repeated } from '../../support/systems.ts';
import { potentialVector } from '../../support/vectors.ts';

const { model } = testModel('test-two');
const small = potentialVector('two-gas').input;
const large = repeated(potentialVector('two-triclinic').input, [8, 8, 8]);
const forces = new Set<Want>(['forces']);

/** size³ hydrogen atoms, `apart` Å from one another. */
function grid(size: number, apart: number): System {
  const n = size ** 3;
  const positions = Float64Array.from(
    { length: 3 * n },
    (_, i) => apart * (Math.floor(Math.floor(i / 3) / size ** (i % 3)) % size),
  );
  return { numbers: new Int32Array(n).fill(1), positions };
}

describe('the reference backend', () => {
  it('needs a batch', () => expectError(() => new ReferencePotential(model).evaluate([], forces), 'E_EMPTY', 'batch'));

  it('that is closed is E_UNAVAILABLE', () => {
    const potential = new ReferencePotential(model);
    potential.close();
    return expectError(() => potential.evaluate([small], forces), 'E_UNAVAILABLE', 'closed');
  });

  it('asked with a signal that has fired is E_CANCELLED', () =>
    expectError(
      () => new ReferencePotential(model).evaluate([small], forces, { signal: AbortSignal.abort() }),
      'E_CANCELLED',
    ));

  it('stops in the middle of a large system', async () => {
    const stop = new AbortController();
    const started = performance.now();
    const evaluation = new ReferencePotential(model).evaluate([large], forces, { signal: stop.signal });
    setTimeout(() => stop.abort(), 30);
    await expectError(() => evaluation, 'E_CANCELLED');
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('lets the event loop turn while it computes', async () => {
    const stop = new AbortController();
    const evaluation = new ReferencePotential(model).evaluate([large], forces, { signal: stop.signal });
    let turns = 0;
    const timer = setInterval(() => {
      if (++turns === 3) stop.abort();
    }, 1);
    await expectError(() => evaluation, 'E_CANCELLED');
    clearInterval(timer);
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  it('keeps two evaluations at once apart', async () => {
    const potential = new ReferencePotential(model);
    const other = potentialVector('two-small').input;
    const medium = repeated(potentialVector('two-triclinic').input, [2, 2, 1]);
    const alone = [
      await potential.evaluate([medium, small], forces),
      await potential.evaluate([other, medium], forces),
    ];
    expect(
      await Promise.all([potential.evaluate([medium, small], forces), potential.evaluate([other, medium], forces)]),
    ).toEqual(alone);
  });

  it('does not choke on atoms without number at one place', async () => {
    const n = 60_000;
    const heap = { numbers: new Int32Array(n).fill(1), positions: new Float64Array(3 * n) };
    const box = { cell: Float64Array.of(0.9, 0, 0, 0, 0.9, 0, 0, 0, 0.9), pbc: [true, true, true] as const };
    const outcomes = await new ReferencePotential(model).evaluate([heap, { ...heap, ...box }], forces);
    expect(outcomes.map((outcome) => (outcome as MltsError).code)).toEqual(['E_OVERLAP', 'E_LIMIT']);
    const [crowd] = await new ReferencePotential({ ...model, minDistance: 0 }).evaluate([grid(40, 0.01)], forces);
    expect((crowd as MltsError).code).toBe('E_LIMIT');
  });

  it('counts its weights', () =>
    expect(new ReferencePotential(model).memoryBytes()).toBe(
      4 * 3 * (59 * 17 + 17 + 17 * 9 + 9 + 9 + 1 + 59 * 11 + 11 + 11 + 1),
    ));
});
