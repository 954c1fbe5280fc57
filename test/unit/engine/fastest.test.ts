/** What auto measures: real backends, the slow one in either place. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ATOMS, timingOf, timings, timingsFile } from '../../../src/engine/fastest.ts';
import { NativePotential } from '../../../src/engine/native.ts';
import type { Potential } from '../../../src/engine/potential.ts';
import { openPotential } from '../../../src/engine/select.ts';
import { testModel } from '../../support/models.ts';
import { temporaryFolder } from '../../support/servers.ts';
import { tensorflowPotential } from '../../support/tensorflow.ts';

const { model } = testModel('test-two');
const native = () => closed(new NativePotential(model, { threads: 1 }));
function closed<T extends Potential>(potential: T): T {
  onTestFinished(() => potential.close());
  return potential;
}

/** The native backend, with a wait before each answer. */
class Slow extends NativePotential {
  override async evaluate(...given: Parameters<NativePotential['evaluate']>) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return super.evaluate(...given);
  }
}
const slowed = () => closed(new Slow(model, { threads: 1 }));

it('the faster one is taken, and not measured again', async () => {
  const file = join(temporaryFolder(), 'cache/backends.json');
  const found = await timingOf(slowed(), async () => native(), { threads: 1, file });
  expect(found.backend).toBe('tensorflow');
  expect(found.native_ms).toBeGreaterThan(30);
  expect(found.tensorflow_ms).toBeLessThan(found.native_ms);
  const never = () => expect.unreachable('it is known');
  expect(await timingOf(native(), never, { threads: 1, file })).toEqual(found);
  expect(Object.keys(timings(file))).toEqual([expect.stringContaining(`${model.sha256} 1`)]);
  // At another number of threads it is another question.
  const other = await timingOf(native(), async () => slowed(), { threads: 2, file });
  expect(other.backend).toBe('native');
  expect(Object.keys(timings(file))).toHaveLength(2);
});

it('a torn file is no answer', async () => {
  const file = join(temporaryFolder(), 'backends.json');
  writeFileSync(file, '{"host 0.1.0 abc all": {"backe');
  expect((await timingOf(native(), async () => slowed(), { file })).backend).toBe('native');
  expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')))).toHaveLength(1);
});

it('TensorFlow.js on processors loses', { timeout: 120_000 }, async () => {
  const file = join(temporaryFolder(), 'backends.json');
  const { backend, native_ms, tensorflow_ms } = await timingOf(native(), () => tensorflowPotential(model), { file });
  expect(backend).toBe('native');
  expect(tensorflow_ms).toBeGreaterThan(native_ms);
  expect(ATOMS).toBe(384);
});

it('without a GPU auto asks nobody', async () => {
  vi.stubEnv('XDG_CACHE_HOME', temporaryFolder());
  onTestFinished(() => void vi.unstubAllEnvs());
  const potential = closed(await openPotential(model, { threads: 1 }));
  expect(potential.backend).toBe('native');
  expect(existsSync(timingsFile())).toBe(false);
});
