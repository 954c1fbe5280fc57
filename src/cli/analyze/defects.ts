/** `mlts analyze vacancy|surface|fault`: energies of defects in crystals. */
import type { Command } from 'commander';
import { stackingFault, surfaces, vacancy } from '../../analysis/defects.ts';
import type { Miller } from '../../analysis/oriented.ts';
import { MltsError } from '../../errors.ts';
import { above, count } from '../options.ts';
import type { Source } from '../source.ts';
import { type StructureOptions, structureOptions } from '../structures.ts';
import { emit, type OutputOptions, outputOptions, table } from './report.ts';
import { oneCrystal, sourceOptions, withPotential } from './source.ts';

interface Options extends Source, OutputOptions, StructureOptions {}

/** 1 eV/Å² in J/m². */
const JOULE = 16.02176634;

export function register(analyze: Command): void {
  const one = analyze
    .command('vacancy')
    .description('formation energy of a vacancy, and its migration')
    .argument('[structure]', 'a supercell of one element, relaxed')
    .option('--migration', 'the barrier of its hop to a neighbour too (NEB)');
  outputOptions(structureOptions(sourceOptions(one))).action(formation);
  const surface = analyze
    .command('surface')
    .description('surface energies of slabs')
    .argument('[structure]', 'a crystal at its own lattice constant')
    .option('--planes <hkl,…>', 'Miller indices in the vectors of its cell', millers, [
      [1, 1, 1],
      [1, 0, 0],
      [1, 1, 0],
    ])
    .option('--thickness <d>', 'of the slabs, Å', above, 25);
  outputOptions(structureOptions(sourceOptions(surface))).action(surfaceEnergies);
  const fault = analyze
    .command('fault')
    .description('stacking faults: energy of one half of a crystal moved over the other')
    .argument('[structure]', 'a crystal at its own lattice constant')
    .option('--plane <hkl>', 'Miller indices in the vectors of its cell', (text) => millers(text)[0], [1, 1, 1])
    .option('--vector <u,v,w>', 'whole shift in the same vectors', vector, [1 / 6, 1 / 6, -1 / 3])
    .option('--points <n>', 'from no shift to the whole', count, 11)
    .option('--thickness <d>', 'of the crystal, Å', above, 25);
  outputOptions(structureOptions(sourceOptions(fault))).action(faultEnergies);
}

/** `111,100` or `1 -1 0`. */
function millers(text: string): Miller[] {
  return text.split(',').map((plane): Miller => {
    const indices = (/\s/.test(plane.trim()) ? plane.trim().split(/\s+/) : (plane.match(/-?\d/g) ?? [])).map(Number);
    if (indices.length === 3 && indices.every(Number.isSafeInteger)) return [indices[0], indices[1], indices[2]];
    throw new MltsError('E_USAGE', `'${plane}' is no plane`, 'Write three Miller indices, like 111, 1-10 or "1 1 0".');
  });
}

function vector(text: string): [number, number, number] {
  const parts = text.split(',').map((part) => {
    const [over, under = '1'] = part.split('/');
    return Number(over) / Number(under);
  });
  if (parts.length === 3 && parts.every(Number.isFinite)) return [parts[0], parts[1], parts[2]];
  throw new MltsError('E_USAGE', `'${text}' is no vector`, 'Write three numbers or fractions, like 1/6,1/6,-1/3.');
}

async function formation(file: string | undefined, options: Options & { readonly migration?: boolean }): Promise<void> {
  await withPotential(options, async (potential, compute) => {
    const { migration } = options;
    const found = await vacancy(potential, oneCrystal(file, options), { ...compute, migration });
    const { atoms, unrelaxed, relaxed, path } = found;
    const profile = path ? path.distances.map((distance, i) => [distance, path.profile[i]] as const) : [];
    await emit(
      {
        text: table(
          ['atoms', 'unrelaxed/eV', 'formation/eV', 'migration/eV'],
          [[String(atoms), unrelaxed.toFixed(4), relaxed.toFixed(4), found.migration?.toFixed(4) ?? '—']],
        ),
        object: { atoms, unrelaxed, formation: relaxed, migration: found.migration ?? null, path: profile },
        columns: path
          ? { names: ['distance_A', 'energy_eV'], rows: profile }
          : { names: ['unrelaxed_eV', 'formation_eV'], rows: [[unrelaxed, relaxed]] },
        plot: {
          ...{ title: 'Migration of a vacancy', x: 'path / Å', y: 'E / eV' },
          curves: [{ name: 'path', points: profile }],
        },
      },
      options,
    );
  });
}

