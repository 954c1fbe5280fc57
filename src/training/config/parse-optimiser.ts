/** The optimiser and how its rate falls, from what a user wrote. */
import type { Input } from '../../dynamics/input/input.ts';
import { list, number, oneOf, type Rule, settings, whole } from '../../dynamics/input/rules.ts';
import type { OptimiserRecipe } from './recipe.ts';

interface OptimiserSettings {
  name?: OptimiserRecipe['name'];
  learning_rate?: number;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
  schedule?: OptimiserRecipe['schedule'];
  factor?: number;
  patience?: number;
  minimum?: number;
  weight_decay?: number | readonly number[];
  clip?: number;
  average?: number;
}

const rate = number({ above: 0, most: 1 });
const decay = number({ least: 0, most: 1 });
const fraction = number({ least: 0, most: 0.999999999 });

const rules = {
  name: oneOf(['adam', 'adamw'] as const),
  learning_rate: rate,
  beta1: fraction,
  beta2: fraction,
  epsilon: number({ above: 0, most: 1 }),
  schedule: oneOf(['plateau', 'cosine'] as const),
  factor: number({ above: 0, most: 0.999999 }),
  patience: whole(0, 100_000),
  minimum: rate,
  weight_decay: ((input) => (input.items === undefined ? decay(input) : list(decay)(input))) as Rule<
    number | readonly number[]
  >,
  clip: number({ above: 0 }),
  average: fraction,
};

/** @param loss the name of the loss: hippynn's has 1e-6 ΣW², whose gradient is 2e-6 W */
export function optimiserOf(input: Input | undefined, loss: string): OptimiserRecipe {
  const given = input === undefined ? {} : settings<OptimiserSettings>(rules, 'the optimiser')(input);
  const name = given.name ?? (loss === 'hippynn' ? 'adam' : 'adamw');
  const learningRate = given.learning_rate ?? 1e-3;
  return {
    name,
    learningRate,
    beta1: given.beta1 ?? 0.9,
    beta2: given.beta2 ?? 0.999,
    epsilon: given.epsilon ?? 1e-8,
    schedule: given.schedule ?? 'plateau',
    factor: given.factor ?? 0.5,
    patience: given.patience ?? 20,
    minimum: given.minimum ?? learningRate / 100,
    weightDecay: given.weight_decay ?? (loss === 'hippynn' && name === 'adam' ? 2e-6 : 0),
    clip: given.clip,
    average: given.average === 0 ? undefined : (given.average ?? 0.99),
  };
}
