/** What a section of the benchmark gets and gives. */
import type { BenchModel } from './models.ts';
import type { Prototype } from './prototype.ts';
import type { Structure } from './structures.ts';

export interface Context {
  /** The command line under test, e.g. [node, dist/cli/main.js]. */
  readonly mlts: readonly string[];
  readonly threads: number;
  /** How often each measurement is taken, in turn with what it is compared to. */
  readonly rounds: number;
  readonly models: ReadonlyMap<string, BenchModel>;
  readonly structures: ReadonlyMap<string, Structure>;
  readonly prototype: Prototype | undefined;
  /** A folder for inputs and outputs of the run. */
  readonly folder: string;
  /** Few and small systems: shows that everything runs, measures nothing of interest. */
  readonly quick: boolean;
  readonly say: (text: string) => void;
}

/** One claim of the project held against what was measured. */
export interface Check {
  readonly claim: string;
  readonly measured: string;
  readonly holds: boolean;
}

export type Row = Record<string, string | number>;

export interface Outcome {
  /** One object a line of the table; keys are the column heads. Missing cells stay empty. */
  readonly rows: readonly Row[];
  readonly checks: readonly Check[];
  /** Said below the table. */
  readonly notes: readonly string[];
}

export interface Section {
  readonly name: string;
  readonly title: string;
  run(context: Context): Promise<Outcome>;
}

/** The model that fits a structure: the first that knows all its elements. */
export function modelFor({ models }: Context, { name, symbols }: Structure): BenchModel {
  const needed = new Set(symbols);
  const model = [...models.values()].find(({ elements }) => [...needed].every((symbol) => elements.includes(symbol)));
  if (model === undefined) throw new Error(`no model of cases.json knows all of ${[...needed].join(' ')} in ${name}`);
  return model;
}

/** The named structures that this run has, the smallest two in a quick one. @throws Error where there is none */
export function chosen({ structures, quick }: Context, names: readonly string[]): Structure[] {
  const found = names.flatMap((name) => structures.get(name) ?? []);
  if (found.length === 0) throw new Error(`none of the structures ${names.join(', ')} is there`);
  return quick ? found.toSorted((a, b) => a.symbols.length - b.symbols.length).slice(0, 2) : found;
}

/** Milliseconds with three significant digits. */
export const ms = (value: number): string => value.toPrecision(3);
export const percent = (value: number): string => `${(100 * value).toFixed(0)} %`;