async function surfaceEnergies(
  file: string | undefined,
  options: Options & { readonly planes: readonly Miller[]; readonly thickness: number },
): Promise<void> {
  await withPotential(options, async (potential, compute) => {
    const { planes, thickness } = options;
    const found = await surfaces(potential, oneCrystal(file, options), planes, { ...compute, thickness });
    const name = (miller: Miller) => `(${miller.join(' ')})`;
    await emit(
      {
        text: table(
          ['plane', 'atoms', 'area/Å²', 'unrelaxed/(J/m²)', 'relaxed/(J/m²)', 'meV/Å²'],
          found.map(({ miller, atoms, area, unrelaxed, relaxed }) => [
            ...[name(miller), String(atoms), area.toFixed(3)],
            ...[(unrelaxed * JOULE).toFixed(4), (relaxed * JOULE).toFixed(4), (relaxed * 1000).toFixed(2)],
          ]),
        ),
        object: {
          surfaces: found.map((one) => ({
            ...one,
            unrelaxed_J_m2: one.unrelaxed * JOULE,
            relaxed_J_m2: one.relaxed * JOULE,
          })),
        },
        columns: {
          names: ['plane', 'unrelaxed_J_m2', 'relaxed_J_m2'],
          rows: found.map(({ miller, unrelaxed, relaxed }) => [name(miller), unrelaxed * JOULE, relaxed * JOULE]),
        },
        plot: {
          ...{ title: 'Surface energies', x: 'plane, in order', y: 'γ / J m⁻²' },
          curves: found.map(({ miller, relaxed }, i) => ({
            ...{ name: name(miller), style: 'points' },
            points: [[i + 1, relaxed * JOULE]],
          })),
        },
      },
      options,
    );
  });
}

async function faultEnergies(
  file: string | undefined,
  options: Options & {
    readonly plane: Miller;
    readonly vector: [number, number, number];
    readonly points: number;
    readonly thickness: number;
  },
): Promise<void> {
  await withPotential(options, async (potential, compute) => {
    const { plane, points: count, thickness } = options;
    const settings = { ...compute, points: Math.max(2, count), thickness };
    const crystal = oneCrystal(file, options);
    const found = await stackingFault(potential, crystal, plane, options.vector, settings);
    const { points, stable, unstable, vector: taken } = found;
    const milli = (energy: number) => (energy * JOULE * 1000).toFixed(2);
    await emit(
      {
        text: [
          `plane (${plane.join(' ')}), shift [${taken.map((x) => x.toFixed(4)).join(' ')}], ${found.atoms} atoms\n`,
          table(
            ['part', 'rigid/(mJ/m²)', 'relaxed/(mJ/m²)'],
            points.map(({ shift, rigid, relaxed }) => [shift.toFixed(3), milli(rigid), milli(relaxed)]),
          ),
          `\nhighest ${milli(unstable)} mJ/m², at the whole shift all atoms free ${milli(stable)} mJ/m²\n`,
        ].join(''),
        object: { plane, ...found, stable_J_m2: stable * JOULE, unstable_J_m2: unstable * JOULE },
        columns: {
          names: ['part', 'rigid_J_m2', 'relaxed_J_m2'],
          rows: points.map(({ shift, rigid, relaxed }) => [shift, rigid * JOULE, relaxed * JOULE]),
        },
        plot: {
          ...{ title: 'Stacking fault', x: 'part of the shift', y: 'γ / mJ m⁻²' },
          curves: (['rigid', 'relaxed'] as const).map((name) => ({
            name,
            points: points.map((point) => [point.shift, point[name] * JOULE * 1000]),
          })),
        },
      },
      options,
    );
  });
}
