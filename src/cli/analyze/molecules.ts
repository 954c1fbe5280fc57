/** `mlts analyze torsion|barrier|reactions`: energies of molecules along what they do. */
import type { Command } from 'commander';
import type { Quartet } from '../../analysis/dihedral.ts';
import { converged, results, spread, systemOf } from '../../analysis/evaluate.ts';
import { firstFrame } from '../../analysis/frames.ts';
import { type ReactionResult, reactionEnergies, readReactions } from '../../analysis/reactions.ts';
import { meanOf } from '../../analysis/statistics.ts';
import { stationaryPoints, torsionScan } from '../../analysis/torsion.ts';
import { relax } from '../../dynamics/minimise/relax.ts';
import { neb } from '../../dynamics/neb.ts';
import { MltsError } from '../../errors.ts';
import { formatExtxyz } from '../../io/extxyz.ts';
import { OutputFile } from '../../io/write.ts';
import { KCAL_PER_MOL } from '../../units.ts';
import { above, atoms, count } from '../options.ts';
import type { Source } from '../source.ts';
import { type StructureOptions, structureOptions } from '../structures.ts';
import { emit, type OutputOptions, outputOptions, table } from './report.ts';
import { oneStructure, sourceOptions, withPotential } from './source.ts';

interface Common extends Source, OutputOptions {
  readonly structures?: string;
}

const STRUCTURES = ['--structures <file>', 'write the structures along it as extended XYZ'] as const;

export function register(analyze: Command): void {
  const torsion = analyze
    .command('torsion')
    .description('energy against a torsion angle, rigid or relaxed')
    .argument('[molecule]', 'the first structure of a file')
    .requiredOption('--atoms <i,j,k,l>', 'four atoms in a chain, by number from 0; the bond j–k turns', atoms)
    .option('--step <degrees>', 'between angles', above, 15)
    .option('--relax', 'let all else relax at each angle')
    .option(...STRUCTURES);
  outputOptions(structureOptions(sourceOptions(torsion))).action(scan);
  const barrier = analyze
    .command('barrier')
    .description('the path of lowest energy between two structures (NEB) and its barrier')
    .argument('<first>', 'where it begins')
    .argument('<last>', 'where it ends: the same atoms in the same order')
    .option('--images <n>', 'between the ends', count, 9)
    .option('--fmax <f>', 'largest force across the path, eV/Å', above, 0.05)
    .option('--relax', 'relax both ends first')
    .option(...STRUCTURES);
  outputOptions(sourceOptions(barrier)).action(path);
  const list = analyze
    .command('reactions')
    .description('reaction energies and barriers of a list, against known ones where it has them')
    .argument('<list>', 'a YAML file: name, reactants, products, transition (a file, or neb), reference')
    .option('--relax', 'relax reactants and products first');
  outputOptions(sourceOptions(list)).action(reactions);
}

const kcal = (energy: number) => energy / KCAL_PER_MOL;
const degrees = (angle: number) => (angle * 180) / Math.PI;

