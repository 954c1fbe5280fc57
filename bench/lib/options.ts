/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';
import { BACKEND_CHOICES, type BackendChoice } from '../../src/engine/select.ts';

export const SECTIONS = [
  'speed',
  'hipnn',
  'training',
  'scaling',
  'memory',
  'wire',
  'lammps',
  'clients',
  'start',
  'batches',
] as const;

export const USAGE = `npm run bench -- [SECTION...] [options]

Sections: ${SECTIONS.join(' ')}. Default all; naming some replaces only theirs in the results.

  --structures DIR  further structures, extended XYZ
  --threads N       threads of the backend, 1 or more (default 2)
  --rounds N        rounds of interleaved measurements, 1 or more (default 3)
  --backend B       of the section batches: native or tensorflow (default native)
  --quick           small systems, once; writes nothing to docs/
  --help            this

Writes bench/results/latest.json and docs/benchmarks.md. All sections take about 20 minutes on two cores.
`;

export interface BenchOptions {
  readonly sections: readonly string[];
  readonly structures: string | undefined;
  readonly threads: number;
  readonly rounds: number;
  readonly quick: boolean;
  readonly backend: BackendChoice;
}

/** @returns 'help' where it was asked for. @throws Error in words for the user */
export function benchOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      structures: { type: 'string' },
      threads: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
      backend: { type: 'string', default: 'native' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const unknown = positionals.find((name) => !SECTIONS.some((section) => section === name));
  if (unknown !== undefined) throw new Error(`there is no section '${unknown}': choose from ${SECTIONS.join(', ')}`);
  const { structures, quick } = values;
  const [threads, rounds] = [count('threads', values.threads), count('rounds', values.rounds)];
  const backend = BACKEND_CHOICES.find((one) => one === values.backend);
  if (backend === undefined)
    throw new Error(`--backend is '${values.backend}': choose from ${BACKEND_CHOICES.join(', ')}`);
  return { sections: positionals, backend, structures, threads, rounds: quick ? 1 : rounds, quick };
}

function count(name: string, text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new Error(`--${name} is '${text}': give a number, 1 or more`);
}
