import { resolve } from 'node:path';
import { type Rule, text } from '../../dynamics/input/rules.ts';

/** A Python; a path stays one that the shell finds where it has no slash. */
export const interpreter: Rule<string> = (input) => {
  const python = text(input);
  return python.includes('/') ? resolve(python) : python;
};
