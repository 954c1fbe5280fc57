/** The status of a campaign in words and rows, for the terminal and for the page. */
import type { RoundStatus, SamplerStatus } from './round.ts';
import type { Status } from './status.ts';

export const shown = (value: number | undefined): string =>
  value === undefined ? '' : Number.isFinite(value) ? String(Number(value.toPrecision(3))) : 'failed';

/** What stands above all tables. */
export function headline({ round, next, queue, labels, model, process, at, rounds }: Status): string[] {
  const failures = labels.failures.map(({ kind, count }) => `${count} ${kind}`);
  const decided = rounds.findLast(({ why }) => why !== undefined);
  const stage =
    process === undefined ? `next is ${next}; no process works on it here` : `at ${next}, process ${process}`;
  const rate = labels.perHour === undefined ? '' : `, ${Math.round(labels.perHour)} an hour`;
  return [
    `round ${round}, ${stage}${at === undefined ? '' : `; the last stage ended ${at}`}`,
    `${labels.done} labels${rate}${queue > 0 ? `, ${queue} to come` : ''}; failed: ${failures.join(', ') || 'none'}`,
    `model: ${model ?? 'none yet'}`,
    ...(decided === undefined
      ? []
      : [`round ${decided.round} was ${decided.promoted ? '' : 'not '}promoted: ${decided.why}`]),
  ];
}

export const ROUND_HEAD = [
  ...['round', 'proposed', 'uncertain', 'selected', 'labelled', 'failed', 'σ_F median', 'σ_F 95 %', 'selected above'],
  ...['E meV/atom', 'F eV/Å', 'promoted', 'minutes'],
];

export const roundRow = (one: RoundStatus): string[] => [
  ...[one.round, one.proposed, one.uncertain, one.selected, one.labelled, one.failed].map((count) => `${count ?? ''}`),
  ...[one.sigma?.median, one.sigma?.p95, one.threshold, one.energy, one.forces].map(shown),
  one.promoted === undefined ? '' : one.promoted ? 'yes' : 'no',
  shown(one.seconds.reduce((sum, { seconds }) => sum + seconds, 0) / 60),
];

export const SAMPLER_HEAD = ['sampler', 'usable', 'selected', 'E meV/atom', 'F eV/Å'];

export const samplerRow = ({ name, scored, selected, energy, forces }: SamplerStatus): string[] => [
  ...[name, `${scored}`, `${selected}`, shown(energy), shown(forces)],
];

/** A row for each metric of the suite, a column for each round. */
export function metricRows(rounds: readonly RoundStatus[]): [head: string[], rows: string[][]] {
  const measured = rounds.filter(({ metrics }) => metrics.length > 0);
  const units = new Map(measured.flatMap(({ metrics }) => metrics.map(({ name, unit }) => [name, unit] as const)));
  const rows = [...units].map(([name, unit]) => [
    ...[name, unit],
    ...measured.map(({ metrics }) => shown(metrics.find((one) => one.name === name)?.value)),
  ]);
  return [['metric', '', ...measured.map(({ round }) => `round ${round}`)], rows];
}
