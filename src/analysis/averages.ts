/** Averages of the columns of a log. */
import { MltsError } from '../errors.ts';
import { fields, type Lines, openLines } from '../io/lines.ts';
import { analyse, blockLevels, equilibration, line, plateau } from './statistics.ts';

/** Columns of numbers by name, in the order of the file; NaN where a value was not computed. */
export type Columns = ReadonlyMap<string, Float64Array>;

/**
 * Reads a table of numbers: CSV with a header (what `mlts md` writes), or the thermo output of a LAMMPS log, all runs of it.
 * @throws MltsError E_FILE where it is neither
 */
export function readColumns(file: string): Columns {
  const lines = openLines(file);
  const first = lines.peek();
  if (first === undefined) throw lines.error('the file is empty', 'Name a CSV file or a LAMMPS log.');
  const rows = /^[^,]+(,[^,]*)+$/.test(first) ? csvRows(lines) : thermoRows(lines);
  const found = new Map<string, number[]>();
  for (const [name, value] of rows) {
    const column = found.get(name);
    if (column === undefined) found.set(name, [value]);
    else column.push(value);
  }
  if (found.size === 0) throw lines.error('no table of numbers is found', 'Name a CSV file or a LAMMPS log.');
  return new Map([...found].map(([name, values]) => [name, Float64Array.from(values)]));
}

function* csvRows(lines: Lines): Generator<[string, number]> {
  const names = lines
    .need('a header')
    .split(',')
    .map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
  for (let text = lines.next(); text !== undefined; text = lines.next()) {
    if (text.trim() === '') continue;
    const cells = text.split(',');
    if (cells.length !== names.length) {
      throw lines.error(`${cells.length} values under ${names.length} names`, 'Complete or remove that line.');
    }
    for (const [k, name] of names.entries()) {
      const cell = cells[k].trim();
      yield [name, cell === '' ? Number.NaN : lines.real(cell, name)];
    }
  }
}

/** Rows between `Step …` and `Loop time`. The last row of a run and the first of the next are one step: it is taken once. */
function* thermoRows(lines: Lines): Generator<[string, number]> {
  let names: readonly string[] | undefined;
  let last: string | undefined;
  for (let text = lines.next(); text !== undefined; text = lines.next()) {
    const words = fields(text);
    if (words[0] === 'Step') names = words;
    else if (text.startsWith('Loop time')) names = undefined;
    else if (
      names !== undefined &&
      words.length === names.length &&
      words.every((word) => Number.isFinite(Number(word)))
    ) {
      if (words[0] === last) continue;
      last = words[0];
      for (const [k, name] of names.entries()) yield [name, Number(words[k])];
    }
  }
}

export interface Average {
  readonly name: string;
  readonly mean: number;
  /** Standard error by the integrated autocorrelation time. */
  readonly error: number;
  /** The same by blocking; NaN where the series is too short for a plateau. */
  readonly blocked: number;
  readonly deviation: number;
  /** τ in rows. */
  readonly correlationTime: number;
  /** Independent values in it. */
  readonly independent: number;
  /** By how much a straight line through the values rises from first to last, in standard errors of such a rise. */
  readonly drift: number;
}

export interface AveragesOptions {
  /** Rows left out at the beginning; default where equilibration of the slowest column ends. */
  readonly skip?: number | undefined;
  /** Which columns; default all that are no counters. */
  readonly columns?: readonly string[] | undefined;
}

export interface Averages {
  readonly rows: number;
  readonly skipped: number;
  /** How many walkers were averaged. */
  readonly walkers: number;
  readonly columns: readonly Average[];
}

/** Columns that wander by rounding rather than relax: they say nothing of equilibration. */
const WANDERERS = /^(conserved|econserve)/i;
/** Of a column's size: what varies by less is constant. */
const ROUNDING = 1e-12;
/** Columns that count and do not fluctuate. */
const COUNTERS = /^(step|time|time_fs|walker|cpu|cpuremain|elapsed|elaplong|atoms)$/i;

