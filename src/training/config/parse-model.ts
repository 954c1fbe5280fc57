/** The architecture of a fresh model, from what a user wrote. */
import type { Input } from '../../dynamics/input/input.ts';
import { number, oneOf, refuse, settings, whole } from '../../dynamics/input/rules.ts';
import { parseAni } from './parse-ani.ts';
import type { HipnnRecipe, ModelRecipe } from './recipe.ts';
import { symbols } from './symbols.ts';

const ARCHITECTURES = ['ani', 'hipnn'] as const;

export function parseModel(input: Input): ModelRecipe {
  const architecture = input.fields?.find(({ name }) => name === 'architecture');
  const named = architecture && oneOf(ARCHITECTURES)(architecture.input);
  return named === 'hipnn' ? parseHipnn(input) : parseAni(input);
}

interface HipnnSettings {
  architecture?: 'hipnn';
  elements?: readonly string[];
  cutoff?: number;
  lower?: number;
  upper?: number;
  order?: number;
  sensitivities?: number;
  features?: number;
  blocks?: number;
  atom_layers?: number;
  min_distance?: number;
}

const length = number({ above: 0, most: 50, unit: 'Å' });

/** Defaults are those of hippynn's ANI-1x example, of tensor order 1 (doi:10.1063/5.0142127). */
function parseHipnn(input: Input): HipnnRecipe {
  const given = settings<HipnnSettings>(
    {
      architecture: oneOf(['hipnn'] as const),
      elements: symbols,
      ...{ cutoff: length, lower: length, upper: length },
      ...{ order: whole(0, 2), sensitivities: whole(1, 256), features: whole(1, 1024) },
      ...{ blocks: whole(1, 8), atom_layers: whole(0, 16), min_distance: number({ least: 0, most: 5, unit: 'Å' }) },
    },
    'a HIP-NN model',
  )(input);
  const cutoff = given.cutoff ?? 6.5;
  const lower = given.lower ?? Math.min(0.75, cutoff / 4);
  const upper = given.upper ?? Math.max(cutoff / 2, cutoff - 1);
  const wrong = (name: string, value: number, expected: string) =>
    refuse({ place: `${input.place}: ${name}`, scalar: value }, expected);
  if (upper >= cutoff) return wrong('upper', upper, `below the cutoff ${cutoff} Å`);
  if (lower >= upper) return wrong('lower', lower, `below ${upper} Å, where the last sensitivity function is`);
  const minDistance = given.min_distance ?? 0.5;
  if (minDistance >= cutoff) return wrong('min_distance', minDistance, `below the cutoff ${cutoff} Å`);
  return {
    ...{ architecture: 'hipnn', elements: given.elements, cutoff, lower, upper, minDistance },
    order: (given.order ?? 1) as HipnnRecipe['order'],
    sensitivities: given.sensitivities ?? 20,
    features: given.features ?? 20,
    blocks: given.blocks ?? 2,
    atomLayers: given.atom_layers ?? 3,
  };
}
