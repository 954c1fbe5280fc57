/** `mlts train`: labelled structures become an ensemble. */
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { MltsError, systemReason } from '../errors.ts';
import { parseRecipe } from '../training/config/parse.ts';
import { openLabelled } from '../training/files.ts';
import { joinMembers, train, trainMember } from '../training/run.ts';
import { createTrainer } from '../training/trainer.ts';
import { interruption, print, steps } from './options.ts';
import { jsonHost, memberSummary, summary, terminalHost } from './train-host.ts';

const EXAMPLES = `
Example, five lines of YAML (all settings: docs/training.md):
  data: frames.extxyz        energies in eV and forces in eV/Å
  output: ethanol
  members: 4
  epochs: 300
  level: GFN2-xTB

  mlts train ethanol.yaml
  mlts train ethanol.yaml --resume     goes on from the last checkpoint, to the same weights bit for bit

Members on machines of their own, then the ensemble of them:
  mlts train ethanol.yaml --member 0   leaves NAME.member-0.checkpoint; then 1, 2 and 3
  mlts train ethanol.yaml --join

The ensemble goes to NAME.mlts, the report to NAME.html, errors of every epoch to NAME.csv, checkpoints to NAME.checkpoint.`;

export function register(program: Command): void {
  program
    .command('train')
    .description('train an ensemble on labelled structures')
    .argument('<config>', 'YAML')
    .option('--resume', 'go on from the checkpoint')
    .option('--force', 'replace the files of an earlier training')
    .addOption(new Option('--member <k>', 'train this member alone, from 0').argParser(steps).conflicts('join'))
    .option('--join', 'make the ensemble of members that were trained alone')
    .option('--json', 'JSON Lines on stdout instead of the table')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

interface TrainOptions {
  readonly member?: number;
  readonly join?: boolean;
  readonly resume?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

async function run(config: string, options: TrainOptions): Promise<void> {
  const { member, join = false, resume = false, force = false, json = false } = options;
  if (resume && force) throw new MltsError('E_USAGE', 'both --resume and --force are given', 'Choose one.');
  const recipe = parseRecipe(read(config), config);
  const host = json ? jsonHost() : terminalHost();
  const tools = { open: openLabelled, createTrainer };
  const how = { resume, force, host, signal: interruption() };
  try {
    if (member !== undefined) {
      const state = await trainMember(recipe, member, tools, how);
      host.end();
      await print(memberSummary(recipe.output, member, state, json));
    } else {
      const result = await (join ? joinMembers : train)(recipe, tools, how);
      host.end();
      await print(summary(recipe.output, result, json));
    }
  } finally {
    host.end();
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MltsError('E_FILE', `${file} cannot be read (${systemReason(cause)})`, 'Give the YAML of a training.', {
      cause,
    });
  }
}