async function scan(
  file: string | undefined,
  options: Common & StructureOptions & { readonly atoms: number[]; readonly step: number; readonly relax?: boolean },
): Promise<void> {
  const [i, j, k, l, ...more] = options.atoms;
  if (l === undefined || more.length > 0) {
    throw new MltsError(
      'E_USAGE',
      `--atoms names ${options.atoms.length} atoms`,
      'Name four in a chain, like 0,1,2,3.',
    );
  }
  const quartet: Quartet = [i, j, k, l];
  await withPotential(options, async (potential, compute) => {
    const settings = { ...compute, step: (options.step * Math.PI) / 180, relax: options.relax };
    const points = await torsionScan(potential, oneStructure(file, options), quartet, settings);
    for (const { angle, energy } of points) {
      if (energy instanceof MltsError) process.stderr.write(`${degrees(angle).toFixed(1)}°: ${energy.message}\n`);
    }
    const good = points.flatMap((point) =>
      point.energy instanceof MltsError ? [] : [{ ...point, energy: point.energy }],
    );
    if (options.structures !== undefined) {
      write(
        options.structures,
        good.map(({ system, energy, reached }) => ({ system, info: { energy, torsion: degrees(reached) } })),
      );
    }
    const stationary = stationaryPoints(points);
    await emit(
      {
        text: [
          table(
            ['angle/°', 'ΔE/eV', 'kcal/mol', 'σ/(kcal/mol)'],
            good.map(({ reached, energy, deviation }) => [
              ...[degrees(reached).toFixed(2), energy.toFixed(5)],
              ...[kcal(energy).toFixed(3), kcal(deviation).toFixed(3)],
            ]),
          ),
          `\n${table(
            ['', 'angle/°', 'ΔE/eV', 'kcal/mol'],
            stationary.map(({ kind, angle, energy }) => [
              ...[kind, degrees(angle).toFixed(1), energy.toFixed(5), kcal(energy).toFixed(3)],
            ]),
          )}`,
        ].join(''),
        object: {
          atoms: quartet,
          relaxed: options.relax === true,
          stationary: stationary.map(({ kind, angle, energy }) => ({ kind, angle: degrees(angle), energy })),
          points: good.map(({ reached, energy, deviation }) => ({ angle: degrees(reached), energy, sigma: deviation })),
        },
        columns: {
          names: ['angle_deg', 'energy_eV', 'sigma_eV'],
          rows: good.map(({ reached, energy, deviation }) => [degrees(reached), energy, deviation]),
        },
        plot: {
          ...{ title: `Torsion ${quartet.join('–')}`, x: 'angle / °', y: 'ΔE / kcal mol⁻¹' },
          curves: [
            {
              name: potential.model.name,
              points: good.map(({ reached, energy }) => [degrees(reached), kcal(energy)]),
              errors: good.map(({ deviation }) => kcal(deviation)),
            },
          ],
        },
      },
      options,
    );
    if (good.length < points.length) process.exitCode = 1;
  });
}

function write(
  name: string,
  frames: readonly { system: ReturnType<typeof systemOf>; info: Record<string, number> }[],
): void {
  const file = new OutputFile(name);
  try {
    for (const { system, info } of frames) {
      const { numbers, positions, cell, pbc = [false, false, false] } = system;
      file.write(formatExtxyz({ numbers, positions, cell, pbc, info, arrays: {} }));
    }
    file.commit();
  } finally {
    file.discard();
  }
}

async function path(
  first: string,
  last: string,
  options: Common & { readonly images: number; readonly fmax: number; readonly relax?: boolean },
): Promise<void> {
  await withPotential(options, async (potential, compute) => {
    let ends = [first, last].map((file) => systemOf(firstFrame(file)));
    if (options.relax) {
      const relaxed = await relax(potential, ends, { ...compute, fmax: 0.01, precision: 'double' });
      ends = relaxed.map((outcome, i) => systemOf(converged(outcome, [first, last][i]).system));
    }
    const { images, fmax } = options;
    const found = await neb(potential, [ends[0], ends[1]], { ...compute, images, fmax, precision: 'double' });
    const systems = found.images.map(systemOf);
    const evaluated = await results(potential, systems, ['memberEnergies'], compute);
    const points = evaluated.map(({ energy, memberEnergies }, i) => ({
      distance: found.distances[i],
      energy: energy - evaluated[0].energy,
      sigma: spread(memberEnergies!.map((value, m) => value - evaluated[0].memberEnergies![m])),
    }));
    if (options.structures !== undefined) {
      write(
        options.structures,
        systems.map((system, i) => ({ system, info: { energy: points[i].energy, sigma_energy: points[i].sigma } })),
      );
    }
    if (!found.converged) {
      const worst = Math.max(...points.map(({ sigma }) => sigma));
      throw new MltsError(
        'E_LIMIT',
        `the path is not relaxed after ${found.steps} steps: ${found.fmax.toPrecision(3)} eV/Å are left across it, σ of the energy is up to ${kcal(worst).toPrecision(2)} kcal/mol along it`,
        'Relax the ends (--relax), take more or fewer images or a larger --fmax; where σ is large the model extrapolates, and there may be no smooth path to find.',
      );
    }
    const top = points[found.saddle];
    const end = points[points.length - 1];
    const row = (name: string, { energy, sigma }: (typeof points)[number]) => [
      ...[name, energy.toFixed(5), kcal(energy).toFixed(3), kcal(sigma).toFixed(3)],
    ];
    await emit(
      {
        text: [
          table(
            ['image', 'path/Å', 'ΔE/eV', 'kcal/mol', 'σ/(kcal/mol)'],
            points.map(({ distance, energy, sigma }, i) => [
              ...[String(i), distance.toFixed(3), energy.toFixed(5)],
              ...[kcal(energy).toFixed(3), kcal(sigma).toFixed(3)],
            ]),
          ),
          `\n${table(['', 'ΔE/eV', 'kcal/mol', 'σ/(kcal/mol)'], [row('barrier', top), row('reaction', end)])}`,
        ].join(''),
        object: {
          barrier: top.energy,
          reaction: end.energy,
          saddle: found.saddle,
          fmax: found.fmax,
          steps: found.steps,
          points,
        },
        columns: {
          names: ['distance_A', 'energy_eV', 'sigma_eV'],
          rows: points.map(({ distance, energy, sigma }) => [distance, energy, sigma]),
        },
        plot: {
          ...{ title: 'Minimum-energy path', x: 'path / Å', y: 'ΔE / kcal mol⁻¹' },
          curves: [
            {
              name: potential.model.name,
              points: points.map(({ distance, energy }) => [distance, kcal(energy)]),
              errors: points.map(({ sigma }) => kcal(sigma)),
            },
          ],
        },
      },
      options,
    );
  });
}

