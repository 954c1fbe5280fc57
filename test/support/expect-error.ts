import { expect } from 'vitest';
import { type Code, MltsError } from '../../src/errors.ts';

/** What `run` throws or rejects with; fails unless it is an MltsError of this code whose `what` holds every part. */
export async function errorOf(run: () => unknown, code: Code, ...parts: readonly string[]): Promise<MltsError> {
  const error = await Promise.resolve()
    .then(run)
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  expect(error, `${code} was expected`).toBeInstanceOf(MltsError);
  const fault = error as MltsError;
  expect(fault.code, fault.message).toBe(code);
  for (const part of parts) expect(fault.what).toContain(part);
  expect(fault.remedy.length, 'a remedy').toBeGreaterThan(8);
  return fault;
}

/** As `errorOf`, where the error itself is not looked at. */
export async function expectError(run: () => unknown, code: Code, ...parts: readonly string[]): Promise<void> {
  await errorOf(run, code, ...parts);
}
