/**
 * The card of a `.mlts` file: its meaning and its checks (docs/model-format.md).
 */
import { numberOf } from '../elements.ts';
import { MltsError } from '../errors.ts';
import { type EnergyUnit, isEnergyUnit, isLengthUnit, type LengthUnit } from '../units.ts';
import { Entry } from './entry.ts';
import { parseObject } from './safetensors.ts';

/** Format 1. Lengths and energies are in the card's own units. Keys beyond these are kept as they are. */
export interface Card {
  readonly format: 1;
  /** As users write it: `ani-2x`. */
  readonly name: string;
  readonly architecture: 'ani';
  /** Symbols in the order of the descriptor's blocks. */
  readonly elements: readonly string[];
  readonly members: number;
  readonly units: { readonly energy: EnergyUnit; readonly length: LengthUnit };
  readonly cutoff: number;
  readonly reach: number;
  readonly min_distance: number;
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
  readonly self_energies: Readonly<Record<string, number>>;
  readonly calibration?: { readonly sigma_force: number; readonly sigma_energy: number };
  readonly provenance?: Readonly<Record<string, unknown>>;
  readonly licence?: string;
  readonly citation?: string;
}

/** What a name of a model may be: it becomes a file name and travels on the wire. */
export const isModelName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/.test(name);

/** Columns of the descriptor: S·n_R + S(S+1)/2 · n_A·n_Z (docs/maths.md, layout). */
export function descriptorLength(card: Card): number {
  const { radial, angular } = card.descriptor;
  const count = card.elements.length;
  return count * radial.shifts.length + ((count * (count + 1)) / 2) * angular.shifts.length * angular.sections.length;
}

/** Name and shape of every tensor the card promises: `H.0.weight` → [members, outputs, inputs]. */
export function promisedTensors(card: Card): Map<string, number[]> {
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

/**
 * The card in a JSON text, checked entry by entry.
 * @throws MltsError E_MODEL naming file, entry, value and what it should be
 */
export function parseCard(json: string, file: string): Card {
  return checkCard(
    parseObject(json, 'the card', (what) => refuse(file, what)),
    file,
  );
}

/** The same for a value. @throws MltsError E_MODEL */
export function checkCard(value: unknown, file: string): Card {
  const card = new Entry(value, 'card', (what) => refuse(file, what));
  card.at('format').equals(1);
  const name = card.at('name');
  if (!isModelName(name.string())) name.must('be 1–64 letters, digits, dots, dashes, underscores and plus signs');
  card.at('architecture').equals('ani');
  card.at('members').count(1);

  const elements = card.at('elements').list((element) => {
    if (numberOf(element.string()) === undefined) element.must('be the symbol of an element');
    return element.string();
  });
  if (new Set(elements).size !== elements.length) card.at('elements').must('name each element once');

  if (!isEnergyUnit(card.at('units').at('energy').string()))
    card.at('units').at('energy').must('be eV, hartree or kcal/mol');
  if (!isLengthUnit(card.at('units').at('length').string())) card.at('units').at('length').must('be angstrom or bohr');

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
  card.at('cutoff').equals(cutoff);
  card.at('reach').equals(cutoff);
  const floor = card.at('min_distance').number();
  if (floor < 0 || floor >= cutoff) card.at('min_distance').must(`be at least 0 and less than the cutoff ${cutoff}`);

  card.at('activation').at('name').equals('celu');
  card.at('activation').at('alpha').positive();
  card.at('layers').keys(elements);
  card.at('self_energies').keys(elements);
  for (const element of elements) {
    const sizes = card.at('layers').at(element);
    const outputs = sizes.list((size) => size.count(1));
    if (outputs.at(-1) !== 1) sizes.must('end with one output');
    card.at('self_energies').at(element).number();
  }
  if (card.has('calibration')) {
    card.at('calibration').at('sigma_force').positive();
    card.at('calibration').at('sigma_energy').positive();
  }
  if (card.has('provenance')) card.at('provenance').object();
  for (const key of ['licence', 'citation']) if (card.has(key)) card.at(key).string();
  return value as Card;
}

function refuse(file: string, what: string): never {
  throw new MltsError(
    'E_MODEL',
    `${file}: ${what}`,
    'Use a model made or imported by this version of mlts (docs/model-format.md).',
  );
}
