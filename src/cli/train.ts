/** `mlts train`: labelled structures become an ensemble. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { MltsError, systemReason } from '../errors.ts';
import { parseRecipe } from '../training/config/parse.ts';
import { openLabelled } from '../training/files.ts';
import { train } from '../training/run.ts';
import { createTrainer } from '../training/trainer.ts';
import { interruption, print } from './options.ts';
import { jsonHost, summary, terminalHost } from './train-host.ts';

const EXAMPLES = `
Example, five lines of YAML (all settings: docs/training.md):
  data: frames.extxyz        energies in eV and forces in eV/Å
  output: ethanol
  members: 4
  epochs: 300
  level: GFN2-xTB

  mlts train ethanol.yaml
  mlts train ethanol.yaml --resume     goes on from the last checkpoint, to the same weights bit for bit

The ensemble goes to NAME.mlts, the report to NAME.html, errors of every epoch to NAME.csv, checkpoints to NAME.checkpoint.`;

export function register(program: Command): void {
  program
    .command('train')
    .description('train an ensemble on labelled structures')
    .argument('<config>', 'YAML')
    .option('--resume', 'go on from the checkpoint')
    .option('--force', 'replace the files of an earlier training')
    .option('--json', 'JSON Lines on stdout instead of the table')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

interface TrainOptions {
  readonly resume?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

async function run(config: string, { resume = false, force = false, json = false }: TrainOptions): Promise<void> {
  if (resume && force) throw new MltsError('E_USAGE', 'both --resume and --force are given', 'Choose one.');
  const recipe = parseRecipe(read(config), config);
  const signal = interruption();
  const host = json ? jsonHost() : terminalHost();
  try {
    const result = await train(recipe, { open: openLabelled, createTrainer }, { resume, force, host, signal });
    host.end();
    await print(summary(recipe.output, result, json));
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
