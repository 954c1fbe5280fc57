import type { LossRecipe, Ramp, RecipeTerm } from './config/recipe.ts';
import type { LossTerm } from './engine.ts';

/** @param progress 0 in the first epoch, 1 in the last one */
const at = ({ from, to }: Ramp, progress: number): number => (from === to ? from : from * (to / from) ** progress);

function termAt(term: RecipeTerm, progress: number): LossTerm {
  const { weight, delta, ...rest } = term;
  return { ...rest, weight: at(weight, progress), ...(delta !== undefined && { delta }) };
}

/** The loss of an epoch, from 1; validation takes that of the last one all the time, so that its values compare. */
export function lossAt({ terms }: LossRecipe, epoch: number, epochs: number): LossTerm[] {
  const progress = epochs > 1 ? (epoch - 1) / (epochs - 1) : 1;
  return terms.map((term) => termAt(term, progress));
}
