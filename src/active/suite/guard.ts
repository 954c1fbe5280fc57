/** Which metrics of a candidate are worse than those of the campaign's model. */
import { list, number, type Rule, settings, text } from '../../dynamics/input/rules.ts';
import { MltsError } from '../../errors.ts';
import type { Metric } from './metric.ts';

export interface GuardSettings {
  /** A guarded metric may grow by this part of itself. */
  readonly tolerance: number;
  /** Metrics by their name, or all of a measurement by its name; default `held-out`. */
  readonly metrics: readonly string[];
}

export const guardRule: Rule<GuardSettings> = (input) => {
  const { tolerance = 0.1, metrics = ['held-out'] } = settings<{ tolerance?: number; metrics?: readonly string[] }>(
    { tolerance: number({ least: 0, most: 100 }), metrics: list(text) },
    'a guard',
  )(input);
  return { tolerance, metrics };
};

const measurementOf = (metric: string): string => metric.split(': ')[0];

/**
 * A guard on what is never measured would guard nothing.
 * @param measurements names of all, `held-out` among them
 * @throws MltsError E_USAGE
 */
export function checkGuard({ metrics }: GuardSettings, measurements: readonly string[]): void {
  const unknown = metrics.find((name) => !measurements.includes(measurementOf(name)));
  if (unknown === undefined) return;
  throw new MltsError(
    'E_USAGE',
    `guard: metrics has '${unknown}', which no measurement gives`,
    `There are ${measurements.join(', ')}; one metric alone is 'MEASUREMENT: METRIC'.`,
  );
}

/**
 * What got worse, in words; empty where nothing did. A guarded metric is worse above (1 + tolerance) × before + its resolution,
 * or where it is not measured any more. Guarded or not, what was finite and is Infinity (or NaN) now is worse: the model fails
 * where the one before did not. A metric that is new has nothing to be compared with.
 */
export function worse(
  candidate: readonly Metric[],
  current: readonly Metric[],
  { tolerance, metrics }: GuardSettings,
): string[] {
  const values = new Map(candidate.map(({ name, value }) => [name, value]));
  return current.flatMap(({ name, value: before, unit, resolution = 0 }) => {
    if (!Number.isFinite(before)) return [];
    const isGuarded = metrics.includes(name) || metrics.includes(measurementOf(name));
    const now = values.get(name);
    if (now === undefined) return isGuarded ? [`${name} is not measured any more`] : [];
    const bound = isGuarded ? (1 + tolerance) * before + resolution : Number.MAX_VALUE;
    // NaN is no number to be promoted with.
    if (now <= bound) return [];
    const change = before > 0 && Number.isFinite(now) ? ` (+${(100 * (now / before - 1)).toFixed(0)} %)` : '';
    return [`${name} ${format(before)} → ${format(now)}${unit && ` ${unit}`}${change}`];
  });
}

const format = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(4))) : Number.isNaN(value) ? 'not a number' : 'failed';
