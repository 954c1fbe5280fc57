/** One evaluated structure in the forms that `mlts eval` writes. */
import type { Potential, Result, Want } from '../engine/potential.ts';
import { formatExtxyz } from '../io/extxyz.ts';
import { type AtomArray, type InfoValue, type Structure, volumeOf } from '../io/structure.ts';

/** What the forms below need. */
export const WANT: readonly Want[] = ['forces', 'virial', 'energies', 'sigma', 'memberEnergies'];

export interface Evaluated {
  readonly file: string;
  readonly index: number;
  readonly structure: Structure;
  readonly result: Result;
}

/** −W/V in ASE's Voigt order xx yy zz yz xz xy, eV/Å³; undefined without a cell. */
function stressOf({ cell }: Structure, { virial }: Result): number[] | undefined {
  if (!cell || !virial) return undefined;
  const volume = volumeOf(cell);
  return volume > 0 ? [0, 4, 8, 5, 2, 1].map((k) => -virial[k] / volume) : undefined;
}

const maximum = (values: ArrayLike<number>) =>
  Array.prototype.reduce.call(values, (a, b) => Math.max(a as number, b as number), 0) as number;

const rows = (values: ArrayLike<number>, columns: number): number[][] =>
  Array.from({ length: values.length / columns }, (_, i) =>
    Array.from({ length: columns }, (_, k) => values[columns * i + k]),
  );

/** The object of `mlts eval --json`. */
export function jsonOf(
  { file, index, structure, result }: Evaluated,
  { model, backend }: Potential,
  precision: string,
): object {
  const { forces = [], sigmaForces = [], memberForces } = result;
  const stress = stressOf(structure, result);
  return {
    file,
    index,
    natoms: structure.numbers.length,
    energy: result.energy,
    sigma_energy: result.sigmaEnergy,
    rho: result.rho,
    forces: rows(forces, 3),
    sigma_forces: [...sigmaForces],
    max_sigma_force: maximum(sigmaForces),
    energies: [...(result.energies ?? [])],
    virial: rows(result.virial ?? [], 3),
    ...(stress && { stress }),
    member_energies: [...(result.memberEnergies ?? [])],
    ...(memberForces && { member_forces: rows(memberForces, forces.length).map((one) => rows(one, 3)) }),
    model: model.name,
    sha256: model.sha256,
    backend,
    precision,
  };
}

/** The frame with its results, under the names that ASE reads; what the file said of energy and forces is replaced. */
export function extxyzOf({ structure, result }: Evaluated, { model }: Potential): string {
  const { energy, sigmaEnergy = 0, rho = 0, memberEnergies = [], memberForces } = result;
  const stress = stressOf(structure, result);
  const info: Record<string, InfoValue> = {
    ...structure.info,
    energy,
    sigma_energy: sigmaEnergy,
    rho,
    ...(stress && { stress: [0, 5, 4, 5, 1, 3, 4, 3, 2].map((k) => stress[k]) }),
    member_energies: [...memberEnergies],
    model: model.name,
    model_sha256: model.sha256,
  };
  if (!stress) delete info.stress;
  const real = (columns: number, data: Float64Array | undefined): AtomArray => ({
    kind: 'real',
    columns,
    data: data ?? new Float64Array(),
  });
  const arrays: Record<string, AtomArray> = {
    ...structure.arrays,
    forces: real(3, result.forces),
    energies: real(1, result.energies),
    sigma_forces: real(1, result.sigmaForces),
  };
  if (memberForces) arrays.member_forces = real(3 * memberEnergies.length, byAtom(memberForces, memberEnergies.length));
  return formatExtxyz({ ...structure, info, arrays });
}

/** [members,n,3] to [n,members,3]. */
function byAtom(forces: Float64Array, members: number): Float64Array {
  const n = forces.length / (3 * members);
  return Float64Array.from(forces, (_, at) => {
    const [atom, member, k] = [Math.floor(at / (3 * members)), Math.floor(at / 3) % members, at % 3];
    return forces[3 * (member * n + atom) + k];
  });
}

export const HEADER = ['structure', 'atoms', 'energy/eV', 'σ_E/eV', 'ρ/eV', 'max |F|/(eV/Å)', 'max σ_F/(eV/Å)'];

/** One row under HEADER. */
export function rowOf({ file, index, structure, result }: Evaluated): string[] {
  const forces = rows(result.forces ?? [], 3).map(([x, y, z]) => Math.hypot(x, y, z));
  return [
    `${file}[${index}]`,
    String(structure.numbers.length),
    result.energy.toFixed(6),
    (result.sigmaEnergy ?? 0).toFixed(6),
    (result.rho ?? 0).toFixed(6),
    maximum(forces).toFixed(5),
    maximum(result.sigmaForces ?? []).toFixed(5),
  ];
}
