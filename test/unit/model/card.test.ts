import { describe, expect, it } from 'vitest';
import { type Card, checkCard, isModelName, parseCard, promisedTensors } from '../../../src/model/card.ts';
import { descriptorLength } from '../../../src/model/card-ani.ts';
import { errorOf, expectError } from '../../support/expect-error.ts';
import { aniTestModel } from '../../support/models.ts';

const card = aniTestModel('test-two').card;

/** The card with the entry at a path replaced; undefined removes it. */
function changed(path: string, value: unknown): unknown {
  const copy = structuredClone(card) as unknown as Record<string, unknown>;
  const keys = path.split('.');
  const last = keys.pop()!;
  let at = copy;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

describe('a card', () => {
  it('that is right is taken as it is, unknown keys and all', () => {
    const more = { ...card, remark: { kept: true }, calibration: { sigma_force: 1.2, sigma_energy: 1 } };
    expect(checkCard(more, 'x')).toBe(more);
    expect(parseCard(JSON.stringify(more), 'x')).toEqual(more);
  });

  it('promises its tensors in order', () => {
    expect(descriptorLength(card)).toBe(2 * 7 + 3 * 3 * 5);
    expect(Object.fromEntries(promisedTensors(card))).toEqual({
      'H.0.weight': [3, 17, 59],
      'H.0.bias': [3, 17],
      'H.1.weight': [3, 9, 17],
      'H.1.bias': [3, 9],
      'H.2.weight': [3, 1, 9],
      'H.2.bias': [3, 1],
      'O.0.weight': [3, 11, 59],
      'O.0.bias': [3, 11],
      'O.1.weight': [3, 1, 11],
      'O.1.bias': [3, 1],
    });
  });

  const wrong: [path: string, value: unknown][] = [
    ['format', undefined],
    ['format', 2],
    ['format', '1'],
    ['name', undefined],
    ['name', ''],
    ['name', '../up'],
    ['name', 'a b'],
    ['name', 7],
    ['name', 'x'.repeat(65)],
    ['architecture', 'schnet'],
    ['architecture', undefined],
    ['elements', []],
    ['elements', 'HO'],
    ['elements', ['H', 'H']],
    ['elements', ['H', 'Xx']],
    ['elements', ['H', 8]],
    ['elements', ['h', 'O']],
    ['members', 0],
    ['members', -1],
    ['members', 1.5],
    ['members', '3'],
    ['members', undefined],
    ['units', undefined],
    ['units.energy', 'kJ/mol'],
    ['units.length', 'nm'],
    ['units.length', undefined],
    ['cutoff', 5],
    ['cutoff', undefined],
    ['reach', 9.2],
    ['min_distance', -1],
    ['min_distance', 4.6],
    ['min_distance', null],
    ['descriptor', undefined],
    ['descriptor.cutoff_function', 'tanh'],
    ['descriptor.radial', []],
    ['descriptor.radial.cutoff', 0],
    ['descriptor.radial.eta', -1],
    ['descriptor.radial.eta', [9.3]],
    ['descriptor.radial.shifts', []],
    ['descriptor.radial.shifts', [1, null]],
    ['descriptor.angular.cutoff', 4.7],
    ['descriptor.angular.eta', 0],
    ['descriptor.angular.zeta', 0.5],
    ['descriptor.angular.shifts', {}],
    ['descriptor.angular.sections', ['a']],
    ['activation', undefined],
    ['activation.name', 'gelu'],
    ['activation.alpha', 0],
    ['layers', {}],
    ['layers', { H: [1], O: [1], C: [1] }],
    ['layers.H', []],
    ['layers.H', [17, 9]],
    ['layers.H', [17, 0, 1]],
    ['layers.H', [1.5, 1]],
    ['self_energies', { H: 1 }],
    ['self_energies.O', null],
    ['self_energies.O', '1'],
    ['calibration', { sigma_force: 0, sigma_energy: 1 }],
    ['calibration', 3],
    ['provenance', 'x'],
    ['licence', 3],
    ['citation', []],
  ];
  it.each(wrong)('with %s = %j is E_MODEL that names the entry', async (path, value) => {
    const fault = await errorOf(() => checkCard(changed(path, value), 'x.mlts'), 'E_MODEL', 'x.mlts', 'card');
    expect(fault.what).toContain(path.split('.').at(-1));
    expect(fault.what).toContain('must');
  });

  it.each(['', 'null', '[1]', '{"format":1,"format":1}', '{'])('that reads %j is E_MODEL', (text) =>
    expectError(() => parseCard(text, 'x'), 'E_MODEL'),
  );

  it('is not confused by keys of Object.prototype', async () => {
    await expectError(() => checkCard(changed('elements', ['H', 'constructor']), 'x'), 'E_MODEL');
    const poisoned = JSON.stringify(card).replace('{', '{"__proto__":{"members":5},');
    expect((parseCard(poisoned, 'x') as Card).members).toBe(3);
  });
});

it('names of models are safe file names', () => {
  for (const name of ['ani-2x', 'a', 'My_model.v2+x']) expect(isModelName(name)).toBe(true);
  for (const name of ['', '.hidden', '-x', 'a/b', 'a\\b', 'ä', 'a\n']) expect(isModelName(name)).toBe(false);
});
