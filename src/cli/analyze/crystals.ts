/** `mlts analyze eos|elastic|path`: how crystals of a potential differ, and how stiff they are. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { COLD_LATTICES, type ColdCurve, coldCurve } from '../../analysis/cold-curve.ts';
import { cubicConstants, elasticConstants } from '../../analysis/elastic.ts';
import { EQUATIONS, type EquationName, type EquationOfState, energyAt } from '../../analysis/equation-of-state.ts';
import type { Curve } from '../../analysis/plot.ts';
import { TRANSFORMATIONS, type TransformationName, transformation } from '../../analysis/transformation.ts';
import { volumeCurve } from '../../analysis/volume-curve.ts';
import { LATTICE_NAMES, type LatticeName, speciesOf } from '../../dynamics/structures/crystal.ts';
import { symbolOf } from '../../elements.ts';
import { MltsError } from '../../errors.ts';
import { EV_PER_ANGSTROM3_IN_GPA as GPA } from '../../units.ts';
import { above, count } from '../options.ts';
import type { Source } from '../source.ts';
import { type StructureOptions, structureOptions } from '../structures.ts';
import { emit, type OutputOptions, outputOptions, type Report, table } from './report.ts';
import { elementOf, oneCrystal, sourceOptions, withPotential } from './source.ts';

interface Options extends Source, OutputOptions, StructureOptions {}

export function register(analyze: Command): void {
  const eos = analyze
    .command('eos')
    .description('equation of state of a structure, or cold curves of the common lattices of an element')
    .argument('[structure]', 'a crystal; without it and --build the cold curves')
    .option('--element <symbol>', 'of the cold curves (default: the only one of the model)')
    .option('--lattices <names>', 'of the cold curves', lattices, COLD_LATTICES)
    .addOption(new Option('--equation <name>', 'what is fitted').choices(EQUATIONS).default('birch-murnaghan'))
    .option('--range <part>', 'fit to volumes from 1 − part to 1 + part', above, 0.05)
    .option('--points <n>', 'how many volumes are fitted', count, 11)
    .option('--relax', 'let the atoms of a given structure relax at each volume');
  outputOptions(structureOptions(sourceOptions(eos))).action(equationOfState);
  const elastic = analyze
    .command('elastic')
    .description('elastic constants at zero stress by finite strains, atoms relaxed')
    .argument('[structure]', 'a crystal; its cell is relaxed first')
    .option('--strain <part>', 'largest strain', above, 0.01)
    .option('--clamped', 'hold the fractional positions while straining');
  outputOptions(structureOptions(sourceOptions(elastic))).action(elasticity);
  const path = analyze
    .command('path')
    .description('the path of lowest energy from one crystal structure to another (NEB of atoms and cell)')
    .argument('<name>', `bain: fcc → bcc; tin: α-Sn (diamond) → β-Sn`)
    .option('--element <symbol>', 'default: the only one of the model')
    .option('--images <n>', 'between the ends', count, 9);
  outputOptions(sourceOptions(path)).action(solidPath);
}

function lattices(text: string): LatticeName[] {
  return text.split(',').map((name) => {
    const found = LATTICE_NAMES.find((lattice) => lattice === name.trim());
    if (found !== undefined && speciesOf(found) === 1) return found;
    const known = LATTICE_NAMES.filter((lattice) => speciesOf(lattice) === 1);
    throw new InvalidArgumentError(`Choose from ${known.join(',')}.`);
  });
}

interface EosOptions extends Options {
  readonly element?: string;
  readonly lattices: readonly LatticeName[];
  readonly equation: EquationName;
  readonly range: number;
  readonly points: number;
  readonly relax?: boolean;
}

async function equationOfState(file: string | undefined, options: EosOptions): Promise<void> {
  await withPotential(options, async (potential, compute) => {
    const settings = { ...compute, equation: options.equation, range: options.range, points: options.points };
    if (file !== undefined || options.build !== undefined) {
      const crystal = oneCrystal(file, options);
      const { state, points } = await volumeCurve(potential, crystal, { ...settings, relax: options.relax });
      await emit(oneCurve(state, points), options);
      return;
    }
    const number = elementOf(options.element, potential);
    const curves: ColdCurve[] = [];
    for (const lattice of options.lattices) {
      try {
        curves.push(await coldCurve(potential, number, lattice, settings));
      } catch (error) {
        if (!(error instanceof MltsError) || error.code !== 'E_USAGE') throw error;
        process.stderr.write(`${error.message}\n`);
      }
    }
    if (curves.length === 0) throw new MltsError('E_EMPTY', 'no lattice has a cold curve', 'Check element and model.');
    await emit(coldCurves(symbolOf(number), curves), options);
  });
}

function oneCurve(state: EquationOfState, points: readonly { volume: number; energy: number }[]): Report {
  return {
    text: table(
      ['equation', 'V₀/(Å³/atom)', 'E₀/(eV/atom)', 'B₀/GPa', "B₀'", 'residual/meV'],
      [[state.equation, ...numbersOf(state)]],
    ),
    object: { ...stateObject(state), points },
    columns: {
      names: ['volume_A3', 'energy_eV', 'fit_eV'],
      rows: points.map(({ volume, energy }) => [volume, energy, energyAt(state, volume)]),
    },
    plot: {
      ...{ title: 'Equation of state', x: 'V / Å³ per atom', y: 'E − E₀ / eV per atom' },
      curves: withFit('E(V)', state, points, state.energy),
    },
  };
}

const numbersOf = (state: EquationOfState) => [
  state.volume.toFixed(4),
  state.energy.toFixed(6),
  (state.modulus * GPA).toFixed(2),
  state.derivative.toFixed(2),
  (state.residual * 1000).toFixed(4),
];

const stateObject = (state: EquationOfState) => ({ ...state, modulus_GPa: state.modulus * GPA });

/** Points and the fitted line through their range. */
function withFit(
  name: string,
  state: EquationOfState,
  points: readonly { volume: number; energy: number }[],
  zero: number,
): Curve[] {
  const volumes = points.map(({ volume }) => volume);
  const [low, high] = [Math.min(...volumes), Math.max(...volumes)];
  const fine = Array.from({ length: 101 }, (_, i) => low + ((high - low) * i) / 100);
  return [
    { name, style: 'points', points: points.map(({ volume, energy }) => [volume, energy - zero]) },
    { name: state.equation, points: fine.map((volume) => [volume, energyAt(state, volume) - zero]) },
  ];
}

