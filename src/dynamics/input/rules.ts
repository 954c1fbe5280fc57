/** Rules that turn what a user wrote into checked values, or say where it is wrong and what it must be. */
import { MltsError } from '../../errors.ts';
import { nearest } from '../../model/nearest.ts';
import { EV_PER_ANGSTROM3_IN_GPA } from '../../units.ts';
import type { Input } from './input.ts';

/** @throws MltsError E_USAGE */
export type Rule<T> = (input: Input) => T;

/** `PLACE is VALUE, must be EXPECTED`. */
export function refuse({ place, scalar, items, fields }: Input, expected: string): never {
  const found = items ? 'a list' : fields ? 'settings' : scalar === null ? 'empty' : `'${String(scalar)}'`;
  throw new MltsError('E_USAGE', `${place} is ${found}, must be ${expected}`, 'Correct it there.');
}

export const text: Rule<string> = (input) =>
  typeof input.scalar === 'string' && input.scalar !== ''
    ? input.scalar
    : typeof input.scalar === 'number'
      ? String(input.scalar)
      : refuse(input, 'text');

export const logical: Rule<boolean> = (input) =>
  typeof input.scalar === 'boolean' ? input.scalar : refuse(input, 'true or false');

export const oneOf =
  <T extends string>(names: readonly T[]): Rule<T> =>
  (input) => {
    const name = names.find((one) => one === input.scalar);
    if (name !== undefined) return name;
    const near = typeof input.scalar === 'string' ? nearest(input.scalar, names) : undefined;
    return refuse(input, `one of ${names.join(', ')}${near === undefined ? '' : ` (did you mean '${near}'?)`}`);
  };

interface Bounds {
  readonly above?: number;
  readonly least?: number;
  readonly most?: number;
  readonly unit?: string;
}

const numeric = (scalar: unknown): number =>
  typeof scalar === 'number'
    ? scalar
    : typeof scalar === 'string' && scalar.trim() !== ''
      ? Number(scalar)
      : Number.NaN;

export const number =
  ({ above, least, most, unit = '' }: Bounds = {}): Rule<number> =>
  (input) => {
    const value = numeric(input.scalar);
    const isIn =
      Number.isFinite(value) &&
      (above === undefined || value > above) &&
      (least === undefined || value >= least) &&
      (most === undefined || value <= most);
    if (isIn) return value;
    const bounds = [
      ...(above === undefined ? [] : [`above ${above}`]),
      ...(least === undefined ? [] : [`of at least ${least}`]),
      ...(most === undefined ? [] : [`of at most ${most}`]),
    ];
    return refuse(input, ['a number', bounds.join(' and '), unit && `in ${unit}`].filter(Boolean).join(' '));
  };

export const whole =
  (least: number, most = Number.MAX_SAFE_INTEGER): Rule<number> =>
  (input) => {
    const value = numeric(input.scalar);
    return Number.isSafeInteger(value) && value >= least && value <= most
      ? value
      : refuse(input, `a whole number from ${least}${most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ''}`);
  };

export const list =
  <T>(rule: Rule<T>, length?: number): Rule<readonly T[]> =>
  (input) => {
    const items = input.items ?? (length === undefined ? [input] : undefined);
    if (items === undefined || (length !== undefined && items.length !== length)) {
      return refuse(input, length === undefined ? 'a list' : `a list of ${length}`);
    }
    return items.map(rule);
  };

/** Atoms by number from 0: a list, or text like `0,4,8-15`. */
export const atoms: Rule<readonly number[]> = (input) => {
  if (typeof input.scalar !== 'string') return list(whole(0))(input);
  return input.scalar.split(',').flatMap((part) => {
    const match = /^\s*(\d{1,9})(?:-(\d{1,9}))?\s*$/.exec(part);
    const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
    if (!(last >= first)) return refuse(input, 'atoms by number from 0, like 0,4,8-15');
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
};

/** A number with a unit behind it, turned into the unit of mlts. */
const quantity =
  (units: Readonly<Record<string, number>>, expected: string, bare?: number): Rule<number> =>
  (input) => {
    if (numeric(input.scalar) === 0) return 0;
    const match = /^\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*([^\s\d].*?)?\s*$/.exec(String(input.scalar));
    const factor = match?.[2] === undefined ? bare : units[match[2]];
    const value = Number(match?.[1]) * (factor ?? Number.NaN);
    return Number.isFinite(value) ? value : refuse(input, expected);
  };

/** fs; a bare number is fs. */
export const duration: Rule<number> = (input) => {
  const value = quantity({ fs: 1, ps: 1e3, ns: 1e6 }, 'a time like 500fs, 10ps or 1ns', 1)(input);
  return value > 0 ? value : refuse(input, 'a time above 0, like 10ps');
};

/** eV/Å³; a bare number other than 0 is refused, for nobody could tell its unit. */
export const pressure: Rule<number> = (input) => {
  const gpa = 1 / EV_PER_ANGSTROM3_IN_GPA;
  const units = {
    GPa: gpa,
    MPa: gpa / 1e3,
    kbar: gpa / 10,
    bar: gpa / 1e4,
    atm: (1.01325 * gpa) / 1e4,
    'eV/Å³': 1,
    'eV/A3': 1,
  };
  const value = quantity(units, 'a pressure with its unit, like 1bar, 2.5GPa or 0.01eV/A3')(input);
  return Math.abs(value) <= 1e4 * gpa ? value : refuse(input, 'within ±10000 GPa');
};

/** Settings of known names; the nearest name is suggested for an unknown one, and each name stands once. */
export function settings<T extends object>(
  rules: { readonly [K in keyof T]-?: Rule<Exclude<T[K], undefined>> },
  what: string,
): Rule<T> {
  const names = Object.keys(rules);
  return (input) => {
    if (input.fields === undefined) return refuse(input, `settings (${names.join(', ')})`);
    const values: Record<string, unknown> = {};
    for (const { name, place, input: value } of input.fields) {
      if (!Object.hasOwn(rules, name)) {
        const near = nearest(name, names);
        throw new MltsError(
          'E_USAGE',
          `${place} is no setting of ${what}`,
          near === undefined ? `There are ${names.join(', ')}.` : `Did you mean '${near}'?`,
        );
      }
      values[name] = rules[name as keyof T](value);
    }
    return values as T;
  };
}

/** What an input should say and does not. @param names of the settings that say it, one of which is enough */
export const missing = ({ place, spelled = (name) => name }: Input, what: string, ...names: string[]) =>
  new MltsError('E_USAGE', `${place} must say ${what}`, `Give it ${names.map(spelled).join(' or ')}.`);
