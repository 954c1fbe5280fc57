/** What analyses of a potential share: where forces come from, and the structure they begin with. */
import type { Command } from 'commander';
import type { Compute } from '../../analysis/evaluate.ts';
import type { Crystal } from '../../analysis/oriented.ts';
import { numberOf, symbolOf } from '../../elements.ts';
import type { Potential, System } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';
import { interruption } from '../options.ts';
import { openSource, type Source } from '../source.ts';
import { readOrBuild, type StructureOptions } from '../structures.ts';

export function sourceOptions(command: Command): Command {
  return command
    .option('--model <m>', 'a .mlts file or a name from the model folders')
    .option('--connect <endpoint>', 'ask a server instead of computing here')
    .option('--keys <file>', 'CURVE key file for a server on another machine (mlts keys)');
}

/** Runs an analysis with the potential that the options name, and closes it. @throws MltsError E_CANCELLED at Ctrl-C */
export async function withPotential(
  source: Source,
  use: (potential: Potential, compute: Compute & { signal: AbortSignal }) => Promise<void>,
): Promise<void> {
  const signal = interruption();
  const potential = await openSource(source);
  try {
    await use(potential, { signal });
  } catch (error) {
    throw signal.aborted ? new MltsError('E_CANCELLED', 'interrupted', 'Run it again.', { cause: error }) : error;
  } finally {
    potential.close();
  }
}

/** The first structure of a file, or the one that is built. */
export function oneStructure(file: string | undefined, options: StructureOptions): System {
  for (const { structure } of readOrBuild(file === undefined ? [] : [file], options)) return structure;
  throw new MltsError(
    'E_EMPTY',
    `${file} holds no structure at --index ${options.index}`,
    'Check the file and the index.',
  );
}

/** The same, periodic in all directions. */
export function oneCrystal(file: string | undefined, options: StructureOptions): Crystal {
  const { cell, pbc, ...structure } = oneStructure(file, options);
  if (cell !== undefined && pbc !== undefined && !pbc.includes(false)) return { ...structure, cell, pbc };
  throw new MltsError('E_CELL', 'the structure is no crystal', 'Give one with a cell and pbc="T T T".');
}

/** The element that is named, or the only one of the model. */
export function elementOf(symbol: string | undefined, { model }: Potential): number {
  const number = symbol === undefined ? undefined : numberOf(symbol);
  if (symbol !== undefined && number === undefined) {
    throw new MltsError('E_USAGE', `'${symbol}' is no element`, 'Write its symbol, like Al.');
  }
  if (number !== undefined) return number;
  if (model.elements.length === 1) return model.elements[0];
  const names = model.elements.map(symbolOf).join(', ');
  throw new MltsError('E_USAGE', `${model.name} knows ${names}`, 'Choose one with --element.');
}
