/** Label engines from what a user wrote: Quantum ESPRESSO, any ASE calculator, and short names for those wanted most. */
import type { Input } from '../../dynamics/input/input.ts';
import { list, missing, oneOf, type Rule, refuse, settings, text } from '../../dynamics/input/rules.ts';
import { symbols } from '../../training/config/symbols.ts';
import { espresso } from './espresso/parse.ts';
import { interpreter } from './interpreter.ts';
import { psi4, pyscf, xtb } from './molecules.ts';
import { program } from './program/parse.ts';
import type { AseSettings, EngineSettings } from './settings.ts';

/** Anything that JSON can say. */
const json: Rule<unknown> = ({ scalar, items, fields }) => {
  if (items !== undefined) return items.map(json);
  if (fields !== undefined) return Object.fromEntries(fields.map(({ name, input }) => [name, json(input)]));
  return scalar;
};

const keywords: Rule<Readonly<Record<string, unknown>>> = (input) =>
  input.fields === undefined
    ? refuse(input, 'keyword arguments, like {method: GFN2-xTB}')
    : (json(input) as Readonly<Record<string, unknown>>);

const calculator: Rule<string> = (input) => {
  const path = text(input);
  return /^\w+(\.\w+)+$/.test(path) ? path : refuse(input, 'an import path, like tblite.ase.TBLite');
};

const ase: Rule<EngineSettings> = (input) => {
  const given = settings<{ kind?: string } & Partial<AseSettings>>(
    { kind: text as Rule<'ase'>, calculator, arguments: keywords, level: text, python: interpreter },
    'an ASE engine',
  )(input);
  if (given.calculator === undefined) throw missing(input, 'which calculator', 'calculator');
  if (given.level === undefined) throw missing(input, 'which level of theory that is', 'level');
  const { python } = given;
  return { kind: 'ase', calculator: given.calculator, arguments: given.arguments ?? {}, level: given.level, python };
};

const lammps: Rule<EngineSettings> = (input) => {
  const given = settings<{
    kind?: string;
    commands?: readonly string[];
    elements?: readonly string[];
    level?: string;
    python?: string;
  }>(
    { kind: text, commands: list(text), elements: symbols, level: text, python: interpreter },
    'a LAMMPS engine',
  )(input);
  const { commands, elements, level, python } = given;
  if (commands === undefined) throw missing(input, 'how atoms interact (pair_style …, pair_coeff …)', 'commands');
  if (elements === undefined) throw missing(input, 'the elements of its types', 'elements');
  if (level === undefined) throw missing(input, 'what its labels are called', 'level');
  const calculator = 'mlts_ase.lammps_potential.LammpsPotential';
  return { kind: 'ase', calculator, arguments: { commands, elements }, level, python };
};

const KINDS = { ase, espresso, lammps, program, psi4, pyscf, xtb } as const;

export const engineRule: Rule<EngineSettings> = (input: Input) => {
  const kind = input.fields?.find(({ name }) => name === 'kind');
  if (kind === undefined) throw missing(input, 'which engine', 'kind');
  return KINDS[oneOf(Object.keys(KINDS) as (keyof typeof KINDS)[])(kind.input)](input);
};
