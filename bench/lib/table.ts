/** docs/benchmarks.md from the results of a run. */
import type { Machine } from './machine.ts';
import type { Check, Outcome, Row } from './section.ts';

export interface Results {
  readonly machine: Machine;
  readonly threads: number;
  readonly rounds: number;
  readonly compared: boolean;
  readonly sections: Readonly<Record<string, Outcome & { readonly title: string }>>;
}

export function page({ machine, threads, rounds, compared, sections }: Results): string {
  const { cpu, cores, memoryGigabytes, vectors, node } = machine;
  const parts = [
    '# Benchmarks',
    'Written by `npm run bench`; the cases are in `bench/cases.json`, the numbers behind this page in `bench/results/latest.json`.',
    `${cpu}, ${cores} cores (${vectors}), ${memoryGigabytes} GB, Node ${node}; ${threads} threads, ${rounds} rounds, medians. ` +
      'Machines differ and drift: compare what was run in turn, and read ratios.',
    ...(compared ? [] : ['The prototype was not there to compare with.']),
    ...Object.values(sections).flatMap(({ title, rows, checks, notes }) => [
      `## ${title}`,
      markdown(rows),
      ...notes,
      ...(checks.length === 0 ? [] : [checks.map(line).join('\n')]),
    ]),
  ];
  return `${parts.join('\n\n')}\n`;
}

const line = ({ claim, measured, holds }: Check): string =>
  `- ${holds ? 'holds' : '**missed**'}: ${claim} (${measured})`;

/** Rows as a table; columns in the order in which they first appear. */
function markdown(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => columns.map((column) => String(row[column] ?? '')));
  return [columns, columns.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