async function reactions(file: string, options: Source & OutputOptions & { readonly relax?: boolean }): Promise<void> {
  const list = readReactions(file);
  await withPotential(options, async (potential, compute) => {
    const found = await reactionEnergies(potential, list, { ...compute, relax: options.relax });
    const show = (energy: number | undefined, sigma: number | undefined, known: number | undefined) => [
      energy === undefined ? '—' : kcal(energy).toFixed(2),
      sigma === undefined ? '—' : kcal(sigma).toFixed(2),
      energy === undefined || known === undefined ? '—' : kcal(energy - known).toFixed(2),
    ];
    await emit(
      {
        text: `kcal/mol\n${table(
          ['reaction', 'energy', 'σ', 'error', 'barrier', 'σ', 'error'],
          found.map(({ reaction, energy, energyDeviation, barrier, barrierDeviation }) => [
            reaction.name,
            ...show(energy, energyDeviation, reaction.reference.energy),
            ...show(barrier, barrierDeviation, reaction.reference.barrier),
          ]),
        )}${errorsOf(found)}`,
        object: {
          reactions: found.map(
            ({ reaction: { name, reference }, energy, energyDeviation, barrier, barrierDeviation }) => ({
              ...{ name, energy, sigma_energy: energyDeviation },
              ...(barrier !== undefined && { barrier, sigma_barrier: barrierDeviation }),
              reference,
            }),
          ),
        },
        columns: {
          names: ['reaction', 'energy_eV', 'sigma_eV', 'reference_eV', 'barrier_eV', 'sigma_eV', 'reference_eV'],
          rows: found.map(({ reaction: { name, reference }, ...one }) => [
            ...[name, one.energy, one.energyDeviation, reference.energy],
            ...[one.barrier, one.barrierDeviation, reference.barrier],
          ]),
        },
        plot: {
          ...{ title: 'Reactions', x: 'known / kcal mol⁻¹', y: 'computed / kcal mol⁻¹' },
          curves: (['energy', 'barrier'] as const).map((name) => ({
            ...{ name, style: 'points' },
            points: found.flatMap((one) => {
              const [known, value] = [one.reaction.reference[name], one[name]];
              return known === undefined || value === undefined ? [] : [[kcal(known), kcal(value)] as const];
            }),
          })),
        },
      },
      options,
    );
  });
}

function errorsOf(found: readonly ReactionResult[]): string {
  const lines = (['energy', 'barrier'] as const).flatMap((name) => {
    const errors = found.flatMap((one) => {
      const [known, value] = [one.reaction.reference[name], one[name]];
      return known === undefined || value === undefined ? [] : [kcal(value - known)];
    });
    if (errors.length === 0) return [];
    const absolute = meanOf(errors.map(Math.abs)).mean;
    const root = Math.sqrt(meanOf(errors.map((error) => error * error)).mean);
    return [
      `${name}: mean absolute error ${absolute.toFixed(3)}, root mean square ${root.toFixed(3)}, ${errors.length} known\n`,
    ];
  });
  return lines.length > 0 ? `\n${lines.join('')}` : '';
}
