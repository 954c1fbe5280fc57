/** `mlts analyze averages`: statistics of a log. */
import type { Command } from 'commander';
import { averages, readColumns } from '../../analysis/averages.ts';
import { steps } from '../options.ts';
import { emit, type OutputOptions, outputOptions, table, withError } from './report.ts';

export function register(analyze: Command): void {
  const log = analyze
    .command('averages')
    .description('means of a log with errors that know of correlation: T, p, density, any column')
    .argument('<log>', 'the CSV of mlts md, any CSV with a header, or a LAMMPS log')
    .option('--columns <names>', 'comma-separated (default: all that are no counters)', (text) => text.split(','))
    .option('--skip <rows>', 'rows left out at the beginning (default: until equilibration ends)', steps);
  outputOptions(log).action(means);
}

async function means(file: string, options: OutputOptions & { columns?: string[]; skip?: number }): Promise<void> {
  const log = readColumns(file);
  const { rows, skipped, walkers, columns } = averages(log, options);
  const several = walkers > 1 ? ` of each of ${walkers} walkers` : '';
  const time = log.get('time_fs') ?? log.get('step') ?? log.get('Step');
  await emit(
    {
      text: `${rows - skipped} of ${rows} rows${several}, ${skipped} skipped\n${table(
        ['column', 'mean ± error', 'by blocks', 'deviation', 'τ/rows', 'independent', 'drift/error'],
        columns.map((one) => [
          ...[one.name, withError(one), one.blocked > 0 ? `± ${one.blocked.toPrecision(2)}` : '—'],
          ...[
            one.deviation.toPrecision(4),
            one.correlationTime.toFixed(1),
            one.independent.toFixed(0),
            one.drift.toFixed(1),
          ],
        ]),
      )}`,
      object: { rows, skipped, walkers, columns },
      columns: {
        names: ['column', 'mean', 'error', 'error_blocks', 'deviation', 'tau_rows', 'independent', 'drift'],
        rows: columns.map((one) => [
          ...[one.name, one.mean, one.error, one.blocked],
          ...[one.deviation, one.correlationTime, one.independent, one.drift],
        ]),
      },
      plot: {
        ...{ title: 'Log', x: time === undefined ? 'row' : 'time, as logged', y: '(value − mean)/deviation' },
        curves: columns.map(({ name, mean, deviation }) => ({
          name,
          points: every(log.get(name)!.length).map((row) => [
            time?.[row] ?? row,
            (log.get(name)![row] - mean) / (deviation || 1),
          ]),
        })),
      },
    },
    options,
  );
}

/** More points than a plot can show make it slow. */
const SHOWN = 2000;

/** Rows that are shown. */
function every(rows: number): number[] {
  const step = Math.max(1, Math.ceil(rows / SHOWN));
  return Array.from({ length: Math.ceil(rows / step) }, (_, k) => k * step);
}
