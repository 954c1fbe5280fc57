/** Outcomes of the backend as replies of the wire. A number that is not finite never leaves the server. */
import type { Outcome, Result } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import type { WireError, WireResult } from '../protocol/messages.ts';
import { wireName } from '../protocol/names.ts';
import type { Job } from './job.ts';
import type { Metrics } from './metrics.ts';

export const wireError = ({ code, what, remedy, atom }: MltsError): WireError => ({
  code,
  what,
  remedy,
  ...(atom === undefined ? {} : { atom }),
});

export const errorReply = (error: MltsError, id: number | undefined): object => ({
  type: 'error',
  ...(id === undefined ? {} : { id }),
  ...wireError(error),
});

/** A sum is finite only if every term is: one test for a whole array. */
function allFinite(values: Float64Array | Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return Number.isFinite(sum);
}

/** @throws MltsError E_NONFINITE */
function wireResult(result: Result, natoms: number): WireResult {
  const wire: Record<string, unknown> = { natoms };
  for (const key in result) {
    const value = result[key as keyof Result];
    if (value === undefined) continue;
    if (typeof value === 'number' ? !Number.isFinite(value) : !allFinite(value)) {
      throw new MltsError(
        'E_NONFINITE',
        `the model's ${key} of this system of ${natoms} atoms is not finite`,
        'Look at the structure: it is far from anything the model was trained on.',
      );
    }
    wire[wireName(key)] = value;
  }
  return wire as unknown as WireResult;
}

function resultOrError(outcome: Outcome, natoms: number): WireResult | MltsError {
  if (outcome instanceof MltsError) return outcome;
  try {
    return wireResult(outcome, natoms);
  } catch (error) {
    return error as MltsError;
  }
}

/** The reply to a job all of whose systems have an outcome. */
export function replyTo(job: Job, metrics: Metrics): object {
  const results = job.outcomes.map((outcome, index) => resultOrError(outcome, job.systems[index].numbers.length));
  for (const result of results) if (result instanceof MltsError) metrics.error(result.code);
  const { sha256 } = job.kind.served.wire;
  if (job.isBatch) {
    return {
      type: 'evaluate',
      id: job.id,
      sha256,
      results: results.map((result) => (result instanceof MltsError ? wireError(result) : result)),
    };
  }
  const result = results[0];
  if (result instanceof MltsError) return errorReply(result, job.id);
  return {
    type: 'evaluate',
    id: job.id,
    sha256,
    ...(job.session === undefined ? {} : { session: job.session.id }),
    ...result,
  };
}
