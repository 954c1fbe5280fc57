/** Elements, from what a user wrote. */
import { list, type Rule, refuse, text } from '../../dynamics/input/rules.ts';
import { numberOf } from '../../elements.ts';

export const symbol: Rule<string> = (input) => {
  const name = text(input);
  return numberOf(name) === undefined ? refuse(input, 'the symbol of an element, like H') : name;
};

export const symbols: Rule<readonly string[]> = (input) => {
  const found = list(symbol)(input);
  return found.length > 0 && new Set(found).size === found.length ? found : refuse(input, 'elements, each once');
};

/** A value for each element. */
export const bySymbol =
  <T>(rule: Rule<T>): Rule<Readonly<Record<string, T>>> =>
  (input) => {
    if (input.fields === undefined) return refuse(input, 'settings by element, like {H: …, O: …}');
    return Object.fromEntries(
      input.fields.map(({ name, place, input: value }) => [symbol({ place, scalar: name }), rule(value)]),
    );
  };
