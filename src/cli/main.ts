#!/usr/bin/env node
/** `mlts`: one verb a file. Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted. */
import { Command, CommanderError } from 'commander';
import { asMltsError } from '../errors.ts';
import { version } from '../version.ts';
import * as analyze from './analyze.ts';
import * as assess from './assess.ts';
import * as bench from './bench.ts';
import * as data from './data.ts';
import * as doctor from './doctor.ts';
import * as evaluate from './eval.ts';
import * as keys from './keys.ts';
import * as learn from './learn.ts';
import * as md from './md.ts';
import * as model from './model.ts';
import * as relax from './relax.ts';
import * as serve from './serve.ts';
import * as setup from './setup.ts';
import * as train from './train.ts';
import * as verify from './verify.ts';

const [FAILED, USAGE, INTERRUPTED] = [1, 2, 130];

function program(): Command {
  const mlts = new Command('mlts')
    .description('Machine-learning potentials for LAMMPS, ASE and TypeScript: energies, forces and their uncertainty')
    .version(version)
    .exitOverride()
    .addHelpText('after', '\n`mlts VERB --help` shows options and examples. Units: Å, eV, eV/Å, eV/Å³.');
  for (const verb of [
    serve,
    evaluate,
    md,
    relax,
    data,
    train,
    learn,
    assess,
    analyze,
    model,
    verify,
    bench,
    keys,
    setup,
    doctor,
  ])
    verb.register(mlts);
  sayUsage(mlts, 'mlts');
  return mlts;
}

/** Wrong usage of a command and of those below it is told in the form of every other error, with the help to read. */
function sayUsage(command: Command, name: string): void {
  command.configureOutput({ outputError: (text, write) => write(usageError(text, name)) });
  for (const below of command.commands) sayUsage(below, `${name} ${below.name()}`);
}

/** Commander's `error: …` in the form of every other error: `CODE: what. remedy`. */
function usageError(text: string, command: string): string {
  const [what, ...hints] = text
    .replace(/^error: /, '')
    .trim()
    .split('\n');
  const hint = hints.join(' ').replace(/^\((.*)\)$/, '$1');
  return `E_USAGE: ${what.replace(/\.$/, '')}. ${hint || `See \`${command} --help\`.`}\n`;
}

// A reader that has seen enough (`mlts … | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

try {
  await program().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : USAGE;
  } else {
    const { code, message, stack } = asMltsError(error);
    process.stderr.write(`${code === 'E_INTERNAL' ? stack : message}\n`);
    process.exitCode = code === 'E_USAGE' ? USAGE : code === 'E_CANCELLED' ? INTERRUPTED : FAILED;
  }
}