/**
 * Averages with errors that know of correlation. Walkers, where a column `walker` tells them apart, are averaged each for itself.
 * @throws MltsError E_USAGE for a column that is not there (its nearest name is told), E_EMPTY where too few rows are left
 */
export function averages(table: Columns, options: AveragesOptions = {}): Averages {
  const isFilled = (name: string) => table.get(name)?.some(Number.isFinite) === true;
  const names = options.columns ?? [...table.keys()].filter((name) => !COUNTERS.test(name) && isFilled(name));
  const missing = names.find((name) => !isFilled(name));
  if (missing !== undefined || names.length === 0) {
    const known = [...table.keys()].filter(isFilled).join(', ');
    throw new MltsError('E_USAGE', `there is no column '${missing ?? ''}' with values`, `There are ${known}.`);
  }
  const walkers = byWalker(table);
  const rows = walkers[0].get(names[0])!.length;
  const relaxing = names.filter((name) => !WANDERERS.test(name));
  const skipped =
    options.skip ?? Math.max(0, ...walkers.flatMap((walker) => relaxing.map((name) => settled(walker.get(name)!))));
  if (rows - skipped < 4) {
    throw new MltsError('E_EMPTY', `${rows - skipped} rows are left of ${rows}`, 'Skip fewer, or run longer.');
  }
  const part = (name: string, walker: Columns) =>
    average(name, walker.get(name)!.subarray(skipped).filter(Number.isFinite));
  const columns = names.map((name) =>
    combine(
      name,
      walkers.map((walker) => part(name, walker)),
    ),
  );
  return { rows, skipped, walkers: walkers.length, columns };
}

/** The row where equilibration ends, of a column that may have gaps; 0 where it only has rounding errors, as the volume of a fixed cell. */
function settled(values: Float64Array): number {
  const filled = [...values.keys()].filter((row) => Number.isFinite(values[row]));
  const [low, high] = filled.reduce(
    ([a, b], row) => [Math.min(a, values[row]), Math.max(b, values[row])],
    [Infinity, -Infinity],
  );
  if (high - low <= ROUNDING * Math.max(Math.abs(low), Math.abs(high))) return 0;
  return filled[equilibration(filled.map((row) => values[row]))] ?? 0;
}

function byWalker(table: Columns): Columns[] {
  const of = table.get('walker');
  if (of === undefined) return [table];
  return [...new Set(of)].map(
    (walker) => new Map([...table].map(([name, values]) => [name, values.filter((_, row) => of[row] === walker)])),
  );
}

function average(name: string, values: Float64Array): Average {
  const { mean, error, deviation, correlationTime, independent } = analyse(values);
  const n = values.length;
  const rise = line(
    Float64Array.from(values, (_, row) => row / (n - 1)),
    values,
  ).slope;
  // Of n independent values the slope over a unit interval has the variance 12 s²/n.
  const riseError = Math.sqrt(12) * error;
  return {
    ...{ name, mean, error, deviation, correlationTime, independent },
    blocked: plateau(blockLevels(values))?.error ?? Number.NaN,
    drift: riseError > 0 ? rise / riseError : 0,
  };
}

function combine(name: string, parts: readonly Average[]): Average {
  const n = parts.length;
  const mean = (of: (part: Average) => number) => parts.reduce((sum, part) => sum + of(part) / n, 0);
  const root = (of: (part: Average) => number) => Math.sqrt(mean((part) => of(part) ** 2) / n);
  return {
    name,
    mean: mean((part) => part.mean),
    error: root(({ error }) => error),
    blocked: root(({ blocked }) => blocked),
    deviation: Math.sqrt(mean(({ deviation }) => deviation ** 2)),
    correlationTime: mean(({ correlationTime }) => correlationTime),
    independent: parts.reduce((sum, { independent }) => sum + independent, 0),
    drift: mean(({ drift }) => drift) * Math.sqrt(n),
  };
}
