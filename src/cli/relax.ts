/** `mlts relax`: structures to their nearest minimum, with their cells where wanted; normal modes there. */
import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { CELL_FREEDOMS, type CellFreedom } from '../dynamics/minimise/coordinates.ts';
import { MINIMISERS, type MinimiserName, type Relaxed, relax } from '../dynamics/minimise/relax.ts';
import { harmonicEnergies, normalModes } from '../dynamics/modes.ts';
import type { Potential, Precision, System } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { volumeOf } from '../io/structure.ts';
import { OutputFile } from '../io/write.ts';
import { EV_PER_ANGSTROM3_IN_GPA } from '../units.ts';
import { extxyzOf, WANT } from './evaluation.ts';
import { above, atoms, interruption, notNegative, pressure, print, steps } from './options.ts';
import { Progress } from './progress.ts';
import { openSource } from './source.ts';
import { batches, type Framed, readOrBuild, type StructureOptions, structureOptions } from './structures.ts';
import { table } from './table.ts';

interface Options extends StructureOptions {
  model?: string;
  connect?: string;
  keys?: string;
  fmax: number;
  minimiser: MinimiserName;
  cell?: CellFreedom | true;
  pressure: number;
  fix?: readonly number[];
  maxSteps: number;
  precision: Precision;
  out: string;
  force?: boolean;
  modes?: boolean;
  temperature: number;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  mlts relax molecule.xyz --model ani-2x                   writes relaxed.extxyz, prints a table
  mlts relax --build fcc:Al:4.1 --cell --model ani-al      lattice constant at zero pressure
  mlts relax POSCAR --cell isotropic --pressure 10GPa --model ani-al
  mlts relax water.xyz --precision double --fmax 1e-4 --modes --model ani-2x   normal modes and free energies

Many structures relax together. One that fails or does not converge is told on stderr; exit code 1 then.`;

export function register(program: Command): void {
  const command = program
    .command('relax')
    .description('structures to their nearest minimum; normal modes')
    .argument('[file...]', 'extended or plain XYZ, LAMMPS data, POSCAR, CIF')
    .option('--model <m>', 'a .mlts file or a name from the model folders')
    .option('--connect <endpoint>', 'ask a server instead of computing here')
    .option('--keys <file>', 'CURVE key file for a server on another machine (mlts keys)')
    .option('--fmax <f>', 'largest force on an atom that counts as relaxed, eV/Å', above, 0.01)
    .addOption(new Option('--minimiser <name>', 'how to go downhill').choices(MINIMISERS).default('lbfgs'))
    .addOption(new Option('--cell [freedom]', `relax the cell too: ${CELL_FREEDOMS.join(', ')} (default: triclinic)`))
    .option('--pressure <p>', 'on the cell, with its unit: 1bar, 2.5GPa', pressure, 0)
    .option('--fix <atoms>', 'atoms that stay where they are: 0,4,8-15', atoms)
    .option('--max-steps <n>', 'give up after so many', steps, 2000)
    .addOption(new Option('--precision <p>', 'arithmetic').choices(['single', 'double']).default('single'))
    .option('--out <file>', 'extended XYZ to write', 'relaxed.extxyz')
    .option('--force', 'replace that file where it exists')
    .option('--modes', 'normal modes and harmonic free energies of what is relaxed')
    .option('--temperature <t>', 'of the free energies, K', notNegative, 298.15)
    .option('--json', 'JSON Lines on stdout instead of the table');
  structureOptions(command).addHelpText('after', EXAMPLES).action(run);
}

async function run(files: string[], options: Options): Promise<void> {
  if (options.cell !== undefined && options.cell !== true && !CELL_FREEDOMS.includes(options.cell)) {
    throw new MltsError(
      'E_USAGE',
      `--cell is '${options.cell}'`,
      `Leave it bare, or choose ${CELL_FREEDOMS.join(', ')}.`,
    );
  }
  if (existsSync(options.out) && !options.force) {
    throw new MltsError(
      'E_USAGE',
      `${options.out} exists`,
      'Name another file with --out, or replace it with --force.',
    );
  }
  const structures = readOrBuild(files, options);
  const signal = interruption();
  const potential = await openSource(options);
  const file = new OutputFile(options.out);
  const rows: string[][] = [];
  let [failed, written] = [0, 0];
  try {
    for (const batch of batches(structures)) {
      const relaxed = await relaxBatch(potential, batch, options, signal);
      for (const [i, outcome] of relaxed.entries()) {
        const name = `${batch[i].file}[${batch[i].index}]`;
        if (outcome instanceof MltsError) {
          process.stderr.write(`${name}: ${outcome.message}\n`);
          failed++;
          continue;
        }
        if (!outcome.converged) {
          process.stderr.write(
            `${name}: not relaxed after ${outcome.steps} steps, the largest force is ${outcome.fmax.toPrecision(3)} eV/Å\n`,
          );
          failed++;
        }
        file.write(await finalFrame(potential, batch[i], outcome, options.precision));
        written++;
        const modes =
          options.modes && outcome.converged ? await modesOf(potential, outcome.system, options, signal) : undefined;
        if (options.json) await print(`${JSON.stringify({ ...objectOf(batch[i], outcome), ...modes })}\n`);
        else rows.push(rowOf(name, outcome));
        if (modes && !options.json) await print(modesTable(name, modes, options.temperature));
      }
      if (signal.aborted) break;
    }
    if (rows.length > 0) await print(table(HEADER, rows));
    if (written > 0) file.commit();
    if (signal.aborted) {
      throw new MltsError(
        'E_CANCELLED',
        `interrupted; ${options.out} holds what was reached`,
        'Relax it further from there.',
      );
    }
    if (failed > 0) process.exitCode = 1;
  } finally {
    file.discard();
    potential.close();
  }
}

async function relaxBatch(
  potential: Potential,
  batch: readonly Framed[],
  { minimiser, fmax, cell, pressure, fix, maxSteps, precision }: Options,
  signal: AbortSignal,
): Promise<(Relaxed | MltsError)[]> {
  const progress = new Progress('steps');
  try {
    const systems = batch.map(({ structure: { numbers, positions, cell, pbc } }) => ({
      numbers,
      positions,
      cell,
      pbc,
    }));
    return await relax(potential, systems, {
      ...{ minimiser, fmax, pressure, maxSteps, precision, signal, fixed: fix },
      cell: cell === true ? 'triclinic' : cell,
      onStep: ({ step, moving, fmax }) =>
        progress.update(step, `${moving} structure${moving === 1 ? '' : 's'}, max |F| ${fmax.toPrecision(3)} eV/Å`),
    });
  } finally {
    progress.clear();
  }
}

async function finalFrame(
  potential: Potential,
  { file, index, structure }: Framed,
  { system }: Relaxed,
  precision: Precision,
) {
  const [result] = await potential.evaluate([system], new Set(WANT), { precision });
  if (result instanceof MltsError) throw result;
  return extxyzOf({ file, index, structure: { ...structure, ...system, pbc: structure.pbc }, result }, potential);
}

interface ModesObject {
  readonly wavenumbers: readonly number[];
  readonly zero_point: number;
  readonly vibrational_energy: number;
  readonly vibrational_entropy: number;
  readonly vibrational_free_energy: number;
}

async function modesOf(
  potential: Potential,
  system: System,
  { temperature }: Options,
  signal: AbortSignal,
): Promise<ModesObject> {
  const progress = new Progress('displacements');
  try {
    const { wavenumbers } = await normalModes(potential, system, {
      signal,
      onProgress: (done) => progress.update(done),
    });
    const { zeroPoint, energy, entropy, freeEnergy } = harmonicEnergies(wavenumbers, temperature);
    return {
      wavenumbers,
      zero_point: zeroPoint,
      vibrational_energy: energy,
      vibrational_entropy: entropy,
      vibrational_free_energy: freeEnergy,
    };
  } finally {
    progress.clear();
  }
}

function modesTable(name: string, modes: ModesObject, temperature: number): string {
  const waves = modes.wavenumbers.map((wave) => (wave < 0 ? `${(-wave).toFixed(1)}i` : wave.toFixed(1)));
  return `${name}: normal modes, cm⁻¹
${waves
  .map((wave, i) => wave.padStart(9) + (i % 8 === 7 ? '\n' : ''))
  .join('')
  .trimEnd()}
zero-point energy ${modes.zero_point.toFixed(6)} eV; at ${temperature} K: energy ${modes.vibrational_energy.toFixed(6)} eV, entropy ${modes.vibrational_entropy.toExponential(4)} eV/K, free energy ${modes.vibrational_free_energy.toFixed(6)} eV
`;
}

const HEADER = [
  'structure',
  'atoms',
  'steps',
  'energy/eV',
  'max |F|/(eV/Å)',
  'max |σ+p|/GPa',
  'max σ_F/(eV/Å)',
  'volume/Å³',
  'relaxed',
];

function rowOf(name: string, outcome: Relaxed): string[] {
  const { energy, fmax, max_stress, max_sigma_force, volume } = valuesOf(outcome);
  return [
    name,
    String(outcome.system.numbers.length),
    String(outcome.steps),
    energy.toFixed(6),
    fmax.toFixed(5),
    max_stress === undefined ? '—' : (max_stress * EV_PER_ANGSTROM3_IN_GPA).toFixed(4),
    max_sigma_force.toFixed(5),
    volume === undefined ? '—' : volume.toFixed(4),
    outcome.converged ? 'yes' : 'no',
  ];
}

function objectOf({ file, index }: Framed, outcome: Relaxed): object {
  const { converged, steps, system } = outcome;
  return {
    file,
    index,
    natoms: system.numbers.length,
    steps,
    converged,
    ...valuesOf(outcome),
    ...(system.cell && { cell: [...system.cell] }),
  };
}

function valuesOf({ result, fmax, smax, system }: Relaxed) {
  const { cell } = system;
  return {
    energy: result.energy,
    fmax,
    max_sigma_force: Math.max(0, ...(result.sigmaForces ?? [])),
    ...(result.virial && { max_stress: smax }),
    ...(cell && { volume: volumeOf(cell) }),
  };
}
