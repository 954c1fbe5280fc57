/** `kind: program` from what a user wrote; templates become part of the settings. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Input } from '../../../dynamics/input/input.ts';
import { list, missing, oneOf, type Rule, refuse, settings, text } from '../../../dynamics/input/rules.ts';
import { MltsError, systemReason } from '../../../errors.ts';
import { BOHR, EV_PER_ANGSTROM3_IN_GPA, HARTREE, KCAL_PER_MOL } from '../../../units.ts';
import type { ProgramSettings, Reading } from './settings.ts';
import { placeNames, placesIn } from './template.ts';

const RYDBERG = HARTREE / 2;
const ENERGY = { eV: 1, hartree: HARTREE, rydberg: RYDBERG, 'kcal/mol': KCAL_PER_MOL };
const FORCES = {
  'eV/angstrom': 1,
  'hartree/bohr': HARTREE / BOHR,
  'rydberg/bohr': RYDBERG / BOHR,
  'kcal/mol/angstrom': KCAL_PER_MOL,
};
const STRESS = {
  'eV/angstrom^3': 1,
  GPa: 1 / EV_PER_ANGSTROM3_IN_GPA,
  kbar: 0.1 / EV_PER_ANGSTROM3_IN_GPA,
  'hartree/bohr^3': HARTREE / BOHR ** 3,
  'rydberg/bohr^3': RYDBERG / BOHR ** 3,
};

/** A regular expression. @param groups numbers of groups that it may have */
const pattern =
  (groups: readonly number[]): Rule<string> =>
  (input) => {
    const source = text(input);
    let count: number;
    try {
      count = new RegExp(`${source}|`).exec('')!.length - 1;
    } catch (error) {
      return refuse(input, `a regular expression (${(error as Error).message})`);
    }
    const wanted = `${groups.join(' or ')} in parentheses, as (?:…) where nothing is read`;
    return groups.includes(count) ? source : refuse(input, `a regular expression with ${wanted}`);
  };

/** A path within the folder of the run. */
const within: Rule<string> = (input) => {
  const name = text(input);
  return /^\w[\w.+-]*(\/\w[\w.+-]*)*$/.test(name) ? name : refuse(input, 'the name of a file in the folder of the run');
};

interface Units {
  readonly units: Readonly<Record<string, number>>;
  readonly groups: readonly number[];
  /** What the sign of the numbers may be, the first by default. */
  readonly signs: readonly [plus: string, minus: string] | undefined;
}

const reading =
  ({ units, groups, signs }: Units): Rule<Reading> =>
  (input) => {
    const rules = {
      file: within,
      pattern: pattern(groups),
      unit: oneOf(Object.keys(units)),
      sign: signs === undefined ? noSign : oneOf(signs),
    };
    const given = settings<{ file?: string; pattern?: string; unit?: string; sign?: string }>(
      rules,
      'a reading',
    )(input);
    if (given.pattern === undefined) throw missing(input, 'how it is found', 'pattern');
    if (given.unit === undefined) throw missing(input, `its unit (${Object.keys(units).join(', ')})`, 'unit');
    const factor = units[given.unit] * (signs !== undefined && given.sign === signs[1] ? -1 : 1);
    return { file: given.file, pattern: given.pattern, factor };
  };

const noSign: Rule<string> = (input) => refuse(input, 'left out: an energy has its own');

const templates: Rule<Readonly<Record<string, string>>> = (input: Input) => {
  if (input.fields === undefined)
    return refuse(input, 'a template by the file it becomes, like {job.inp: job.template}');
  return Object.fromEntries(
    input.fields.map((field) => [within({ ...field.input, scalar: field.name }), template(field.input)]),
  );
};

const template: Rule<string> = (input) => {
  const file = resolve(text(input));
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    const remedy = 'Correct the path; it is relative to where mlts runs.';
    throw new MltsError('E_FILE', `cannot read the template ${file} (${systemReason(cause)})`, remedy, { cause });
  }
  const unknown = placesIn(content).find((name) => !placeNames.includes(name));
  if (unknown === undefined) return content;
  const remedy = `There are ${placeNames.map((name) => `{{${name}}}`).join(', ')}.`;
  throw new MltsError('E_USAGE', `${file} has {{${unknown}}}, which stands for nothing`, remedy);
};

type Given = { -readonly [K in keyof ProgramSettings]?: K extends 'kind' ? string : ProgramSettings[K] };

export const program: Rule<ProgramSettings> = (input) => {
  const given = settings<Given>(
    {
      ...{ kind: text, level: text, program: text, command: list(text), input: templates },
      energy: reading({ units: ENERGY, groups: [1], signs: undefined }),
      forces: reading({ units: FORCES, groups: [3], signs: ['forces', 'gradient'] }),
      stress: reading({ units: STRESS, groups: [3, 9], signs: ['tension', 'pressure'] }),
      not_converged: pattern([0]),
    },
    'a program engine',
  )(input);
  const { level, command, energy, forces, stress, not_converged } = given;
  if (level === undefined) throw missing(input, 'which level of theory that is', 'level');
  if (command === undefined) throw missing(input, 'what runs', 'command');
  if (given.input === undefined) throw missing(input, 'the files that it reads', 'input');
  if (energy === undefined) throw missing(input, 'where the energy stands', 'energy');
  if (forces === undefined) throw missing(input, 'where the forces stand', 'forces');
  if (!Object.values(given.input).some((content) => placesIn(content).some((name) => name.startsWith('atoms')))) {
    throw new MltsError('E_USAGE', 'no template has {{atoms}}', 'Write it where the atoms go, a line each.');
  }
  const [first, ...more] = command;
  return {
    ...{ kind: 'program', level, input: given.input, energy, forces, stress, not_converged },
    command: [/^\.{0,2}\//.test(first) ? resolve(first) : first, ...more],
    program: given.program ?? first.split('/').at(-1)!,
  };
};
