/**
 * The card of a `.mlts` file: its meaning and its checks (docs/model-format.md).
 */
import { numberOf } from '../elements.ts';
import { MltsError } from '../errors.ts';
import { isEnergyUnit, isLengthUnit } from '../units.ts';
import { type AniCard, aniTensors, checkAni } from './card-ani.ts';
import { checkHipnn, type HipnnCard, hipnnTensors } from './card-hipnn.ts';
import { Entry } from './entry.ts';
import { parseObject } from './safetensors.ts';

/** Format 1. Keys beyond these are kept as they are. */
export type Card = AniCard | HipnnCard;

/** What a name of a model may be: it becomes a file name and travels on the wire. */
export const isModelName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/.test(name);

/** Name and shape of every tensor the card promises. */
export const promisedTensors = (card: Card): Map<string, number[]> =>
  card.architecture === 'ani' ? aniTensors(card) : hipnnTensors(card);

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
  card.at('architecture').equals('ani', 'hipnn');
  const isHipnn = card.at('architecture').string() === 'hipnn';
  card.at('members').count(1);

  const elements = card.at('elements').list((element) => {
    if (numberOf(element.string()) === undefined) element.must('be the symbol of an element');
    return element.string();
  });
  if (new Set(elements).size !== elements.length) card.at('elements').must('name each element once');

  if (!isEnergyUnit(card.at('units').at('energy').string()))
    card.at('units').at('energy').must('be eV, hartree or kcal/mol');
  if (!isLengthUnit(card.at('units').at('length').string())) card.at('units').at('length').must('be angstrom or bohr');

  const { cutoff, reach } = isHipnn ? checkHipnn(card) : checkAni(card, elements);
  card.at('cutoff').equals(cutoff);
  card.at('reach').equals(reach);
  const floor = card.at('min_distance').number();
  if (floor < 0 || floor >= cutoff) card.at('min_distance').must(`be at least 0 and less than the cutoff ${cutoff}`);
  card.at('self_energies').keys(elements);
  for (const element of elements) card.at('self_energies').at(element).number();
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
