/** `kind: espresso` from what a user wrote. */
import { resolve } from 'node:path';
import { list, missing, number, type Rule, refuse, settings, text } from '../../../dynamics/input/rules.ts';
import { numberOf } from '../../../elements.ts';
import type { EspressoSettings, Namelist } from './settings.ts';

const FOLDER = '/usr/share/espresso/pseudo';
/** What metals want, and insulators bear. */
const SYSTEM = { occupations: 'smearing', smearing: 'mv', degauss: 0.02 };
const RETRIES: readonly Namelist[] = [
  { mixing_beta: 0.3, electron_maxstep: 200 },
  { mixing_beta: 0.1, mixing_mode: 'local-TF', electron_maxstep: 300, diagonalization: 'cg' },
];
/** It makes pw.x call what has not converged an answer. */
const FORBIDDEN = 'scf_must_converge';

const namelist: Rule<Namelist> = (input) => {
  if (input.fields === undefined) return refuse(input, 'keys of pw.x, like {mixing_beta: 0.3}');
  const entries = input.fields.map(({ name, input: { scalar }, input: value }) => {
    if (name === FORBIDDEN) return refuse(value, 'left out: unconverged energies are no labels');
    const isValue = typeof scalar === 'string' || typeof scalar === 'number' || typeof scalar === 'boolean';
    return [name, isValue ? scalar : refuse(value, 'text, a number, or true or false')] as const;
  });
  return Object.fromEntries(entries);
};

const files: Rule<Readonly<Record<string, string>>> = (input) => {
  if (input.fields === undefined) return refuse(input, 'a file by element, like {Al: Al.UPF}');
  const entries = input.fields.map(({ name, input: value }) => {
    if (numberOf(name) === undefined) refuse({ ...value, scalar: name }, 'the symbol of an element');
    return [name, text(value)] as const;
  });
  return Object.fromEntries(entries);
};

interface Given {
  kind?: string;
  level?: string;
  pseudopotentials?: Readonly<Record<string, string>>;
  pseudo_folder?: string;
  command?: readonly string[];
  ecutwfc?: number;
  kpoint_spacing?: number;
  system?: Namelist;
  electrons?: Namelist;
  retries?: readonly Namelist[];
  min_distance?: number;
  max_pressure?: number;
}

export const espresso: Rule<EspressoSettings> = (input) => {
  const given = settings<Given>(
    {
      ...{ kind: text, level: text, pseudopotentials: files, pseudo_folder: text, command: list(text) },
      ecutwfc: number({ above: 0, most: 1000, unit: 'Ry' }),
      kpoint_spacing: number({ above: 0, unit: '1/Å' }),
      ...{ system: namelist, electrons: namelist, retries: list(namelist) },
      min_distance: number({ above: 0, unit: 'Å' }),
      max_pressure: number({ above: 0, unit: 'GPa' }),
    },
    'an espresso engine',
  )(input);
  const { level, pseudopotentials, ecutwfc } = given;
  if (level === undefined) throw missing(input, 'which level of theory that is', 'level');
  if (pseudopotentials === undefined) throw missing(input, 'a pseudopotential of each element', 'pseudopotentials');
  if (ecutwfc === undefined) throw missing(input, 'the cutoff energy of its plane waves, Ry', 'ecutwfc');
  return {
    ...{ kind: 'espresso', level, pseudopotentials, ecutwfc },
    pseudo_folder: resolve(given.pseudo_folder ?? FOLDER),
    command: given.command ?? ['pw.x'],
    kpoint_spacing: given.kpoint_spacing ?? 0.25,
    system: { ...SYSTEM, ...given.system },
    electrons: given.electrons ?? {},
    retries: given.retries ?? RETRIES,
    min_distance: given.min_distance ?? 0.6,
    max_pressure: given.max_pressure ?? 100,
  };
};
