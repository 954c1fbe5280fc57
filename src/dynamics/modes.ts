/** Normal modes from finite differences of forces, and what follows of them in the harmonic approximation. */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { massOf } from '../elements.ts';
import { isPeriodic } from '../engine/cell.ts';
import type { Potential, System } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { AMU_ANGSTROM2_PER_FS2, BOLTZMANN, PLANCK, SPEED_OF_LIGHT } from '../units.ts';

export interface ModesOptions {
  /** How far each atom is moved, Å; default 0.01. */
  readonly displacement?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of evaluations done and all. */
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

export interface Modes {
  /** Wavenumbers, cm⁻¹, ascending; imaginary ones negative. Translations, and a molecule's rotations, are left out. */
  readonly wavenumbers: readonly number[];
  /** [3n] displacements of each mode, Å, norm 1. */
  readonly displacements: readonly Float64Array[];
}

/** Displaced copies in one batch hold about this many atoms. */
const BATCH_ATOMS = 20_000;

/**
 * Modes of a relaxed structure: eigenvectors of the mass-weighted Hessian, its columns by central differences of the forces,
 * double precision. Translations (and rotations where nothing is periodic) are projected out first.
 * Source: Wilson, Decius and Cross, Molecular Vibrations (1955), ch. 2; Sayvetz conditions ch. 11.
 * @throws MltsError the first fault of a displaced copy
 */
export async function normalModes(potential: Potential, system: System, options: ModesOptions = {}): Promise<Modes> {
  const hessian = await secondDerivatives(potential, system, options);
  const size = hessian.length;
  const roots = Float64Array.from({ length: size }, (_, k) =>
    Math.sqrt(massOf(system.numbers[Math.floor(k / 3)]) ?? 1),
  );
  const weighted = Matrix.from1DArray(
    size,
    size,
    hessian.flatMap((row, i) => [...row.map((h, j) => h / (roots[i] * roots[j]))]),
  );
  const still = rigidMotions(system, roots);
  // P·H·P with P = 1 − Σ t·tᵀ, and the rigid motions lifted above all modes so that they sort last.
  const projector = Matrix.eye(size);
  for (const t of still) projector.sub(Matrix.columnVector(t).mmul(Matrix.rowVector(t)));
  const projected = projector.mmul(weighted).mmul(projector);
  const lift = 10 * (weighted.norm() + 1);
  for (const t of still) projected.add(Matrix.columnVector(t).mmul(Matrix.rowVector(t)).mul(lift));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(projected, { assumeSymmetric: true });
  const order = realEigenvalues.map((_, k) => k).sort((a, b) => realEigenvalues[a] - realEigenvalues[b]);
  const modes = order.slice(0, size - still.length);
  return {
    wavenumbers: modes.map((k) => wavenumber(realEigenvalues[k])),
    displacements: modes.map((k) => normalised(roots.map((root, i) => eigenvectorMatrix.get(i, k) / root))),
  };
}

/** ν̃ = √λ/(2πc), cm⁻¹. @param lambda eV/(Å²·amu) */
function wavenumber(lambda: number): number {
  const perFs = Math.sqrt(Math.abs(lambda) / AMU_ANGSTROM2_PER_FS2);
  return (Math.sign(lambda) * perFs * 1e15) / (2 * Math.PI * SPEED_OF_LIGHT * 100);
}

/** ∂²E/∂R∂R, eV/Å², symmetric. */
async function secondDerivatives(potential: Potential, system: System, options: ModesOptions): Promise<Float64Array[]> {
  const { displacement = 0.01, signal, onProgress } = options;
  const size = system.positions.length;
  const moved = (k: number, by: number): System => {
    const positions = system.positions.slice();
    positions[k] += by;
    return { ...system, positions };
  };
  const columns = Math.max(1, Math.floor(BATCH_ATOMS / (2 * system.numbers.length)));
  const rows: Float64Array[] = [];
  for (let first = 0; first < size; first += columns) {
    const batch: System[] = [];
    for (let k = first; k < Math.min(first + columns, size); k++)
      batch.push(moved(k, displacement), moved(k, -displacement));
    const outcomes = await potential.evaluate(batch, new Set(['forces']), {
      precision: 'double',
      ...(signal && { signal }),
    });
    const forces = outcomes.map((outcome) => {
      if (outcome instanceof MltsError) throw outcome;
      return outcome.forces!;
    });
    for (let i = 0; i < forces.length; i += 2) {
      rows.push(forces[i].map((force, j) => (forces[i + 1][j] - force) / (2 * displacement)));
    }
    onProgress?.(rows.length, size);
  }
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) rows[i][j] = rows[j][i] = (rows[i][j] + rows[j][i]) / 2;
  }
  return rows;
}

