/** `mlts analyze averages|errors`: statistics of a log, and of a model against labels. */
import type { Command } from 'commander';
import { averages, readColumns } from '../../analysis/averages.ts';
import { ErrorStatistics, type Errors } from '../../analysis/label-errors.ts';
import { MltsError } from '../../errors.ts';
import { parseFrameIndex } from '../../io/slice.ts';
import { steps } from '../options.ts';
import { Progress } from '../progress.ts';
import type { Source } from '../source.ts';
import { batches, readFiles } from '../structures.ts';
import { emit, type OutputOptions, outputOptions, table, withError } from './report.ts';
import { sourceOptions, withPotential } from './source.ts';

export function register(analyze: Command): void {
  const log = analyze
    .command('averages')
    .description('means of a log with errors that know of correlation: T, p, density, any column')
    .argument('<log>', 'the CSV of mlts md, any CSV with a header, or a LAMMPS log')
    .option('--columns <names>', 'comma-separated (default: all that are no counters)', (text) => text.split(','))
    .option('--skip <rows>', 'rows left out at the beginning (default: until equilibration ends)', steps);
  outputOptions(log).action(means);
  const errors = analyze
    .command('errors')
    .description('errors of a model against energies and forces in files, and whether σ tells them')
    .argument('<file...>', 'extended XYZ with energy= and a column forces, eV and eV/Å')
    .option('--index <i:j:k>', 'which frames of each file, as in Python', ':');
  outputOptions(sourceOptions(errors)).action(labelErrors);
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

async function labelErrors(
  files: string[],
  options: Source & OutputOptions & { readonly index: string },
): Promise<void> {
  await withPotential(options, async (potential, { signal }) => {
    const statistics = new ErrorStatistics();
    const progress = new Progress('structures');
    let done = 0;
    for (const batch of batches(readFiles(files, parseFrameIndex(options.index)))) {
      const outcomes = await potential.evaluate(
        batch.map(({ structure }) => structure),
        new Set(['forces', 'sigma']),
        { signal },
      );
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome instanceof MltsError) {
          process.stderr.write(`${batch[i].file}[${batch[i].index}]: ${outcome.message}\n`);
          process.exitCode = 1;
        } else statistics.add(batch[i].structure, outcome);
      }
      done += batch.length;
      progress.update(done);
    }
    progress.clear();
    const { structures, energy, relative, forces, calibration } = statistics.result();
    const row = (name: string, unit: string, found: Errors | undefined) =>
      found === undefined
        ? []
        : [
            [
              name,
              unit,
              ...[found.mean, found.root, found.largest].map((x) => (1000 * x).toFixed(2)),
              String(found.count),
            ],
          ];
    await emit(
      {
        text: [
          `${structures} structures\n`,
          table(
            ['quantity', 'unit', 'mean |error|', 'root mean square', 'largest', 'values'],
            [
              ...row('energy', 'meV/atom', energy),
              ...row('energy, mean off', 'meV/atom', relative),
              ...[...forces].flatMap(([symbol, found]) => row(`force ${symbol}`, 'meV/Å', found)),
            ],
          ),
          calibration.length > 0
            ? `\natoms by σ_F\n${table(
                ['σ_F/(meV/Å)', 'error/(meV/Å)'],
                calibration.map(({ sigma, error }) => [(1000 * sigma).toFixed(2), (1000 * error).toFixed(2)]),
              )}`
            : '',
        ].join(''),
        object: { structures, energy, energy_relative: relative, forces: Object.fromEntries(forces), calibration },
        columns: {
          names: ['sigma_F_eV_A', 'force_error_eV_A'],
          rows: calibration.map(({ sigma, error }) => [sigma, error]),
        },
        plot: {
          ...{
            title: 'Does σ tell the error?',
            x: 'σ_F / eV Å⁻¹',
            y: 'error of the force / eV Å⁻¹',
            logarithmic: true,
          },
          curves: [
            {
              name: potential.model.name,
              style: 'points',
              points: calibration.map(({ sigma, error }) => [sigma, error]),
            },
            { name: 'σ = error', points: calibration.map(({ sigma }) => [sigma, sigma]) },
          ],
        },
      },
      options,
    );
  });
}
