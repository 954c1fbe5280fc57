/** What happened in one round. */
import type { Entry } from '../journal.ts';
import { FAILURES, type FailureKind } from '../label.ts';
import type { Metric } from '../suite/metric.ts';
import { percentile } from '../threshold.ts';
import type { Info, RoundFiles } from './files.ts';

export interface RoundStatus {
  readonly round: number;
  readonly proposed: number | undefined;
  /** Frames above the threshold. */
  readonly uncertain: number | undefined;
  readonly selected: number | undefined;
  readonly labelled: number | undefined;
  readonly failed: number | undefined;
  /** On max σ_F, eV/Å. */
  readonly threshold: number | undefined;
  /** Largest σ_F of each frame that was scored, eV/Å; undefined without a model. */
  readonly sigma: { readonly median: number; readonly p95: number; readonly largest: number } | undefined;
  /** RMS errors on all held-out frames: meV/atom, eV/Å. */
  readonly energy: number | undefined;
  readonly forces: number | undefined;
  readonly promoted: boolean | undefined;
  /** Why it was promoted, or not. */
  readonly why: string | undefined;
  readonly samplers: readonly SamplerStatus[];
  /** Why frames were selected, the numbers left out. */
  readonly reasons: readonly { readonly why: string; readonly count: number }[];
  readonly failures: readonly { readonly kind: FailureKind; readonly count: number }[];
  /** Of the suite, Infinity where the model failed. */
  readonly metrics: readonly Metric[];
  /** Of each stage that ended, s. */
  readonly seconds: readonly { readonly stage: string; readonly seconds: number }[];
}

export interface SamplerStatus {
  readonly name: string;
  /** After frames that nobody could use were left out. */
  readonly scored: number;
  readonly selected: number;
  /** RMS errors on its held-out frames, of all rounds so far: meV/atom, eV/Å. */
  readonly energy: number | undefined;
  readonly forces: number | undefined;
}

export function roundStatus(round: number, stages: ReadonlyMap<string, Entry>, files: RoundFiles): RoundStatus {
  const counts = (stage: string) => stages.get(stage)?.counts;
  const { assessment, promotion } = files;
  // Files of stages that are to be done again tell of what was.
  const scored = stages.has('score') ? files.scored : [];
  const selected = stages.has('select') ? files.selected : [];
  const measured = stages.has('assess') ? assessment : undefined;
  const decided = stages.has('promote') ? promotion : undefined;
  const threshold = counts('select')?.threshold_meV_per_angstrom;
  const failures = (Object.keys(FAILURES) as FailureKind[]).map((kind) => ({
    kind,
    count: counts('label')?.[kind] ?? 0,
  }));
  return {
    round,
    proposed: counts('propose')?.frames,
    uncertain: counts('select')?.uncertain,
    selected: counts('select')?.frames,
    labelled: counts('label')?.labelled,
    failed: counts('label')?.failed,
    threshold: threshold === undefined ? undefined : threshold / 1e3,
    sigma: sigmaOf(scored),
    energy: measured?.errors.all.energy_rmse_mev_per_atom,
    forces: measured?.errors.all.force_rmse,
    promoted: decided?.promoted,
    why: decided?.why,
    samplers: samplersOf(scored, selected, measured),
    reasons: tally(selected.map((info) => reasonOf(String(info.why)))).map(([why, count]) => ({ why, count })),
    failures: failures.filter(({ count }) => count > 0),
    metrics: (measured?.metrics ?? []).map((metric) => ({ ...metric, value: metric.value ?? Infinity })),
    seconds: [...stages].map(([stage, { seconds }]) => ({ stage, seconds })),
  };
}

/** `max σ_F` of `max σ_F 0.345 > 0.12 eV/Å`. */
const reasonOf = (why: string): string => why.replace(/ [-+\d.e]+ > .*$/, '');

/** What occurs how often, the most frequent first. */
function tally(values: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

function sigmaOf(scored: readonly Info[]): RoundStatus['sigma'] {
  const sigma = scored.map((info) => Number(info.sigma_f_max)).filter(Number.isFinite);
  if (sigma.length === 0) return undefined;
  return { median: percentile(sigma, 50), p95: percentile(sigma, 95), largest: percentile(sigma, 100) };
}

function samplersOf(
  scored: readonly Info[],
  selected: readonly Info[],
  measured: RoundFiles['assessment'],
): SamplerStatus[] {
  const [all, chosen] = [scored, selected].map((frames) => new Map(tally(frames.map((info) => String(info.sampler)))));
  const errors = measured?.errors.bySampler ?? {};
  const names = [...new Set([...all.keys(), ...Object.keys(errors)])].sort();
  return names.map((name) => ({
    ...{ name, scored: all.get(name) ?? 0, selected: chosen.get(name) ?? 0 },
    energy: errors[name]?.energy_rmse_mev_per_atom,
    forces: errors[name]?.force_rmse,
  }));
}
