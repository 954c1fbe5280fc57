/** `mlts analyze melting`: the melting point by coexistence. */
import { type Command, InvalidArgumentError } from 'commander';
import { meltingPoint } from '../../analysis/melting.ts';
import { above, pressure } from '../options.ts';
import { Progress } from '../progress.ts';
import type { Source } from '../source.ts';
import { type StructureOptions, structureOptions } from '../structures.ts';
import { emit, type OutputOptions, outputOptions, table, withError } from './report.ts';
import { oneCrystal, sourceOptions, withPotential } from './source.ts';

interface Options extends Source, OutputOptions, StructureOptions {
  readonly temperatures: readonly number[];
  readonly pressure: number;
  readonly timestep: number;
  readonly preparation: number;
  readonly time: number;
}

export function register(analyze: Command): void {
  const melting = analyze
    .command('melting')
    .description('melting point: crystal beside liquid at several temperatures, where neither grows')
    .argument('[structure]', 'a supercell of the crystal, about twice as long along c')
    .requiredOption('--temperatures <T,…>', 'K, two or more around the melting point', temperatures)
    .option('--pressure <p>', 'with its unit: 1bar, 2.5GPa', pressure, 0)
    .option('--timestep <fs>', 'fs', above, 2)
    .option('--preparation <ps>', 'of each of four parts: crystal at rest, melting, cooling, letting go', above, 2)
    .option('--time <ps>', 'measured at each temperature', above, 10);
  outputOptions(structureOptions(sourceOptions(melting))).action(run);
}

function temperatures(text: string): number[] {
  const values = text.split(',').map(Number);
  if (values.every((value) => value > 0 && Number.isFinite(value))) return values;
  throw new InvalidArgumentError('Give temperatures in K, like 850,900,950,1000.');
}

const FS_PER_PS = 1000;

async function run(file: string | undefined, options: Options): Promise<void> {
  await withPotential(options, async (potential, compute) => {
    const crystal = oneCrystal(file, options);
    const progress = new Progress('steps');
    const found = meltingPoint(potential, crystal, {
      ...{ ...compute, temperatures: options.temperatures, pressure: options.pressure, timestep: options.timestep },
      ...{ preparation: options.preparation * FS_PER_PS, duration: options.time * FS_PER_PS, seed: options.seed },
      onProgress: (done) => progress.update(done),
    });
    const { melting, points } = await found.finally(() => progress.clear());
    const verdict =
      melting === undefined
        ? 'no melting point: the crystal grew at all temperatures, or melted at all; move them'
        : `melting point ${withError(melting)} K`;
    await emit(
      {
        text: `${crystal.numbers.length} atoms\n${table(
          ['T/K', 'dH/dt/(meV/atom/ps)', ''],
          points.map(({ temperature, rate }) => [
            ...[temperature.toFixed(1), withError(rate, 1000)],
            Math.abs(rate.mean) < 2 * rate.error ? 'neither' : rate.mean > 0 ? 'melts' : 'freezes',
          ]),
        )}\n${verdict}\n`,
        object: { atoms: crystal.numbers.length, melting: melting ?? null, points },
        columns: {
          names: ['temperature_K', 'time_fs', 'enthalpy_eV_atom'],
          rows: points.flatMap(({ temperature, enthalpy }) =>
            enthalpy.map(([time, value]) => [temperature, time, value]),
          ),
        },
        plot: {
          ...{ title: 'Enthalpy of crystal and liquid', x: 't / ps', y: 'H / eV per atom' },
          curves: points.map(({ temperature, enthalpy }) => ({
            name: `${temperature} K`,
            points: enthalpy.map(([time, value]) => [time / FS_PER_PS, value]),
          })),
        },
      },
      options,
    );
    if (melting === undefined) process.exitCode = 1;
  });
}
