/** Records that came over a socket: what is no result of the structure it is said to be of is refused. */
import { MltsError } from '../../../errors.ts';
import type { LabelRecord } from '../../executor.ts';
import { FAILURES } from '../../label.ts';

const invalid = (what: string): MltsError =>
  new MltsError('E_PROTOCOL', `the record ${what}`, 'Use the same mlts on all nodes.');

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isNumbers = (value: unknown, length: number): boolean =>
  Array.isArray(value) && value.length === length && value.every(isNumber);

export interface Expected {
  readonly id: string;
  readonly atoms: number;
  readonly level: string;
}

/** @param content JSON @throws MltsError E_PROTOCOL */
export function readLabelRecord(content: string, { id, atoms, level }: Expected): LabelRecord {
  const record = objectOf(content, 'is no JSON object');
  if (record.id !== id) throw invalid('is of another structure');
  if (record.level !== level) throw invalid(`is of level ${String(record.level)}, not ${level}`);
  if (typeof record.program !== 'string' || !isNumber(record.seconds)) throw invalid('lacks program or seconds');
  const { program, seconds } = record;
  const common = { id, level, program, seconds: Math.max(0, seconds) };
  if (record.status === 'failed') {
    const kind = Object.keys(FAILURES).find((one) => one === record.kind) as keyof typeof FAILURES | undefined;
    if (kind === undefined || typeof record.what !== 'string') throw invalid('has a failure of no kind');
    return { ...common, status: 'failed', kind, what: record.what };
  }
  if (record.status !== 'labelled') throw invalid('is neither labelled nor failed');
  const { energy, forces, virial } = record;
  if (!isNumber(energy)) throw invalid('has no energy');
  if (!Array.isArray(forces) || forces.length !== atoms || !forces.every((one) => isNumbers(one, 3))) {
    throw invalid(`has no forces on ${atoms} atoms`);
  }
  if (virial !== undefined && !isNumbers(virial, 9)) throw invalid('has a virial that is none');
  return {
    ...{ ...common, status: 'labelled', energy, forces: forces as [number, number, number][] },
    ...(virial !== undefined && { virial: virial as number[] }),
  };
}

/** Raw files by name, which become paths. @param content JSON @throws MltsError E_PROTOCOL */
export function readRaw(content: string): Readonly<Record<string, string>> {
  const files = Object.entries(objectOf(content, 'has raw files that are no JSON object'));
  for (const [name, file] of files) {
    if (!/^\w[\w.+-]{0,99}$/.test(name) || typeof file !== 'string') throw invalid('has a raw file of no good name');
  }
  return Object.fromEntries(files) as Record<string, string>;
}

function objectOf(content: string, otherwise: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    throw invalid(otherwise);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(otherwise);
  return value as Record<string, unknown>;
}
