/** What pw.x wrote, in units of mlts, and whether it may be believed. */
import { BOHR, EV_PER_ANGSTROM3_IN_GPA, HARTREE } from '../../../units.ts';
import type { FailureKind } from '../../label.ts';

const RYDBERG = HARTREE / 2;

export interface PwAnswer {
  /** F = E − TS, of which the forces are the derivatives; eV. */
  readonly energy: number;
  /** [n,3] eV/Å */
  readonly forces: Float64Array;
  /** [9] −σ, positive where compressed, eV/Å³; absent where it has not been asked for. */
  readonly pressure?: Float64Array | undefined;
}

export interface PwFailure {
  readonly kind: FailureKind;
  readonly what: string;
  /** What would help: other ways to converge, or a tighter end of it. */
  readonly remedy?: 'other-settings' | 'tighter' | undefined;
}

export const pwVersion = (output: string): string | undefined => /Program PWSCF v\.?\s*(\S+) starts/.exec(output)?.[1];

const NUMBER = '([-+]?[\\d.]+(?:[eEdD][-+]?\\d+)?)';
const TRIPLE = `\\s+${NUMBER}\\s+${NUMBER}\\s+${NUMBER}`;

const numbers = (match: RegExpMatchArray | null, count: number): number[] =>
  Array.from({ length: count }, (_, k) => Number(match?.[k + 1]?.replace(/[dD]/, 'e') ?? Number.NaN));

/**
 * The answer, or why there is none. `JOB DONE` says nothing: it stands below unconverged runs too, and so does exit code 0
 * where `scf_must_converge` is false.
 * @param exit code; undefined where a signal ended it @param max_pressure of either sign, GPa
 */
export function readPwOutput(
  output: string,
  exit: number | undefined,
  atoms: number,
  max_pressure: number,
): PwAnswer | PwFailure {
  const broken = (what: string): PwFailure => ({ kind: 'crashed', what, remedy: 'other-settings' });
  if (/Maximum CPU time exceeded/.test(output)) return { kind: 'time-out', what: 'max_seconds of pw.x passed' };
  if (/convergence NOT achieved/.test(output)) {
    const steps = /convergence NOT achieved after\s+(\d+) iterations/.exec(output)?.[1];
    const accuracy = [...output.matchAll(/estimated scf accuracy\s+<\s+(\S+) Ry/g)].at(-1)?.[1];
    const what = `no self-consistency after ${steps ?? 'all'} iterations, ${accuracy ?? '?'} Ry from it`;
    return { kind: 'not-converged', what, remedy: 'other-settings' };
  }
  const error = /Error in routine\s+(\S+)[^\n]*\n\s*([^\n%]*)/.exec(output);
  if (error !== null) return broken(`pw.x: ${error[1]}: ${error[2].trim()}`);
  if (exit !== 0) return broken(exit === undefined ? 'pw.x was killed' : `pw.x ended with ${exit}`);
  const energy = numbers(
    [...output.matchAll(new RegExp(`^!\\s+total energy\\s+=\\s+${NUMBER} Ry`, 'gm'))].at(-1) ?? null,
    1,
  );
  const forces = readForces(output, atoms);
  if (!Number.isFinite(energy[0])) return broken('pw.x wrote no total energy');
  if (forces === undefined) return broken(`pw.x wrote no forces on ${atoms} atoms`);
  const [total, correction] = numbers(
    new RegExp(`Total force =\\s+${NUMBER}\\s+Total SCF correction =\\s+${NUMBER}`).exec(output),
    2,
  );
  // Ry/bohr. Forces of a symmetric structure are all zero: a correction of 0.01 eV/Å is small however small they are.
  const most = Math.max(0.05 * total, 5e-4);
  if (!(correction <= most)) {
    const what = `SCF correction of the forces is ${correction} Ry/bohr at a total force of ${total}`;
    return { kind: 'not-converged', what, remedy: 'tighter' };
  }
  const pressure = readPressure(output);
  const mean = pressure === undefined ? 0 : ((pressure[0] + pressure[4] + pressure[8]) / 3) * EV_PER_ANGSTROM3_IN_GPA;
  if (!(Math.abs(mean) <= max_pressure))
    return {
      kind: 'unphysical',
      what: `the pressure is ${mean.toFixed(1)} GPa, beyond ±${max_pressure} (max_pressure)`,
    };
  return { energy: energy[0] * RYDBERG, forces, pressure };
}

/** The first block: `verbosity = 'high'` writes its contributions below, in the same form. */
function readForces(output: string, atoms: number): Float64Array | undefined {
  const start = output.indexOf('Forces acting on atoms');
  if (start < 0) return undefined;
  const lines = output.slice(start).matchAll(new RegExp(`^\\s+atom\\s+\\d+ type\\s+\\d+\\s+force =${TRIPLE}`, 'gm'));
  const values = [...lines].slice(0, atoms).flatMap((match) => numbers(match, 3));
  if (values.length !== 3 * atoms || !values.every(Number.isFinite)) return undefined;
  return Float64Array.from(values, (f) => (f * RYDBERG) / BOHR);
}

/** "total stress" of pw.x is −σ: positive where compressed. Ry/bohr³ has more digits than kbar beside it. */
function readPressure(output: string): Float64Array | undefined {
  const start = output.indexOf('total   stress');
  if (start < 0) return undefined;
  const lines = output.slice(output.indexOf('\n', start)).matchAll(new RegExp(`^${TRIPLE}`, 'gm'));
  const values = [...lines].slice(0, 3).flatMap((match) => numbers(match, 3));
  return values.length === 9 && values.every(Number.isFinite)
    ? Float64Array.from(values, (p) => (p * RYDBERG) / BOHR ** 3)
    : undefined;
}
