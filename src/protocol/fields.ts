/** Strict readers of the fields of a decoded map: the right type and bounds, or a typed error that names the field. */
import { MltsError } from '../errors.ts';
import { type ArrayField, type ArrayOf, arrayOf, DTYPES } from './arrays.ts';
import type { WireMap } from './codec.ts';
import { type Pbc, WANTS, type WireWant } from './messages.ts';

const kindOf = (value: unknown): string => {
  if (value === null) return 'nil';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Uint8Array) return 'a binary';
  return typeof value === 'object' ? 'a map' : `the ${typeof value} ${String(value).slice(0, 40)}`;
};

const wrong = (field: string, value: unknown, expected: string): MltsError =>
  new MltsError(
    'E_PROTOCOL',
    `'${field}' is ${kindOf(value)}, not ${expected}`,
    'See docs/protocol.md for the type of each field.',
  );

/** The value of a field that must be there. */
export function required<T>(value: T | undefined, message: string, field: string): T {
  if (value !== undefined) return value;
  throw new MltsError(
    'E_PROTOCOL',
    `'${message}' lacks '${field}'`,
    'See docs/protocol.md for the fields of each message.',
  );
}

export function text(map: WireMap, field: string): string | undefined {
  const value = map[field];
  if (value === undefined || typeof value === 'string') return value;
  throw wrong(field, value, 'a string');
}

/** An integer in 0 … 2⁵³−1. */
export function whole(map: WireMap, field: string): number | undefined {
  const value = map[field];
  if (value === undefined) return value;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(field, value, 'an integer of 0 or more');
}

/** A finite number; a whole one may have come as an integer. */
export function real(map: WireMap, field: string): number | undefined {
  const value = map[field];
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
  throw wrong(field, value, 'a finite number');
}

export function flag(map: WireMap, field: string): boolean | undefined {
  const value = map[field];
  if (value === undefined || typeof value === 'boolean') return value;
  throw wrong(field, value, 'a boolean');
}

export function oneOf<T extends string>(map: WireMap, field: string, allowed: readonly T[]): T | undefined {
  const value = text(map, field);
  if (value === undefined || (allowed as readonly string[]).includes(value)) return value as T | undefined;
  throw new MltsError('E_USAGE', `'${field}' is '${value.slice(0, 40)}'`, `Choose one of ${allowed.join(', ')}.`);
}

/** An array field's bytes as its dtype, copied once out of the frame. */
export function array<Field extends ArrayField>(map: WireMap, field: Field): ArrayOf<Field> | undefined {
  const value = map[field];
  if (value === undefined) return value;
  if (value instanceof Uint8Array) return arrayOf(field, value);
  throw wrong(field, value, `a binary of ${DTYPES[field]}`);
}

export function list(map: WireMap, field: string): readonly unknown[] | undefined {
  const value = map[field];
  if (value === undefined || Array.isArray(value)) return value;
  throw wrong(field, value, 'an array');
}

export function asMap(value: unknown, field: string): WireMap {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array))
    return value as WireMap;
  throw wrong(field, value, 'a map');
}

export function pbc(map: WireMap): Pbc | undefined {
  const value = list(map, 'pbc');
  if (value === undefined) return value;
  if (value.length === 3 && value.every((entry) => typeof entry === 'boolean')) return value as unknown as Pbc;
  throw wrong('pbc', value, 'three booleans');
}

export function want(map: WireMap): readonly WireWant[] | undefined {
  const values = list(map, 'want');
  if (values === undefined) return values;
  for (const value of values) {
    if (typeof value !== 'string') throw wrong('want', value, 'an array of strings');
    if (!(WANTS as readonly string[]).includes(value)) {
      throw new MltsError(
        'E_USAGE',
        `'want' holds '${value.slice(0, 40)}', which this server does not know`,
        `Choose among ${WANTS.join(', ')}.`,
      );
    }
  }
  return values as readonly WireWant[];
}

/** [3,3] Å */
export function cell(map: WireMap): Float64Array | undefined {
  const value = array(map, 'cell');
  if (value === undefined || value.length === 9) return value;
  throw new MltsError(
    'E_SHAPE',
    `'cell' has ${value.length} numbers, not 9`,
    'Send three lattice vectors of three components, row by row.',
  );
}