function coldCurves(symbol: string, curves: readonly ColdCurve[]): Report {
  const lowest = Math.min(...curves.map(({ energy }) => energy));
  const row = ({ lattice, a, c, energy, modulus, isRatioRelaxed, state, deviations }: ColdCurve) => [
    ...[lattice, a.toFixed(4), c === undefined ? '—' : `${(c / a).toFixed(4)}${isRatioRelaxed ? '' : ' (held)'}`],
    ...[(1000 * (energy - lowest)).toFixed(2), (modulus * GPA).toFixed(2)],
    ...[(state.modulus * GPA).toFixed(2), state.derivative.toFixed(2), (1000 * state.residual).toFixed(3)],
    ...(deviations
      ? [deviations.a.toFixed(4), (1000 * deviations.energy).toFixed(2), (deviations.modulus * GPA).toFixed(1)]
      : ['—', '—', '—']),
  ];
  return {
    text: `${symbol}, lowest ${lowest.toFixed(6)} eV/atom\n${table(
      [
        ...['lattice', 'a/Å', 'c/a', 'ΔE/meV', 'V·E″/GPa'],
        ...['B₀ of fit', "B₀'", 'residual/meV', 'σ(a)', 'σ(E)/meV', 'σ(B₀)/GPa'],
      ],
      [...curves].sort((one, other) => one.energy - other.energy).map(row),
    )}`,
    object: {
      element: symbol,
      lattices: curves.map(({ state, modulus, ...curve }) => ({
        ...curve,
        ...{ modulus_GPa: modulus * GPA, above_lowest: curve.energy - lowest, fit: stateObject(state) },
      })),
    },
    columns: {
      names: ['lattice', 'volume_A3', 'energy_eV', 'c/a', 'fitted'],
      rows: curves.flatMap(({ lattice, points }) =>
        points.map(({ volume, energy, ratio, isFitted }) => [lattice, volume, energy, ratio, isFitted ? 1 : 0]),
      ),
    },
    plot: {
      ...{ title: `Cold curves of ${symbol}`, x: 'V / Å³ per atom', y: 'E − E(lowest) / eV per atom' },
      curves: curves.map(({ lattice, points }) => ({
        name: lattice,
        points: points.map(({ volume, energy }) => [volume, energy - lowest]),
      })),
    },
  };
}

const STRAINS = ['xx', 'yy', 'zz', 'yz', 'xz', 'xy'];

