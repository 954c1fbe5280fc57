/** How a campaign stands, read from its journal and its files while it runs or after. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import type { LabelRecord } from '../executor.ts';
import { FILES, Folder, JOURNAL, LABELS } from '../folder.ts';
import { type Entry, replay } from '../journal.ts';
import { FAILURES, type FailureKind } from '../label.ts';
import { STAGE_NAMES, type StageName } from '../stage.ts';
import { filesOf, infosOf } from './files.ts';
import { type RoundStatus, roundStatus } from './round.ts';

export interface Status {
  readonly folder: string;
  /** At work, or to begin. */
  readonly round: number;
  /** The stage that comes or is at work. */
  readonly next: StageName;
  /** When the last stage ended: ISO 8601, UTC; undefined before the first. */
  readonly at: string | undefined;
  /** The process that works on it on this machine; undefined where there is none. */
  readonly process: number | undefined;
  /** The promoted model, relative to the folder. */
  readonly model: string | undefined;
  /** Labels that are still to come in this round. */
  readonly queue: number;
  readonly labels: {
    readonly done: number;
    readonly failed: number;
    /** Over the stages that labelled, the one at work included. */
    readonly perHour: number | undefined;
    readonly failures: readonly { readonly kind: FailureKind; readonly count: number }[];
  };
  readonly rounds: readonly RoundStatus[];
}

/** @throws MltsError E_FILE where no campaign was begun, or a file of a finished stage is damaged */
export function statusOf(path: string): Status {
  const folder = new Folder(path);
  const { entries } = replay(folder.at(JOURNAL));
  const byRound = new Map<number, Map<string, Entry>>();
  for (const entry of entries) {
    const stages = byRound.get(entry.round) ?? new Map<string, Entry>();
    byRound.set(entry.round, stages.set(entry.stage, entry));
  }
  const rounds = [...byRound].map(([round, stages]) => roundStatus(round, stages, filesOf(folder, round)));
  const { round, next } = nextOf(entries);
  const promoted = rounds.findLast((one) => one.promoted);
  const labels = [...byRound.values()].flatMap((stages) => stages.get('label') ?? []);
  const running = next === 'label' ? atWork(folder, round) : { queue: 0, records: [], seconds: 0 };
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const failed = running.records.flatMap((record) => (record.status === 'failed' ? [record.kind] : []));
  const done = sum(labels.map(({ counts }) => counts.labelled)) + running.records.length - failed.length;
  const seconds = sum(labels.map((entry) => entry.seconds)) + running.seconds;
  const failures = (Object.keys(FAILURES) as FailureKind[]).map((kind) => ({
    kind,
    count: sum(labels.map(({ counts }) => counts[kind] ?? 0)) + failed.filter((one) => one === kind).length,
  }));
  return {
    ...{ folder: path, round, next, rounds, at: entries.at(-1)?.at },
    process: processOf(folder),
    model: promoted && folder.of(promoted.round, FILES.model),
    queue: running.queue,
    labels: {
      done,
      failed: sum(failures.map(({ count }) => count)),
      perHour: seconds > 0 ? (3600 * done) / seconds : undefined,
      failures: failures.filter(({ count }) => count > 0),
    },
  };
}

/** What comes behind the last line of the journal; a round in which nothing is worth a label ends with its selection. */
function nextOf(entries: readonly Entry[]): { round: number; next: StageName } {
  const last = entries.at(-1);
  if (last === undefined) return { round: 0, next: STAGE_NAMES[0] };
  const at = STAGE_NAMES.indexOf(last.stage as StageName);
  const isOver = at === STAGE_NAMES.length - 1 || (last.stage === 'select' && last.counts.frames === 0);
  return isOver ? { round: last.round + 1, next: STAGE_NAMES[0] } : { round: last.round, next: STAGE_NAMES[at + 1] };
}

/** Of a labelling that has not ended: what waits, what is there, and for how long it runs. */
function atWork(folder: Folder, round: number): { queue: number; records: LabelRecord[]; seconds: number } {
  const wanted = infosOf(folder.at(folder.of(round, FILES.selected))).map(
    (info) => `${LABELS}/${String(info.id)}.json`,
  );
  const there = new Set(existsSync(folder.at(LABELS)) ? readdirSync(folder.at(LABELS)) : []);
  const done = wanted.filter((file) => there.has(file.slice(LABELS.length + 1)));
  const times = done.map((file) => statSync(folder.at(file)).mtimeMs);
  const since = statSync(folder.at(folder.of(round, FILES.selected))).mtimeMs;
  return {
    queue: wanted.length - done.length,
    records: done.map((file) => folder.json<LabelRecord>(file)),
    seconds: times.length > 0 ? Math.max(0, Math.max(...times) - since) / 1e3 : 0,
  };
}

/** The holder of the campaign's lock, where it lives. */
function processOf(folder: Folder): number | undefined {
  try {
    const holder = Number(readFileSync(folder.at('lock'), 'utf8'));
    process.kill(holder, 0);
    return holder;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM'
      ? Number(readFileSync(folder.at('lock'), 'utf8'))
      : undefined;
  }
}
