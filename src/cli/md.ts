/** `mlts md`: molecular dynamics of one or many structures, one stage by options or many by a file. */
import { Command, CommanderError, Option } from 'commander';
import { parseRun } from '../dynamics/input/parse.ts';
import { ENSEMBLES, QUANTITIES, type RunInput } from '../dynamics/input/stages.ts';
import { resumeRun, startRun } from '../dynamics/run/run.ts';
import { readSaved } from '../dynamics/run/saved.ts';
import { BUILD_HELP } from '../dynamics/structures/build.ts';
import { MltsError } from '../errors.ts';
import { nearest } from '../model/nearest.ts';
import * as analyze from './analyze.ts';
import { jsonHost, terminalHost } from './md-host.ts';
import { fieldsOf, type MdOptions } from './md-input.ts';
import { backendOption, interruption } from './options.ts';
import { openSource } from './source.ts';
import { readOrBuild } from './structures.ts';

const EXAMPLES = `
Examples:
  mlts md water.xyz --model ani-2x --ensemble nvt --temperature 300 --time 10ps
  mlts md --build fcc:Al:4.05 --repeat 8 8 8 --model ani-al --ensemble npt --temperature 1000 --pressure 0 \\
      --timestep 2 --time 125ps --output liquid
  mlts md walkers.extxyz --connect tcp://127.0.0.1:5588 --ensemble nvt --temperature 300:1000 --steps 5000 \\
      --stop 'max_sigma_force > 0.5'
  mlts md --input run.yaml          stages relax → npt → nvt → analyse (docs/dynamics.md)
  mlts md --resume --output liquid  goes on from the last checkpoint

All frames of a file step together, each for itself. Frames go to NAME.extxyz, the log to NAME.csv, checkpoints to
NAME.checkpoint, the last state to NAME.last.extxyz, frames that met a condition to NAME.events.extxyz.
Conditions compare ${QUANTITIES.join(', ')};
σ times the model's calibration with 'calibrated' behind the bound.`;

export function register(program: Command): void {
  program
    .command('md')
    .description('molecular dynamics')
    .argument('[file]', 'extended or plain XYZ, LAMMPS data, POSCAR, CIF; each frame is a walker')
    .option('--input <file>', 'stages from a YAML file')
    .option('--model <m>', 'a .mlts file or a name from the model folders')
    .option('--connect <endpoint>', 'ask a server instead of computing here')
    .option('--keys <file>', 'CURVE key file for a server on another machine (mlts keys)')
    .option('--threads <n>', 'threads that compute (default: all processors)')
    .addOption(backendOption())
    .option('--precision <p>', 'single or double (default: single)')
    .option('--build <what>', 'build a structure instead of reading one (below)')
    .option('--repeat <n...>', 'copies along each cell vector')
    .option('--index <i:j:k>', 'which frames of the file, as in Python (default: :)')
    .option('--seed <n>', 'of everything random (default: 1)')
    .addOption(new Option('--ensemble <e>', 'what is kept constant').choices(ENSEMBLES))
    .option('--time <t>', 'how long: 500fs, 10ps, 1ns')
    .option('--steps <n>', 'how long, in steps')
    .option('--timestep <t>', 'fs (default: 0.5 with hydrogen, 1 without)')
    .option('--temperature <t>', 'K; from:to ramps; from:to:amplitude:period cycles')
    .option(
      '--velocities <t>',
      'draw velocities at this temperature, K (default: those of the file, else at --temperature)',
    )
    .option('--thermostat <name>', 'rescale, langevin or nose-hoover (default: rescale)')
    .option('--thermostat-time <t>', 'its time constant (default: 100fs)')
    .option('--pressure <p>', 'with its unit: 1bar, 2.5GPa; ramps and cycles too')
    .option('--barostat <name>', 'rescale or mtk (default: rescale)')
    .option('--barostat-time <t>', 'its time constant (default: 1ps)')
    .option('--cell <freedom>', 'isotropic, anisotropic or triclinic (default: isotropic)')
    .option('--compressibility <c>', 'for the barostat, 1/GPa (default: 0.02)')
    .option('--density <d>', 'g/cm³, imposed on the cell; ramps and cycles too')
    .option('--fix <atoms>', 'atoms that do not move: 0,4,8-15')
    .option('--bonds <pairs>', 'bonds of constant length: 0-1,0-2')
    .option('--stop <condition>', "end a walker: 'max_sigma_force > 0.5'; may be repeated", collect)
    .option('--dump <condition>', 'save a frame and go on; may be repeated', collect)
    .option('--every <n>', 'steps between frames (default: 100)')
    .option('--log <n>', 'steps between rows of the log (default: 100)')
    .option('--checkpoint <n>', 'steps between checkpoints (default: 1000)')
    .option('--format <f>', 'of frames: extxyz, dump or dcd (default: extxyz)')
    .option('--output <name>', 'how the files begin (default: md)')
    .option('--resume', 'go on from the checkpoint')
    .option('--force', 'replace the files of an earlier run')
    .option('--json', 'JSON Lines on stdout instead of the table')
    .addHelpText('after', `\n${BUILD_HELP}`)
    .addHelpText('after', EXAMPLES)
    .action(run);
}

