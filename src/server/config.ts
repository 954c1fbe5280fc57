/** The file behind `mlts serve --config`: YAML, every key checked, errors with their place. */
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { BACKEND_CHOICES, type BackendChoice } from '../engine/select.ts';
import { MltsError } from '../errors.ts';
import { LOG_LEVELS, type LogLevel } from '../log.ts';
import { nearest } from '../model/nearest.ts';
import { fieldName, wireName } from '../protocol/names.ts';
import { DEFAULT_HARVEST, type HarvestSettings } from './harvest.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';

export interface Config {
  readonly models?: readonly string[];
  readonly bind?: readonly string[];
  readonly threads?: number;
  readonly backend?: BackendChoice;
  readonly log?: LogLevel;
  readonly keys?: { readonly server?: string; readonly allowed?: string };
  readonly limits?: Partial<Limits>;
  readonly harvest?: Partial<HarvestSettings>;
}

/** Reads one value, or says what it must be. */
type Rule = (node: Node, refuse: (expected: string) => never) => unknown;

const text: Rule = (node, refuse) =>
  isScalar(node) && typeof node.value === 'string' && node.value !== '' ? node.value : refuse('text');
const texts: Rule = (node, refuse) =>
  isSeq(node) ? node.items.map((item) => text(item as Node, refuse)) : [text(node, refuse)];
const oneOf =
  (names: readonly string[]): Rule =>
  (node, refuse) =>
    isScalar(node) && names.includes(node.value as string) ? node.value : refuse(`one of ${names.join(', ')}`);
const atLeast =
  (least: number): Rule =>
  (node, refuse) =>
    isScalar(node) && Number.isSafeInteger(node.value) && (node.value as number) >= least
      ? node.value
      : refuse(`a whole number of ${least} or more`);
const above0 =
  (what: string): Rule =>
  (node, refuse) =>
    isScalar(node) && typeof node.value === 'number' && node.value > 0 && Number.isFinite(node.value)
      ? node.value
      : refuse(`${what} above 0`);
const seconds = above0('a number of seconds');

/** Of settings by name: numbers where it begins with max, else times. */
const rulesOf = (defaults: object): Record<string, Rule> =>
  Object.fromEntries(
    Object.keys(defaults).map((name) => [wireName(name), name.startsWith('max') ? atLeast(1) : seconds]),
  );

/**
 * @param file named in errors; relative paths in it start from its folder
 * @throws MltsError E_USAGE with line and column
 */
export function parseConfig(content: string, file: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines });
  const place = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${file}:${line}:${col}`;
  };
  const error = document.errors[0];
  if (error !== undefined) {
    throw new MltsError(
      'E_USAGE',
      `${place(error.pos[0])}: ${error.message.split('\n')[0]}`,
      'Correct the YAML there.',
    );
  }

  const section =
    (rules: Record<string, Rule>): Rule =>
    (node, refuse) => {
      if (!isMap(node)) return refuse(`settings (${Object.keys(rules).join(', ')})`);
      const settings: Record<string, unknown> = {};
      for (const { key, value } of node.items) {
        const at = place((key as Node).range?.[0]);
        const name = String(isScalar(key) ? key.value : key);
        const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
        if (rule === undefined) {
          const near = nearest(name, Object.keys(rules));
          const remedy = near === undefined ? `There are ${Object.keys(rules).join(', ')}.` : `Did you mean '${near}'?`;
          throw new MltsError('E_USAGE', `${at}: there is no setting '${name}'`, remedy);
        }
        settings[name] = rule((value ?? document.createNode(null)) as Node, (expected) => {
          const found = isScalar(value) ? ` is ${JSON.stringify(value.value)},` : '';
          throw new MltsError('E_USAGE', `${at}: '${name}'${found} must be ${expected}`, 'Correct the value there.');
        });
      }
      return settings;
    };

  const named =
    (rules: Record<string, Rule>): Rule =>
    (node, refuse) => {
      const given = section(rules)(node, refuse) as Record<string, unknown>;
      return Object.fromEntries(Object.entries(given).map(([name, value]) => [fieldName(name), value]));
    };

  const path: Rule = (node, refuse) => {
    const name = text(node, refuse) as string;
    return isAbsolute(name) ? name : join(dirname(file), name);
  };
  const model: Rule = (node, refuse) => {
    const name = text(node, refuse) as string;
    return name.endsWith('.mlts') ? path(node, refuse) : name;
  };
  const rules: Record<string, Rule> = {
    models: (node, refuse) =>
      isSeq(node) ? node.items.map((item) => model(item as Node, refuse)) : [model(node, refuse)],
    bind: texts,
    threads: atLeast(1),
    backend: oneOf(BACKEND_CHOICES),
    log: oneOf(LOG_LEVELS),
    keys: section({ server: path, allowed: path }),
    limits: named(rulesOf(DEFAULT_LIMITS)),
    harvest: named({ folder: path, ...rulesOf(DEFAULT_HARVEST), threshold: above0('a number of eV/Å') }),
  };
  if (document.contents === null) return {};
  return section(rules)(document.contents, (expected) => {
    throw new MltsError('E_USAGE', `${file} must hold ${expected}`, 'Write one setting a line, `name: value`.');
  }) as Config;
}

/** @throws MltsError E_FILE | E_USAGE */
export async function readConfig(file: string): Promise<Config> {
  const content = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new MltsError(
      'E_FILE',
      `cannot read ${file} (${cause.message})`,
      'Name a file that exists and that you may read.',
      { cause },
    );
  });
  return parseConfig(content, file);
}
