/** The loss, from what a user wrote: a form by name, or its terms one by one. */
import { list, number, oneOf, type Rule, refuse, settings } from '../../dynamics/input/rules.ts';
import type { LossForm } from '../engine.ts';
import type { LossRecipe, Ramp, RecipeTerm } from './recipe.ts';

/** A number, or `from:to` over the epochs. */
const ramp: Rule<Ramp> = (input) => {
  const factor = number({ above: 0, most: 1e9 });
  const parts = typeof input.scalar === 'string' ? input.scalar.split(':') : [input.scalar];
  if (parts.length > 2) return refuse(input, 'a weight or from:to');
  const [from, to] = parts.map((scalar) => factor({ place: input.place, scalar }));
  return { from, to: to ?? from };
};

const rampOrNone: Rule<Ramp> = (input) => (input.scalar === 0 ? { from: 0, to: 0 } : ramp(input));

const always = (weight: number): Ramp => ({ from: weight, to: weight });
const energy = (weight: Ramp, power: number, form: LossForm = 'squared'): RecipeTerm => ({
  ...{ of: 'energy', weight, power, form, delta: undefined },
});
const forces = (weight: Ramp, mean: 'frames' | 'components', form: LossForm = 'squared'): RecipeTerm => ({
  ...{ of: 'forces', weight, mean, form, delta: undefined },
});
const hierarchicality = (weight: Ramp): RecipeTerm => ({
  ...{ of: 'hierarchicality', weight, form: 'absolute', delta: undefined },
});
const times = ({ from, to }: Ramp, factor: number): Ramp => ({ from: from * factor, to: to * factor });

export const LOSS_FORMS = ['balanced', 'neurochem', 'torchani', 'hippynn'] as const;

/** Weights of energy and forces that a form has by itself; 0 leaves the term out. */
const DEFAULTS: Readonly<Record<(typeof LOSS_FORMS)[number], readonly [energy: number, forces: number]>> = {
  balanced: [10, 1],
  neurochem: [1, 0],
  torchani: [1, 0.1],
  hippynn: [100, 1],
};

/**
 * - `balanced` (ΔE)²/N and the mean of (ΔF)² over the components of each frame
 * - `neurochem` mean of (ΔE)² and of (ΔF)² over the components of each frame (`fmult`)
 * - `torchani` (ΔE)²/√N and Σ|ΔF|²/N, means over frames
 * - `hippynn` RMSE + MAE of ΔE/N and of the components of F, and the hierarchicality; its 1e-6 ΣW² is the optimiser's
 *   (parse-optimiser.ts)
 */
function named(
  name: (typeof LOSS_FORMS)[number],
  { energy: onEnergy, forces: onForces, hierarchicality: onHierarchy }: Omit<NamedSettings, 'form'> = {},
): LossRecipe {
  const [e, f] = DEFAULTS[name];
  const byEnergy = onEnergy ?? always(e);
  const byForces = onForces ?? (f > 0 ? always(f) : undefined);
  const terms: RecipeTerm[] = [];
  if (name === 'hippynn') {
    terms.push(energy(byEnergy, 1, 'rms'), energy(byEnergy, 1, 'absolute'));
    if (byForces) terms.push(forces(byForces, 'components', 'rms'), forces(byForces, 'components', 'absolute'));
    if (onHierarchy?.from !== 0) terms.push(hierarchicality(onHierarchy ?? always(1)));
  } else {
    terms.push(energy(byEnergy, { balanced: 0.5, neurochem: 0, torchani: 0.25 }[name]));
    if (byForces) terms.push(forces(name === 'torchani' ? times(byForces, 3) : byForces, 'frames'));
  }
  return { name, terms, lenient: onForces === undefined };
}

interface NamedSettings {
  form?: (typeof LOSS_FORMS)[number];
  energy?: Ramp;
  forces?: Ramp;
  /** Of `hippynn` alone. */
  hierarchicality?: Ramp;
}

const POWERS = { total: 0, 'sqrt-atom': 0.5, atom: 1 } as const;

interface TermSettings {
  of?: RecipeTerm['of'];
  form?: LossForm;
  delta?: number;
  weight?: Ramp;
  per?: string;
  mean?: 'frames' | 'components';
}

const term: Rule<RecipeTerm> = (input) => {
  const given = settings<TermSettings>(
    {
      of: oneOf(['energy', 'forces', 'virial', 'hierarchicality'] as const),
      form: oneOf(['squared', 'absolute', 'rms', 'huber'] as const),
      delta: number({ above: 0 }),
      weight: ramp,
      per: oneOf(['total', 'sqrt-atom', 'atom', 'volume'] as const),
      mean: oneOf(['frames', 'components'] as const),
    },
    'a term of the loss',
  )(input);
  const {
    of,
    form = given.of === 'hierarchicality' ? 'absolute' : 'squared',
    delta,
    weight = always(1),
    per,
    mean,
  } = given;
  const wrong = (name: string, value: unknown, expected: string): never =>
    refuse({ place: `${input.place}: ${name}`, scalar: value ?? null }, expected);
  if (of === undefined) return wrong('of', of, 'energy, forces, virial or hierarchicality');
  if ((form === 'huber') !== (delta !== undefined)) {
    return wrong('delta', delta, 'given with the form huber, and only with it');
  }
  const common = { weight, form, delta };
  if (of === 'forces') {
    if (per !== undefined) return wrong('per', per, 'left out for forces (mean: frames or components)');
    return { ...common, of, mean: mean ?? 'frames' };
  }
  if (of === 'hierarchicality') {
    if (per !== undefined || mean !== undefined) return wrong('per, mean', per ?? mean, 'left out for hierarchicality');
    return { ...common, of };
  }
  if (mean !== undefined) return wrong('mean', mean, 'left out but for forces');
  if (of === 'virial') {
    if (per === 'sqrt-atom') return wrong('per', per, 'total, atom or volume for the virial');
    return { ...common, of, per: (per ?? 'atom') as 'total' | 'atom' | 'volume' };
  }
  if (per === 'volume') return wrong('per', per, 'total, sqrt-atom or atom for the energy');
  return { ...common, of, power: POWERS[(per ?? 'sqrt-atom') as keyof typeof POWERS] };
};

export const DEFAULT_LOSS = named('balanced');

export const lossRule: Rule<LossRecipe> = (input) => {
  if (input.items !== undefined) {
    const terms = list(term)(input);
    return terms.length > 0
      ? { name: 'terms', terms, lenient: false }
      : refuse(input, 'one term or more, or the name of a form');
  }
  if (input.fields === undefined) return named(oneOf(LOSS_FORMS)(input));
  const rules = { form: oneOf(LOSS_FORMS), energy: ramp, forces: ramp, hierarchicality: rampOrNone };
  const { form = 'balanced', ...weights } = settings<NamedSettings>(rules, 'a loss')(input);
  if (weights.hierarchicality !== undefined && form !== 'hippynn') {
    const place = `${input.place}: hierarchicality`;
    return refuse({ place, scalar: weights.hierarchicality.from }, 'left out but for the form hippynn');
  }
  return named(form, weights);
};
