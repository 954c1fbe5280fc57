/** `mlts eval`: energies, forces and their uncertainty for every structure of some files. */
import { type Command, Option } from 'commander';
import type { Potential, Precision, Want } from '../engine/potential.ts';
import type { BackendChoice } from '../engine/select.ts';
import { MltsError } from '../errors.ts';
import { parseFrameIndex } from '../io/slice.ts';
import { OutputFile } from '../io/write.ts';
import { type Evaluated, extxyzOf, HEADER, jsonOf, rowOf, WANT } from './evaluation.ts';
import { backendOption, interruption, print } from './options.ts';
import { Progress } from './progress.ts';
import { openSource } from './source.ts';
import { batches, readFiles } from './structures.ts';
import { table } from './table.ts';

interface Options {
  model?: string;
  connect?: string;
  keys?: string;
  backend?: BackendChoice;
  index: string;
  precision: Precision;
  members?: boolean;
  out?: string;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  mlts eval water.xyz --model ani-2x                        a table
  mlts eval run.extxyz --index ::10 --model ani-2x --json   every tenth frame, one JSON object a line
  mlts eval POSCAR slab.cif --model al.mlts --out done.xyz  extended XYZ with energies, forces, σ and stress
  mlts eval water.data --connect tcp://127.0.0.1:5588       by a server (--model chooses where it has several)

σ are sample standard deviations over the members (ddof 1). A structure that fails is told on stderr; the rest go on.`;

export function register(program: Command): void {
  program
    .command('eval')
    .description('energies, forces, stress and uncertainty of structures')
    .argument('<file...>', 'extended or plain XYZ, LAMMPS data, POSCAR, CIF')
    .option('--model <m>', 'a .mlts file or a name from the model folders')
    .option('--connect <endpoint>', 'ask a server instead of computing here')
    .option('--keys <file>', 'CURVE key file for a server on another machine (mlts keys)')
    .addOption(backendOption())
    .option('--index <i:j:k>', 'which frames of each file, as in Python', ':')
    .addOption(new Option('--precision <p>', 'arithmetic').choices(['single', 'double']).default('single'))
    .option('--members', "each member's forces too")
    .addOption(new Option('--out <file>', 'write extended XYZ').conflicts('json'))
    .option('--json', 'JSON Lines on stdout')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(files: string[], options: Options): Promise<void> {
  const index = parseFrameIndex(options.index);
  const signal = interruption();
  const { precision } = options;
  const want = new Set<Want>(options.members ? [...WANT, 'memberForces'] : WANT);
  const source = await openSource(options);
  const sink = openSink(options, source);
  const progress = new Progress('structures');
  let failed = 0;
  let done = 0;
  try {
    for (const batch of batches(readFiles(files, index))) {
      const systems = batch.map(({ structure }) => structure);
      const outcomes = await source.evaluate(systems, want, { precision, signal });
      signal.throwIfAborted();
      for (const [i, outcome] of outcomes.entries()) {
        const { file, index: frame } = batch[i];
        if (outcome instanceof MltsError) {
          progress.clear();
          process.stderr.write(`${file}[${frame}]: ${outcome.message}\n`);
          failed++;
        } else {
          await sink.write({ ...batch[i], result: outcome });
          done++;
        }
      }
      progress.update(done + failed);
    }
    progress.clear();
    if (done + failed === 0)
      throw new MltsError(
        'E_EMPTY',
        `no structures in ${files.join(', ')} at --index ${options.index}`,
        'Check the files and the index.',
      );
    if (failed > 0 && options.out !== undefined) {
      throw new MltsError(
        'E_FILE',
        `${options.out} is not written: ${failed} of ${done + failed} structures failed`,
        'Leave them out with --index, or correct them.',
      );
    }
    await sink.end();
    if (failed > 0) process.exitCode = 1;
  } catch (error) {
    throw signal.aborted
      ? new MltsError('E_CANCELLED', `interrupted after ${done} structures`, 'Run it again.')
      : error;
  } finally {
    progress.clear();
    sink.close();
    source.close();
  }
}

/** Where results go. `end` after the last one; `close` in any case. */
interface Sink {
  write(evaluated: Evaluated): Promise<void>;
  end(): Promise<void>;
  close(): void;
}

function openSink({ out, json, precision }: Options, source: Potential): Sink {
  const nothing = () => undefined;
  if (json) {
    const write = (evaluated: Evaluated) => print(`${JSON.stringify(jsonOf(evaluated, source, precision))}\n`);
    return { write, end: async () => nothing(), close: nothing };
  }
  if (out !== undefined) {
    const file = new OutputFile(out);
    return {
      write: async (evaluated) => file.write(extxyzOf(evaluated, source)),
      end: async () => file.commit(),
      close: () => file.discard(),
    };
  }
  const rows: string[][] = [];
  return {
    write: async (evaluated) => {
      rows.push(rowOf(evaluated));
    },
    end: async () => (rows.length > 0 ? print(table(HEADER, rows)) : undefined),
    close: nothing,
  };
}
