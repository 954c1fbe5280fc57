/** Short names of what is wanted most for molecules: GFN-xTB, PySCF, and Psi4 by its input file. */
import { logical, missing, oneOf, type Rule, refuse, settings, text } from '../../dynamics/input/rules.ts';
import { BOHR, HARTREE } from '../../units.ts';
import { interpreter } from './interpreter.ts';
import type { ProgramSettings } from './program/settings.ts';
import type { AseSettings } from './settings.ts';

export const xtb: Rule<AseSettings> = (input) => {
  const given = settings<{ kind?: string; method?: 'GFN1-xTB' | 'GFN2-xTB'; python?: string }>(
    { kind: text, method: oneOf(['GFN1-xTB', 'GFN2-xTB'] as const), python: interpreter },
    'an xtb engine',
  )(input);
  const method = given.method ?? 'GFN2-xTB';
  const [calculator, python] = ['tblite.ase.TBLite', given.python];
  return { kind: 'ase', calculator, arguments: { method, verbosity: 0 }, level: method, python };
};

const charge: Rule<number> = (input) =>
  Number.isSafeInteger(input.scalar) ? (input.scalar as number) : refuse(input, 'a whole number of e');

interface Given {
  kind?: string;
  method?: string;
  basis?: string;
  level?: string;
}
const common = { kind: text, method: text, basis: text, level: text };

export const pyscf: Rule<AseSettings> = (input) => {
  const given = settings<Given & { charge?: number; density_fit?: boolean; python?: string }>(
    { ...common, charge, density_fit: logical, python: interpreter },
    'a pyscf engine',
  )(input);
  const { density_fit = false, python } = given;
  if (given.method === undefined) throw missing(input, 'which method', 'method');
  if (given.basis === undefined) throw missing(input, 'which basis', 'basis');
  const { method, basis } = given;
  const level = given.level ?? `${method}/${basis}`;
  const calculator = 'mlts_ase.pyscf_method.PyscfMethod';
  return {
    kind: 'ase',
    calculator,
    arguments: { method, basis, charge: given.charge ?? 0, density_fit },
    level,
    python,
  };
};

/** Others are functionals, whose densities psi4 fits. */
const isWave = (method: string): boolean => /^(hf|scf|mp\d|cc)/.test(method);

/** psi4 finds charge 0 and the lowest multiplicity by itself. It writes gradients in many forms: here in one. */
const psi4Input = (method: string, basis: string): string => `\
molecule it {
{{atoms}}
units angstrom
symmetry c1
no_com
no_reorient
}
set basis ${basis}
set e_convergence 9
set d_convergence 9
set freeze_core false
${isWave(method) ? 'set scf_type pk\nset mp2_type conv\n' : ''}if it.multiplicity() > 1:
    set reference ${isWave(method) ? 'uhf' : 'uks'}
slopes, found = gradient('${method}', return_wfn=True)
print_out('MLTS energy %.12f\\n' % variable('CURRENT ENERGY'))
for row in slopes.to_array():
    print_out('MLTS gradient %.12f %.12f %.12f\\n' % tuple(row))
`;

const word: Rule<string> = (input) => {
  const given = text(input);
  return /^[\w()*+,-]+$/.test(given) ? given : refuse(input, 'a name as psi4 has it, like wb97x-d or cc-pvdz');
};

export const psi4: Rule<ProgramSettings> = (input) => {
  const given = settings<Given>({ ...common, method: word, basis: word }, 'a psi4 engine')(input);
  if (given.method === undefined) throw missing(input, 'which method', 'method');
  if (given.basis === undefined) throw missing(input, 'which basis', 'basis');
  const { method, basis } = given;
  return {
    ...{ kind: 'program', level: given.level ?? `${method}/${basis}`, program: 'psi4' },
    command: ['psi4', '-n', '1', '-s', '.', 'job.in', 'job.out'],
    input: { 'job.in': psi4Input(method.toLowerCase(), basis) },
    energy: { file: 'job.out', pattern: '^MLTS energy (\\S+)', factor: HARTREE },
    forces: { file: 'job.out', pattern: '^MLTS gradient (\\S+) (\\S+) (\\S+)', factor: -HARTREE / BOHR },
    not_converged: 'Could not converge|did not converge',
  };
};
