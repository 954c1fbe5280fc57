/** Measurements from what a user wrote. */
import { list, missing, oneOf, type Rule } from '../../dynamics/input/rules.ts';
import { coldCurves } from './cold-curves.ts';
import { elastic } from './elastic.ts';
import type { Measurement } from './metric.ts';
import { barrier, reactions } from './reactions.ts';
import { stability } from './stability.ts';
import { torsion } from './torsion.ts';

const KINDS = { barrier, 'cold-curves': coldCurves, elastic, reactions, stability, torsion } as const satisfies Record<
  string,
  Rule<Measurement>
>;

export const measurementRule: Rule<Measurement> = (input) => {
  const kind = input.fields?.find(({ name }) => name === 'kind');
  if (kind === undefined) throw missing(input, 'what is measured', 'kind');
  return KINDS[oneOf(Object.keys(KINDS) as (keyof typeof KINDS)[])(kind.input)](input);
};

/** All of a suite. Metrics are told apart by the names of their measurements. */
export const suiteRule: Rule<readonly Measurement[]> = (input) => {
  const found = list(measurementRule)(input);
  const taken = new Set(['held-out']);
  for (const { name } of found) {
    if (taken.has(name)) throw missing(input, `another name for the second measurement '${name}'`, 'name');
    taken.add(name);
  }
  return found;
};
