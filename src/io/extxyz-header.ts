import type { Lines } from './lines.ts';
import type { InfoValue } from './structure.ts';

/**
 * The comment line of extended XYZ: `key=value` pairs, values bare, quoted, or lists in quotes, braces or brackets; a bare
 * key is true. Source: https://github.com/libAtoms/extxyz and ase.io.extxyz, whose habits both readers and writers follow.
 */

const KEY = /\s*(?:"((?:[^"\\]|\\.)*)"|([^\s="']+))/y;
const EQUALS = /\s*=\s*/y;
const VALUE = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|\{([^}]*)\}|(\[[^\]]*(?:\][^\]\s]*)*\])|([^\s"]+)/y;

/** Every pair of a comment line, values still as text. */
export function splitHeader(lines: Lines, text: string): Map<string, string> {
  const pairs = new Map<string, string>();
  let at = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  while (text.slice(at).trim() !== '') {
    const key = match(KEY);
    if (!key) throw malformed(lines, text.slice(at).trim());
    const name = key[1] === undefined ? key[2] : unquote(key[1]);
    if (!match(EQUALS)) {
      pairs.set(name, 'T');
      continue;
    }
    const value = match(VALUE);
    if (!value) throw malformed(lines, text.slice(at).trim() || `${name}=`);
    const quoted = value[1] ?? value[2];
    pairs.set(name, quoted === undefined ? (value[3] ?? value[4] ?? value[5]) : unquote(quoted));
  }
  return pairs;
}

const malformed = (lines: Lines, at: string) =>
  lines.error(`the comment line is not key=value pairs from '${at.slice(0, 40)}' on`, 'Quote values that hold spaces.');

const unquote = (text: string) => text.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));

const LOGICAL: Readonly<Record<string, boolean>> = {
  ...{ T: true, True: true, TRUE: true, true: true },
  ...{ F: false, False: false, FALSE: false, false: false },
};

/** true or false as extended XYZ writes it, or undefined. */
export const parseLogical = (text: string): boolean | undefined =>
  Object.hasOwn(LOGICAL, text) ? LOGICAL[text] : undefined;

/** Text as number, boolean, a flat list of either, or itself. Nested lists become flat, row by row. */
export function parseInfo(text: string): InfoValue {
  // How ASE marks values that only JSON can hold.
  if (text.startsWith('_JSON [')) return parseInfo(text.slice('_JSON '.length));
  const bracketed = text.startsWith('[');
  const parts = (bracketed ? text.replace(/[[\],]/g, ' ') : text).trim().split(/\s+/);
  const numbers = parts.map(toNumber);
  if (numbers.every((value) => value !== undefined)) return parts.length === 1 && !bracketed ? numbers[0] : numbers;
  const logicals = parts.map(parseLogical);
  if (logicals.every((value) => value !== undefined)) return parts.length === 1 && !bracketed ? logicals[0] : logicals;
  return bracketed ? parts.map((part) => part.replace(/^["']|["']$/g, '')) : text;
}

function toNumber(text: string): number | undefined {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text.replace(/[dD]/, 'e'));
  return Number.isFinite(value) ? value : undefined;
}

/** One `key=value` pair, so that `splitHeader` and `parseInfo` give the same value back. */
export function formatInfo(key: string, value: InfoValue): string {
  const name = /^[^\s="'[\]{}]+$/.test(key) ? key : `"${requote(key)}"`;
  if (typeof value === 'boolean') return `${name}=${value ? 'T' : 'F'}`;
  if (typeof value === 'number') return `${name}=${value}`;
  if (typeof value === 'string') return `${name}=${/^[^\s="'[\]{},\\]+$/.test(value) ? value : `"${requote(value)}"`}`;
  const items = value.map((item) => (typeof item === 'boolean' ? (item ? 'T' : 'F') : String(item)));
  if (value.every((item) => typeof item !== 'string') && items.length > 1) return `${name}="${items.join(' ')}"`;
  return `${name}=[${items.join(', ')}]`;
}

const requote = (text: string) => text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
