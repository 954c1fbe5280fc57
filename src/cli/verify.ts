/** `mlts verify`: does a model on this machine obey the laws that every potential must? */
import type { Command } from 'commander';
import { ReferencePotential } from '../engine/reference/reference.ts';
import { MltsError } from '../errors.ts';
import { readStructures } from '../io/read.ts';
import { parseFrameIndex } from '../io/slice.ts';
import { type Verdict, verify } from '../verify/checks.ts';
import { defaultStructure } from '../verify/structures.ts';
import { openModel, print } from './options.ts';

const EXAMPLES = `
Examples:
  mlts verify --model ani-2x                a box of molecules with every element of the model
  mlts verify --model al.mlts liquid.xyz    the first frame of a file
  mlts verify --model ani-2x --json         one object a check

Exit code 1 where a check fails. The guide says what each check does and where its bound comes from.`;

export function register(program: Command): void {
  program
    .command('verify')
    .description('forces and virial by finite differences, invariances, domains, energy drift')
    .argument('[structure]', 'a structure file; default one made for the elements of the model')
    .requiredOption('--model <m>', 'a .mlts file or a name from the model folders')
    .option('--json', 'JSON Lines on stdout')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(file: string | undefined, options: { model: string; json?: boolean }): Promise<void> {
  const { model, potential } = await openModel(options.model);
  const reference = potential.backend === 'reference' ? undefined : new ReferencePotential(model);
  try {
    const system = file === undefined ? await defaultStructure(potential) : firstFrame(file);
    const name = `${model.name} ${model.sha256.slice(0, 12)}, ${potential.backend}, ${system.numbers.length} atoms`;
    if (!options.json) await print(`${name}\n`);
    const failed: string[] = [];
    for await (const verdict of verify({ model, potential, system, reference })) {
      if (!verdict.pass) failed.push(verdict.check);
      await print(options.json ? `${JSON.stringify(verdict)}\n` : line(verdict));
    }
    if (failed.length > 0) {
      throw new MltsError(
        'E_MODEL',
        `${name}: failed ${failed.join(', ')}`,
        'Do not trust this combination: report it with `mlts doctor --json`.',
      );
    }
  } finally {
    potential.close();
    reference?.close();
  }
}

function firstFrame(file: string) {
  const [{ frame }] = readStructures(file, parseFrameIndex('0'));
  return frame;
}

function line({ check, value, bound, unit, pass, run, error }: Verdict): string {
  const measured =
    error ?? `${value.toExponential(1)} ≤ ${bound.toExponential()} ${unit}${run === undefined ? '' : ` (${run})`}`;
  return `${pass ? 'pass' : 'FAIL'}  ${check.padEnd(32)} ${measured}\n`;
}
