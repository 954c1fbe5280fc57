/** The laws of a potential through the server and the TypeScript client. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { Client } from '../../src/client/client.ts';
import { NativePotential } from '../../src/engine/native.ts';
import { ReferencePotential } from '../../src/engine/reference/reference.ts';
import { potentialLaws } from '../laws/potential.ts';
import { expectClose } from '../support/close.ts';
import { Door } from '../support/door.ts';
import { testModel } from '../support/models.ts';
import { startServer } from '../support/servers.ts';
import { displaced, randomNumbers } from '../support/systems.ts';
import { potentialVector } from '../support/vectors.ts';

for (const precision of ['double', 'single'] as const) {
  potentialLaws('the server with the native backend', ({ model }) => Door.open(new NativePotential(model)), {
    precision,
  });
}

describe('real models behind one server', () => {
  it('answer clients of two backends and two precisions at once, each with its own numbers', async () => {
    const { model } = testModel('test-two');
    const native = new NativePotential(model);
    const reference = new ReferencePotential({ ...model, name: 'reference' });
    const { endpoint } = await startServer({ potentials: [native, reference] });
    const { input } = potentialVector('two-gas');
    const random = randomNumbers(3);
    const systems = Array.from({ length: 12 }, () => displaced(input, () => 0.02 * random()));
    const run = async (name: string, precision: 'single' | 'double') => {
      const client = await Client.connect(endpoint);
      onTestFinished(() => client.close());
      const session = await client.open({ numbers: input.numbers, model: name, precision });
      const energies: number[] = [];
      for (const { positions } of systems) energies.push((await session.evaluate(positions)).energy);
      return energies;
    };
    const [truth, double, single] = await Promise.all([
      run('reference', 'double'),
      run('test-two', 'double'),
      run('test-two', 'single'),
    ]);
    expect(new Set(truth).size).toBe(systems.length);
    expectClose(double, truth, 1e-9, 'double');
    expectClose(single, truth, 1e-5 * input.numbers.length, 'single');
  });
});
