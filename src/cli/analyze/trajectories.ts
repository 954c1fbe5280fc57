/** `mlts analyze rdf|sq|msd|vacf`: what a trajectory shows. */
import type { Command } from 'commander';
import { type Frame, readFrames } from '../../analysis/frames.ts';
import { MeanSquareDisplacement } from '../../analysis/msd.ts';
import { type Distribution, RadialDistribution } from '../../analysis/rdf.ts';
import { StaticStructure } from '../../analysis/structure-factor.ts';
import { VelocityCorrelation } from '../../analysis/vacf.ts';
import { symbolOf } from '../../elements.ts';
import { MltsError } from '../../errors.ts';
import { parseFrameIndex } from '../../io/slice.ts';
import { SPEED_OF_LIGHT } from '../../units.ts';
import { above, steps } from '../options.ts';
import { Progress } from '../progress.ts';
import { emit, type OutputOptions, outputOptions, table, withError } from './report.ts';

interface TrajectoryOptions extends OutputOptions {
  readonly index: string;
  readonly topology?: string;
  readonly interval?: number;
  readonly walker?: number;
}

function trajectory(analyze: Command, name: string, description: string): Command {
  const command = analyze
    .command(name)
    .description(description)
    .argument('<trajectory>', 'extended XYZ, LAMMPS dump or DCD; read one frame at a time')
    .option('--index <i:j:k>', 'which frames, as in Python', ':')
    .option('--topology <file>', 'a structure with the same atoms, for DCD and for dumps without elements')
    .option('--interval <fs>', 'time between frames, where the file does not say', above)
    .option('--walker <n>', 'one walker of a file of several', steps);
  return outputOptions(command);
}

export function register(analyze: Command): void {
  trajectory(analyze, 'rdf', 'g(r), partial and total, coordination numbers, with errors')
    .option('--cutoff <r>', 'Å (default: half the cell, at most 10)', above)
    .option('--bin <w>', 'width of a bin, Å', above, 0.02)
    .action(rdf);
  trajectory(analyze, 'sq', 'static structure factor S(q), partial and total')
    .option('--cutoff <q>', 'largest |q|, 1/Å', above, 10)
    .option('--bin <w>', 'width of a bin, 1/Å', above, 0.05)
    .action(sq);
  trajectory(analyze, 'msd', 'mean-square displacement and diffusion coefficient of each element')
    .option('--window <fs>', 'longest lag (default: half the trajectory, at most 1000 frames)', above)
    .option('--fit <from,to>', 'part of the lags that the slope is taken from', parts, [0.2, 0.8])
    .action(msd);
  trajectory(analyze, 'vacf', 'velocity autocorrelation, vibrational density of states, diffusion')
    .option('--window <fs>', 'longest lag (default: half the trajectory, at most 1000 frames)', above)
    .action(vacf);
}

function parts(text: string): [number, number] {
  const [from, to] = text.split(',').map(Number);
  if (from >= 0 && to > from && to <= 1) return [from, to];
  throw new MltsError('E_USAGE', `--fit is '${text}'`, 'Give two parts of the longest lag, like 0.2,0.8.');
}

function eachFrame(file: string, options: TrajectoryOptions, use: (frame: Frame) => void): void {
  const progress = new Progress('frames');
  let count = 0;
  try {
    for (const frame of readFrames(file, { ...options, index: parseFrameIndex(options.index) })) {
      use(frame);
      progress.update(++count);
    }
  } finally {
    progress.clear();
  }
}

const pairName = (pair: readonly [number, number] | undefined) =>
  pair === undefined ? 'all' : `${symbolOf(pair[0])}–${symbolOf(pair[1])}`;

async function rdf(file: string, options: TrajectoryOptions & { cutoff?: number; bin: number }): Promise<void> {
  const radial = new RadialDistribution(options);
  eachFrame(file, options, (frame) => radial.add(frame));
  const { frames, r, density, distributions } = radial.result();
  const row = ({ pair, shell }: Distribution) => [
    pairName(pair),
    ...(shell
      ? [withError(shell.peak), withError(shell.height), shell.minimum.toFixed(2), withError(shell.coordination)]
      : ['—', '—', '—', '—']),
  ];
  const isMixed = ({ pair }: Distribution) => pair !== undefined && pair[0] !== pair[1];
  await emit(
    {
      text: `${frames} frames, ${density.toFixed(6)} atoms/Å³\n${table(
        ['pair', 'first peak/Å', 'height', 'minimum/Å', 'neighbours'],
        distributions.map(row),
      )}`,
      object: {
        frames,
        density,
        r: [...r],
        pairs: distributions.map((one) => ({
          pair: pairName(one.pair),
          g: [...one.g],
          error: [...one.error],
          coordination: [...one.coordination],
          ...(isMixed(one) && { coordination_reverse: [...one.reverse] }),
          first_shell: one.shell ?? null,
        })),
      },
      columns: {
        names: [
          'r_A',
          ...distributions.flatMap(({ pair }) => ['g', 'error', 'n'].map((name) => `${name} ${pairName(pair)}`)),
        ],
        rows: [...r].map((at, k) => [
          at,
          ...distributions.flatMap((one) => [one.g[k], one.error[k], one.coordination[k]]),
        ]),
      },
      plot: {
        ...{ title: 'Radial distribution', x: 'r / Å', y: 'g(r)' },
        curves: distributions.map(({ pair, g }) => ({
          name: pairName(pair),
          points: [...r].map((at, k) => [at, g[k]]),
        })),
      },
    },
    options,
  );
}