async function elasticity(
  file: string | undefined,
  options: Options & { readonly strain: number; readonly clamped?: boolean },
): Promise<void> {
  await withPotential(options, async (potential, compute) => {
    const { strain, clamped } = options;
    const found = await elasticConstants(potential, oneCrystal(file, options), { ...compute, strain, clamped });
    const { constants, bulk, shear, young, poisson, stability, uncertainty, system } = found;
    // Rounding leaves minus signs before zeros.
    const gpa = (value: number) => (value * GPA).toFixed(2).replace(/^-(0\.00)$/, '$1');
    const cubic = cubicConstants(constants);
    const rows = constants.map((row, i) => [STRAINS[i], ...row.map(gpa)]);
    const moduli = [bulk, shear].map(({ voigt, reuss, hill }, i) => [
      ['bulk', 'shear'][i],
      ...[voigt, reuss, hill].map(gpa),
    ]);
    const [lengths, isStable] = [[0, 3, 6].map((k) => Math.hypot(...system.cell.subarray(k, k + 3))), stability > 0];
    await emit(
      {
        text: [
          `cell at zero stress: ${lengths.map((length) => length.toFixed(4)).join(' × ')} Å\n\n`,
          table(['C/GPa', ...STRAINS], rows),
          cubic ? `\ncubic: C11 ${gpa(cubic.c11)}  C12 ${gpa(cubic.c12)}  C44 ${gpa(cubic.c44)} GPa\n` : '',
          `\n${table(['modulus/GPa', 'Voigt', 'Reuss', 'Hill'], moduli)}`,
          `\nYoung ${gpa(young)} GPa  Poisson ${poisson.toFixed(4)}  lowest eigenvalue ${gpa(stability)} GPa`,
          `${isStable ? '' : ': not stable'}\nuncertainty of the constants ${gpa(uncertainty)} GPa\n`,
        ].join(''),
        object: {
          cell: [...system.cell],
          constants_GPa: constants.map((row) => row.map((value) => value * GPA)),
          cubic_GPa: cubic && { c11: cubic.c11 * GPA, c12: cubic.c12 * GPA, c44: cubic.c44 * GPA },
          bulk_GPa: scaled(bulk),
          shear_GPa: scaled(shear),
          young_GPa: young * GPA,
          poisson,
          stability_GPa: stability * GPA,
          uncertainty_GPa: uncertainty * GPA,
        },
        columns: {
          names: ['C_GPa', ...STRAINS],
          rows: constants.map((row, i) => [STRAINS[i], ...row.map((c) => c * GPA)]),
        },
        plot: {
          ...{ title: 'Elastic constants', x: 'j', y: 'C_ij / GPa' },
          curves: constants.map((row, i) => ({
            ...{ name: `C${i + 1}j`, style: 'points' },
            points: row.map((value, j) => [j + 1, value * GPA]),
          })),
        },
      },
      options,
    );
  });
}

const scaled = <T extends object>(values: T) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value * GPA]));

async function solidPath(
  name: string,
  options: Source & OutputOptions & { readonly element?: string; readonly images: number },
): Promise<void> {
  const way = TRANSFORMATIONS.find((one) => one === name);
  if (way === undefined)
    throw new MltsError('E_USAGE', `there is no path '${name}'`, `Choose ${TRANSFORMATIONS.join(' or ')}.`);
  await withPotential(options, async (potential, compute) => {
    const number = elementOf(options.element, potential);
    const { points, barrier, difference } = await transformation(potential, number, way as TransformationName, {
      ...compute,
      images: options.images,
    });
    await emit(
      {
        text: [
          table(
            ['image', 'c/a', 'V/(Å³/atom)', 'ΔE/(meV/atom)'],
            points.map(({ ratio, volume, energy }, i) => [
              ...[String(i), ratio.toFixed(4), volume.toFixed(3), (1000 * energy).toFixed(2)],
            ]),
          ),
          `\nbarrier ${(1000 * barrier).toFixed(2)} meV/atom, last end ${(1000 * difference).toFixed(2)} meV/atom\n`,
        ].join(''),
        object: { element: symbolOf(number), path: way, barrier, difference, points },
        columns: {
          names: ['c/a', 'volume_A3', 'energy_eV'],
          rows: points.map(({ ratio, volume, energy }) => [ratio, volume, energy]),
        },
        plot: {
          ...{ title: `${symbolOf(number)}: ${way}`, x: 'c/a', y: 'E / meV per atom' },
          curves: [{ name: 'path', points: points.map(({ ratio, energy }) => [ratio, 1000 * energy]) }],
        },
      },
      options,
    );
  });
}