const collect = (one: string, all: string[] = []) => [...all, one];

async function run(file: string | undefined, options: MdOptions): Promise<void> {
  const { resume, force, json } = options;
  if (resume && force) throw new MltsError('E_USAGE', 'both --resume and --force are given', 'Choose one.');
  const asked = inputOf(file, options);
  const output = typeof options.output === 'string' ? options.output : (asked?.output ?? 'md');
  const saved = resume ? readSaved(output, asked) : undefined;
  const settings = saved?.input ?? asked ?? parseRun(fieldsOf(file, options));
  checkAnalyses(settings);
  const signal = interruption();
  const source = { ...settings, ...(saved && asked === undefined && where(options)), backend: options.backend };
  const walkers = saved === undefined ? structuresOf(settings) : [];
  const potential = await openSource(source);
  const host = json ? jsonHost(runAnalysis) : terminalHost(runAnalysis);
  try {
    if (saved === undefined) await startRun(settings, walkers, potential, { host, signal, force });
    else await resumeRun(saved, potential, { host, signal });
  } finally {
    host.end();
    potential.close();
  }
}

/** The run that file and options describe; undefined where --resume stands for all of it. */
function inputOf(file: string | undefined, options: MdOptions): RunInput | undefined {
  const says = options.input !== undefined || options.ensemble !== undefined;
  if (!says && options.resume) return undefined;
  return parseRun(fieldsOf(file, options));
}

/** `mlts analyze` as it stands on a command line of its own. */
function analysis(): Command {
  const command = new Command('mlts').exitOverride().configureOutput({ writeErr: () => undefined });
  analyze.register(command);
  return command;
}

/** @throws MltsError E_USAGE for what `mlts analyze` would refuse */
async function runAnalysis(words: readonly string[]): Promise<void> {
  try {
    await analysis().parseAsync(['analyze', ...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const what = error.message.replace(/^error: /, '').replace(/\s+/g, ' ');
    throw new MltsError('E_USAGE', `analyse: ${words.join(' ')}: ${what}`, 'See `mlts analyze --help`.');
  }
}

/** Sees to it before the first step that the last stage will not fail on a misspelt name. */
function checkAnalyses({ stages }: RunInput): void {
  const [analyzeCommand] = analysis().commands;
  const verbs = analyzeCommand.commands.map((command) => command.name());
  for (const stage of stages) {
    if (stage.kind !== 'analyse' || verbs.includes(stage.arguments[0])) continue;
    const near = nearest(stage.arguments[0], verbs);
    throw new MltsError(
      'E_USAGE',
      `analyse: there is no '${stage.arguments[0]}'`,
      near === undefined ? `There are ${verbs.join(', ')}.` : `Did you mean '${near}'?`,
    );
  }
}

/** Where to compute, for a run whose other settings are in its checkpoint. */
function where({ model, connect, keys, threads }: MdOptions): object {
  const given = Object.entries({ model, connect, keys, threads: threads === undefined ? undefined : Number(threads) });
  if (connect !== undefined || model !== undefined) return Object.fromEntries(given);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

function structuresOf(settings: RunInput) {
  const { structure, build, index, seed, repeat } = settings;
  const options = { index, seed, ...(build !== undefined && { build }), ...(repeat && { repeat }) };
  return [...readOrBuild(structure === undefined ? [] : [structure], options)].map((framed) => framed.structure);
}