async function sq(file: string, options: TrajectoryOptions & { cutoff: number; bin: number }): Promise<void> {
  const structure = new StaticStructure(options);
  eachFrame(file, options, (frame) => structure.add(frame));
  const { frames, q, factors } = structure.result();
  const peak = (s: Float64Array) => s.reduce((best, value, k) => (value > s[best] ? k : best), 0);
  await emit(
    {
      text: `${frames} frames\n${table(
        ['pair', 'highest at q/Å⁻¹', 'S there'],
        factors.map(({ pair, s, error }) => {
          const k = peak(s);
          return [pairName(pair), q[k].toFixed(3), withError({ mean: s[k], error: error[k] })];
        }),
      )}`,
      object: {
        frames,
        q: [...q],
        pairs: factors.map(({ pair, s, error }) => ({ pair: pairName(pair), s: [...s], error: [...error] })),
      },
      columns: {
        names: ['q_1/A', ...factors.flatMap(({ pair }) => [`S ${pairName(pair)}`, `error ${pairName(pair)}`])],
        rows: [...q].map((at, k) => [at, ...factors.flatMap(({ s, error }) => [s[k], error[k]])]),
      },
      plot: {
        ...{ title: 'Structure factor', x: 'q / Å⁻¹', y: 'S(q)' },
        curves: factors.map(({ pair, s }) => ({ name: pairName(pair), points: [...q].map((at, k) => [at, s[k]]) })),
      },
    },
    options,
  );
}

/** Å²/fs in 10⁻⁹ m²/s, which is 10⁻⁵ cm²/s. */
const DIFFUSION = 1e4;

async function msd(
  file: string,
  options: TrajectoryOptions & { window?: number; fit: [number, number] },
): Promise<void> {
  const motion = new MeanSquareDisplacement(options);
  eachFrame(file, options, (frame) => motion.add(frame));
  const { frames, lag, species } = motion.result();
  await emit(
    {
      text: `${frames} frames, lags up to ${Number(lag.at(-1)!.toPrecision(6))} fs\n${table(
        ['element', 'D/(10⁻⁹ m²/s)', 'd ln MSD/d ln t'],
        species.map(({ number, diffusion, exponent }) => [
          symbolOf(number),
          withError(diffusion, DIFFUSION),
          exponent.toFixed(3),
        ]),
      )}`,
      object: {
        frames,
        lag_fs: [...lag],
        elements: species.map(({ number, displacement, error, diffusion, exponent }) => ({
          element: symbolOf(number),
          msd_A2: [...displacement],
          error_A2: [...error],
          diffusion_A2_fs: diffusion,
          exponent,
        })),
      },
      columns: {
        names: [
          'lag_fs',
          ...species.flatMap(({ number }) => [`msd_A2 ${symbolOf(number)}`, `error_A2 ${symbolOf(number)}`]),
        ],
        rows: [...lag].map((t, k) => [t, ...species.flatMap(({ displacement, error }) => [displacement[k], error[k]])]),
      },
      plot: {
        ...{ title: 'Mean-square displacement', x: 't / ps', y: 'MSD / Å²' },
        curves: species.map(({ number, displacement }) => ({
          name: symbolOf(number),
          points: [...lag].map((t, k) => [t / 1000, displacement[k]]),
        })),
      },
    },
    options,
  );
}

async function vacf(file: string, options: TrajectoryOptions & { window?: number }): Promise<void> {
  const motion = new VelocityCorrelation(options);
  eachFrame(file, options, (frame) => motion.add(frame));
  const { frames, lag, correlations, frequency } = motion.result();
  const name = (number: number | undefined) => (number === undefined ? 'all' : symbolOf(number));
  const wavenumber = (thz: number) => (thz * 1e12) / (100 * SPEED_OF_LIGHT);
  const highest = (values: Float64Array) => values.reduce((best, value, k) => (value > values[best] ? k : best), 0);
  await emit(
    {
      text: `${frames} frames, lags up to ${Number(lag.at(-1)!.toPrecision(6))} fs\n${table(
        ['element', 'highest at ν/THz', 'ν̃/cm⁻¹', 'D/(10⁻⁹ m²/s)'],
        correlations.map(({ number, spectrum, diffusion }) => {
          const peak = frequency[highest(spectrum)];
          return [
            ...[name(number), peak.toFixed(3), wavenumber(peak).toFixed(1)],
            diffusion === undefined ? '—' : withError(diffusion, DIFFUSION),
          ];
        }),
      )}`,
      object: {
        frames,
        lag_fs: [...lag],
        frequency_THz: [...frequency],
        elements: correlations.map(({ number, normalised, error, spectrum, diffusion }) => ({
          element: name(number),
          vacf: [...normalised],
          error: [...error],
          vdos_1_THz: [...spectrum],
          diffusion_A2_fs: diffusion ?? null,
        })),
      },
      columns: {
        names: [
          ...['lag_fs', ...correlations.map(({ number }) => `vacf ${name(number)}`)],
          ...['frequency_THz', ...correlations.map(({ number }) => `vdos_1/THz ${name(number)}`)],
        ],
        rows: [...lag].map((t, k) => [
          ...[t, ...correlations.map(({ normalised }) => normalised[k])],
          ...[frequency[k], ...correlations.map(({ spectrum }) => spectrum[k])],
        ]),
      },
      plot: {
        ...{ title: 'Vibrational density of states', x: 'ν / THz', y: 'VDOS · THz' },
        curves: correlations.map(({ number, spectrum }) => ({
          name: name(number),
          points: [...frequency].map((at, k) => [at, spectrum[k]]),
        })),
      },
    },
    options,
  );
}
