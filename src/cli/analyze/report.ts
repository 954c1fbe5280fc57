/** How an analysis ends: a table on the terminal or JSON, data in a file, a plot. */

import { extname } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { type Plot, renderSvg } from '../../analysis/plot.ts';
import type { Estimate } from '../../analysis/statistics.ts';
import { writeWhole } from '../../io/write.ts';
import { print } from '../options.ts';
import { table } from '../table.ts';

export interface Report {
  /** For people: what was found, in few lines. */
  readonly text: string;
  /** The object of `--json`, and of `--out …json`. */
  readonly object: object;
  /** The columns of `--out …csv`; undefined numbers are left empty. */
  readonly columns: { readonly names: readonly string[]; readonly rows: readonly (readonly Cell[])[] };
  readonly plot: Plot;
}

export type Cell = number | string | undefined;

export interface OutputOptions {
  readonly json?: boolean;
  readonly out?: string;
  readonly plot?: string;
}

/** Adds `--json`, `--out` and `--plot`. */
export function outputOptions(command: Command): Command {
  return command
    .option('--out <file>', 'write the data: .csv or .json', ending('.csv', '.json'))
    .option('--plot <file>', 'write a plot: .svg', ending('.svg'))
    .option('--json', 'one JSON object on stdout instead of the table');
}

const ending =
  (...allowed: readonly string[]) =>
  (file: string): string => {
    if (allowed.includes(extname(file).toLowerCase())) return file;
    throw new InvalidArgumentError(`Give a name that ends in ${allowed.join(' or ')}.`);
  };

export async function emit(report: Report, { json, out, plot }: OutputOptions): Promise<void> {
  if (out !== undefined) {
    const text = out.toLowerCase().endsWith('.json')
      ? `${JSON.stringify(report.object, undefined, 1)}\n`
      : csv(report.columns);
    writeWhole(out, text);
  }
  if (plot !== undefined) writeWhole(plot, await renderSvg(report.plot));
  await print(json ? `${JSON.stringify(report.object)}\n` : report.text);
}

function csv({ names, rows }: Report['columns']): string {
  const cell = (value: Cell) => {
    if (typeof value === 'string') return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
    return value === undefined || !Number.isFinite(value) ? '' : String(value);
  };
  return `${[names, ...rows].map((row) => row.map(cell).join(',')).join('\n')}\n`;
}

/** `2.71(3)`-like: the error to two digits, the value to the same place; without an error six digits. */
export function withError({ mean, error }: Estimate, factor = 1): string {
  const [value, by] = [mean * factor, Math.abs(error * factor)];
  if (!(by > 0)) return Number(value.toPrecision(6)).toString();
  const digits = Math.min(12, Math.max(0, 1 - Math.floor(Math.log10(by))));
  return `${value.toFixed(digits)} ± ${by.toFixed(digits)}`;
}

export { table };
