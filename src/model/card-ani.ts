/** What the card of an ANI ensemble has beside the common entries (docs/model-format.md). */
import type { CommonCard } from './card-common.ts';
import type { Entry } from './entry.ts';

export interface AniCard extends CommonCard {
  readonly architecture: 'ani';
  readonly descriptor: {
    readonly cutoff_function: 'cosine' | 'smooth';
    readonly radial: { readonly cutoff: number; readonly eta: number; readonly shifts: readonly number[] };
    readonly angular: {
      readonly cutoff: number;
      readonly eta: number;
      readonly zeta: number;
      readonly shifts: readonly number[];
      readonly sections: readonly number[];
    };
  };
  readonly activation: { readonly name: 'celu'; readonly alpha: number };
  /** Outputs of each layer by element symbol. */
  readonly layers: Readonly<Record<string, readonly number[]>>;
}

/** Columns of the descriptor: S·n_R + S(S+1)/2 · n_A·n_Z (docs/maths.md, layout). */
export function descriptorLength(card: AniCard): number {
  const { radial, angular } = card.descriptor;
  const count = card.elements.length;
  return count * radial.shifts.length + ((count * (count + 1)) / 2) * angular.shifts.length * angular.sections.length;
}

/** `H.0.weight` → [members, outputs, inputs]. */
export function aniTensors(card: AniCard): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (const element of card.elements) {
    let inputs = descriptorLength(card);
    for (const [layer, outputs] of card.layers[element].entries()) {
      shapes.set(`${element}.${layer}.weight`, [card.members, outputs, inputs]);
      shapes.set(`${element}.${layer}.bias`, [card.members, outputs]);
      inputs = outputs;
    }
  }
  return shapes;
}

/** Checks the entries of ANI. @returns cutoff and reach */
export function checkAni(card: Entry, elements: readonly string[]): { cutoff: number; reach: number } {
  const descriptor = card.at('descriptor');
  descriptor.at('cutoff_function').equals('cosine', 'smooth');
  const radial = descriptor.at('radial');
  const angular = descriptor.at('angular');
  const cutoff = radial.at('cutoff').positive();
  for (const part of [radial, angular]) {
    part.at('eta').positive();
    part.at('shifts').list((shift) => shift.number());
  }
  if (angular.at('cutoff').positive() > cutoff) angular.at('cutoff').must(`be at most the radial cutoff ${cutoff}`);
  if (angular.at('zeta').number() < 1) angular.at('zeta').must('be at least 1');
  angular.at('sections').list((section) => section.number());
  card.at('activation').at('name').equals('celu');
  card.at('activation').at('alpha').positive();
  card.at('layers').keys(elements);
  for (const element of elements) {
    const sizes = card.at('layers').at(element);
    const outputs = sizes.list((size) => size.count(1));
    if (outputs.at(-1) !== 1) sizes.must('end with one output');
  }
  return { cutoff, reach: cutoff };
}