/** Orthonormal mass-weighted translations, and rotations about the centre of mass where nothing is periodic. */
function rigidMotions({ numbers, positions, pbc }: System, roots: Float64Array): Float64Array[] {
  const motions = [0, 1, 2].map((axis) => roots.map((root, k) => (k % 3 === axis ? root : 0)));
  if (!isPeriodic(pbc)) {
    const mass = roots.reduce((sum, root) => sum + root * root, 0) / 3;
    const centre = [0, 1, 2].map((axis) => {
      const moment = Array.from(numbers, (_, i) => roots[3 * i] ** 2 * positions[3 * i + axis]);
      return moment.reduce((sum, value) => sum + value, 0) / mass;
    });
    for (const axis of [0, 1, 2]) {
      const [a, b] = [(axis + 1) % 3, (axis + 2) % 3];
      const turn = new Float64Array(roots.length);
      for (let i = 0; i < numbers.length; i++) {
        turn[3 * i + a] = -roots[3 * i] * (positions[3 * i + b] - centre[b]);
        turn[3 * i + b] = roots[3 * i] * (positions[3 * i + a] - centre[a]);
      }
      motions.push(turn);
    }
  }
  // Gram–Schmidt; a linear molecule does not turn about its axis, an atom not at all.
  const kept: Float64Array[] = [];
  for (const motion of motions) {
    const before = norm(motion);
    for (const other of kept) {
      const overlap = motion.reduce((sum, value, k) => sum + value * other[k], 0);
      for (let k = 0; k < motion.length; k++) motion[k] -= overlap * other[k];
    }
    if (norm(motion) > 1e-3 * before && before > 1e-6) kept.push(normalised(motion));
  }
  return kept;
}

const norm = (v: Float64Array) => Math.sqrt(v.reduce((sum, value) => sum + value * value, 0));
const normalised = (v: Float64Array) => v.map((value) => value / norm(v));

/** Vibrations only, eV (entropy eV/K), a whole system. */
export interface HarmonicEnergies {
  readonly zeroPoint: number;
  /** Energy above the minimum, zero point included. */
  readonly energy: number;
  readonly entropy: number;
  /** energy − T·entropy */
  readonly freeEnergy: number;
}

/**
 * Vibrational free energy of independent quantum oscillators; imaginary modes are left out.
 *   F = Σ [hν/2 + kT ln(1 − e^{−hν/kT})]
 * Source: McQuarrie, Statistical Mechanics, eqs. 11-30 to 11-33.
 * @param wavenumbers cm⁻¹ @param temperature K, may be 0
 */
export function harmonicEnergies(wavenumbers: readonly number[], temperature: number): HarmonicEnergies {
  const quanta = wavenumbers.filter((wave) => wave > 0).map((wave) => PLANCK * SPEED_OF_LIGHT * 100 * wave);
  const zeroPoint = quanta.reduce((sum, quantum) => sum + quantum / 2, 0);
  const kT = BOLTZMANN * temperature;
  let [energy, freeEnergy] = [zeroPoint, zeroPoint];
  if (temperature > 0) {
    for (const quantum of quanta) {
      energy += quantum / Math.expm1(quantum / kT);
      freeEnergy += kT * Math.log1p(-Math.exp(-quantum / kT));
    }
  }
  return { zeroPoint, energy, freeEnergy, entropy: temperature > 0 ? (energy - freeEnergy) / temperature : 0 };
}
