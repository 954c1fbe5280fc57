/** Fresh ANI networks, from what a user wrote; defaults are those of ANI-1x (doi:10.1063/1.5023802). */
import type { Input } from '../../dynamics/input/input.ts';
import { list, number, oneOf, type Rule, refuse, settings, whole } from '../../dynamics/input/rules.ts';
import type { AniRecipe } from './recipe.ts';
import { bySymbol, symbols } from './symbols.ts';

const length = number({ above: 0, most: 50, unit: 'Å' });

/** `count` values from `first` towards `last`, which is left out. */
export const evenly = (first: number, last: number, count: number): number[] =>
  Array.from({ length: count }, (_, k) => Number((first + (k * (last - first)) / count).toFixed(8)));

/** Middles of `count` equal parts of 0…π. */
export const middles = (count: number): number[] =>
  Array.from({ length: count }, (_, k) => Number((((k + 0.5) * Math.PI) / count).toFixed(8)));

/** Either how many, or all of them. */
type Steps = number | readonly number[];
const steps =
  (each: Rule<number>): Rule<Steps> =>
  (input) => {
    if (input.items === undefined) return whole(1, 256)(input);
    const found = list(each)(input);
    return found.length > 0 ? found : refuse(input, 'one value or more');
  };

interface RadialSettings {
  cutoff?: number;
  eta?: number;
  start?: number;
  shifts?: Steps;
}
interface AngularSettings extends RadialSettings {
  zeta?: number;
  sections?: Steps;
}

const eta = number({ above: 0, most: 1e4, unit: 'Å⁻²' });
const radialRules = { cutoff: length, eta, start: length, shifts: steps(length) };
const angularRules = {
  ...radialRules,
  zeta: number({ least: 1, most: 1e4 }),
  sections: steps(number({ least: 0, most: Math.PI, unit: 'rad' })),
};

const shiftsOf = ({ shifts }: RadialSettings, start: number, cutoff: number, count: number): readonly number[] =>
  typeof shifts === 'object' ? shifts : evenly(start, cutoff, shifts ?? count);

const widths: Rule<readonly number[]> = (input) => {
  const found = list(whole(1, 4096))(input);
  return found.length > 0 && found.length <= 8 ? found : refuse(input, 'widths of 1 to 8 hidden layers');
};

interface AniSettings {
  architecture?: 'ani';
  elements?: readonly string[];
  cutoff_function?: 'cosine' | 'smooth';
  radial?: RadialSettings;
  angular?: AngularSettings;
  celu_alpha?: number;
  min_distance?: number;
  layers?: AniRecipe['layers'];
}

const aniRules = {
  architecture: oneOf(['ani'] as const),
  elements: symbols,
  cutoff_function: oneOf(['cosine', 'smooth'] as const),
  radial: settings<RadialSettings>(radialRules, 'the radial part'),
  angular: settings<AngularSettings>(angularRules, 'the angular part'),
  celu_alpha: number({ above: 0, most: 100 }),
  min_distance: number({ least: 0, most: 5, unit: 'Å' }),
  layers: ((input) => (input.fields === undefined ? widths(input) : bySymbol(widths)(input))) as Rule<
    NonNullable<AniRecipe['layers']>
  >,
};

export function parseAni(input: Input): AniRecipe {
  const given = settings<AniSettings>(aniRules, 'a model')(input);
  const { radial = {}, angular = {} } = given;
  const cutoff = radial.cutoff ?? 5.2;
  const inner = angular.cutoff ?? Math.min(3.5, cutoff);
  if (inner > cutoff) return refuse({ place: `${input.place}: angular.cutoff`, scalar: inner }, `at most ${cutoff} Å`);
  for (const [part, start, end] of [
    ['radial', radial.start, cutoff],
    ['angular', angular.start, inner],
  ] as const) {
    if (start !== undefined && start >= end) {
      return refuse({ place: `${input.place}: ${part}.start`, scalar: start }, `below the cutoff ${end} Å`);
    }
  }
  const sections = angular.sections ?? 8;
  const minDistance = given.min_distance ?? 0.5;
  if (minDistance >= cutoff) {
    return refuse({ place: `${input.place}: min_distance`, scalar: minDistance }, `below the cutoff ${cutoff} Å`);
  }
  return {
    architecture: given.architecture ?? 'ani',
    elements: given.elements,
    cutoffFunction: given.cutoff_function ?? 'cosine',
    radial: {
      cutoff,
      eta: radial.eta ?? 16,
      shifts: shiftsOf(radial, radial.start ?? Math.min(0.9, cutoff / 2), cutoff, 16),
    },
    angular: {
      cutoff: inner,
      eta: angular.eta ?? 8,
      zeta: angular.zeta ?? 32,
      shifts: shiftsOf(angular, angular.start ?? Math.min(0.9, inner / 2), inner, 4),
      sections: typeof sections === 'object' ? sections : middles(sections),
    },
    celuAlpha: given.celu_alpha ?? 0.1,
    minDistance,
    layers: given.layers,
  };
}
