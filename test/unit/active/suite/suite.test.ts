import { describe, it } from 'vitest';
import { suiteRule } from '../../../../src/active/suite/parse.ts';
import { parseYaml } from '../../../../src/dynamics/input/input.ts';
import { expectError } from '../../../support/expect-error.ts';
import { textFile } from './support.ts';

describe('a suite', () => {
  it.each([
    ['two measurements of one name', '', "for the second measurement 'elastic constants'"],
    ['a name that is taken', ', name: held-out', "for the second measurement 'held-out'"],
  ])('refuses %s', async (_, name, part) => {
    const one = `{kind: elastic, structure: ${textFile('al.extxyz', '')}, reference: {C11: 1}${name}}`;
    await expectError(() => suiteRule(parseYaml(`[${one}, ${one}]`, 'al.yaml')), 'E_USAGE', part);
  });
});
