/** Systems to the wire, results back. */
import type { Precision, Result, Want } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import type { WireError, WireResult, WireSystem, WireWant } from '../protocol/messages.ts';
import { fieldName, wireName } from '../protocol/names.ts';
import { errorOf } from '../protocol/reply.ts';

/** A whole system as the client takes it. */
export interface Structure {
  /** [n] atomic numbers */
  readonly numbers: Int32Array;
  /** [n,3] Å, row-major; copied before `evaluate` returns */
  readonly positions: Float64Array;
  /** [3,3] Å, rows are lattice vectors, right-handed. Needed where pbc has a true. */
  readonly cell?: Float64Array | undefined;
  /** Periodic directions; default none. */
  readonly pbc?: readonly [boolean, boolean, boolean] | undefined;
}

export interface Choice {
  /** May be left out where the server holds one model. */
  readonly model?: string | undefined;
  /** Default single. */
  readonly precision?: Precision | undefined;
  /** Default forces, virial and sigma. */
  readonly want?: readonly Want[] | undefined;
}

/** Sample standard deviations over the members (ddof 1). */
export interface Sigma {
  /** eV */
  readonly energy: number;
  /** energy/√n, eV */
  readonly rho: number;
  /** [n] eV */
  readonly energies: Float64Array;
  /** [n] eV/Å, √(Σ_xyz var); not for domains */
  readonly forces?: Float64Array;
  /** The largest of `forces`, eV/Å */
  readonly maxForce?: number;
}

export interface Evaluation extends Result {
  readonly sigma?: Sigma;
  /** SHA-256 of the model file that computed this. */
  readonly sha256: string;
}

/**
 * What TypeScript would have refused at compile time, for callers without it.
 * @throws MltsError E_SHAPE
 */
export function checkArray(value: unknown, name: string, Type: typeof Int32Array | typeof Float64Array): void {
  if (value instanceof Type) return;
  const found = value === null || typeof value !== 'object' ? String(value) : value.constructor.name;
  throw new MltsError('E_SHAPE', `'${name}' is ${found}, not ${Type.name}`, `Pass ${Type.name}.from(…).`);
}

export function wireSystem({ numbers, positions, cell, pbc }: Structure): WireSystem {
  checkArray(numbers, 'numbers', Int32Array);
  checkArray(positions, 'positions', Float64Array);
  if (cell !== undefined) checkArray(cell, 'cell', Float64Array);
  return { numbers, positions, ...(cell === undefined ? {} : { cell }), ...(pbc === undefined ? {} : { pbc }) };
}

export function wireChoice({ model, precision, want }: Choice): {
  model?: string;
  precision?: Precision;
  want?: WireWant[];
} {
  return {
    ...(model === undefined ? {} : { model }),
    ...(precision === undefined ? {} : { precision }),
    ...(want === undefined ? {} : { want: want.map((name) => wireName(name) as WireWant) }),
  };
}

export function evaluation(wire: WireResult, sha256: string): Evaluation {
  const result: Record<string, unknown> = { sha256 };
  for (const key in wire) {
    if (key in FOREIGN) continue;
    result[fieldName(key)] = wire[key as keyof WireResult];
  }
  const { sigma_energy, rho, sigma_energies, sigma_forces } = wire;
  if (sigma_energy !== undefined && rho !== undefined && sigma_energies !== undefined) {
    const forces = sigma_forces === undefined ? {} : { forces: sigma_forces, maxForce: largest(sigma_forces) };
    result.sigma = { energy: sigma_energy, rho, energies: sigma_energies, ...forces } satisfies Sigma;
  }
  return result as unknown as Evaluation;
}

/** Fields of a reply that are not results. */
const FOREIGN = { type: true, id: true, sha256: true, session: true, natoms: true };

export const outcome = (entry: WireResult | WireError, sha256: string): Evaluation | MltsError =>
  'code' in entry ? errorOf(entry) : evaluation(entry, sha256);

function largest(values: Float64Array): number {
  let most = 0;
  for (const value of values) if (value > most) most = value;
  return most;
}
