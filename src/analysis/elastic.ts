/** Elastic constants from stresses of strained crystals. */
import { EigenvalueDecomposition, inverse as invert, Matrix } from 'ml-matrix';
import { product } from '../dynamics/minimise/coordinates.ts';
import { relax } from '../dynamics/minimise/relax.ts';
import { determinant } from '../engine/cell.ts';
import type { Potential, Result, System } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { type Compute, converged, results, systemOf } from './evaluate.ts';

export interface ElasticOptions extends Compute {
  /** Strain; half of it is applied too. Default 0.01. */
  readonly strain?: number | undefined;
  /** Hold the fractional positions while straining: the unrelaxed constants. */
  readonly clamped?: boolean | undefined;
}

export interface Elastic {
  /** The crystal at zero stress. */
  readonly system: System & { readonly cell: Float64Array };
  /** [6][6] eV/Å³, Voigt order xx yy zz yz xz xy, engineering shears, symmetric. */
  readonly constants: readonly (readonly number[])[];
  /** Largest difference between the two strains' constants and their limit, and of C_ij and C_ji, eV/Å³. */
  readonly uncertainty: number;
  /** eV/Å³: means of Voigt (equal strain) and Reuss (equal stress), after Hill. */
  readonly bulk: Moduli;
  readonly shear: Moduli;
  readonly young: number;
  readonly poisson: number;
  /** Smallest eigenvalue of C in Kelvin's notation, eV/Å³, the same however the crystal is turned: below 0 it is not stable. */
  readonly stability: number;
}

interface Moduli {
  readonly voigt: number;
  readonly reuss: number;
  readonly hill: number;
}

/** xx yy zz yz xz xy as places in a row-major matrix. */
const VOIGT = [0, 4, 8, 5, 2, 1] as const;

/** Forces and stress that are left at rest and in strained cells, eV/Å and eV/Å³. */
const [FORCE, STRESS] = [1e-4, 1e-6];

/**
 * C_ij = dσ_i/dε_j by central differences of two strains, extrapolated to none: (4C(ε/2) − C(ε))/3; atoms relax in each strained
 * cell. All strained cells are one batch. Moduli: Hill, doi:10.1088/0370-1298/65/5/307; stability: C positive definite,
 * doi:10.1103/PhysRevB.90.224104.
 * @throws MltsError E_CELL for what is no crystal, E_LIMIT where it does not relax
 */
export async function elasticConstants(
  potential: Potential,
  crystal: System,
  options: ElasticOptions = {},
): Promise<Elastic> {
  const { strain = 0.01, clamped = false, signal } = options;
  const tight = { fmax: FORCE, precision: 'double', signal } as const;
  const [found] = await relax(potential, [systemOf(crystal)], { ...tight, cell: 'triclinic', smax: STRESS });
  const { system } = converged(found, 'the crystal');
  const rest = { ...systemOf(system), cell: system.cell! };
  const sizes = [strain, strain / 2];
  const strained = VOIGT.flatMap((place) =>
    sizes.flatMap((size) => [strainedBy(rest, place, size), strainedBy(rest, place, -size)]),
  );
  const relaxed = clamped
    ? strained
    : (await relax(potential, strained, tight)).map((outcome) => converged(outcome, 'a strained cell').system);
  const evaluated = await results(potential, relaxed.map(systemOf), ['virial'], options);
  const stresses = evaluated.map((result, i) => stressOf(result, relaxed[i].cell!));
  // Column j of C from the strains along j.
  const columns = sizes.map((size, s) =>
    VOIGT.map((_, j) => {
      const [up, down] = [stresses[4 * j + 2 * s], stresses[4 * j + 2 * s + 1]];
      return up.map((value, i) => (value - down[i]) / (2 * size));
    }),
  );
  const limit = columns[1].map((column, j) => column.map((value, i) => (4 * value - columns[0][j][i]) / 3));
  let uncertainty = 0;
  for (let i = 0; i < 6; i++) {
    for (let j = 0; j < 6; j++) {
      const [step, skew] = [Math.abs(columns[1][j][i] - limit[j][i]), Math.abs(limit[j][i] - limit[i][j])];
      uncertainty = Math.max(uncertainty, step, skew / 2);
    }
  }
  const constants = limit.map((column, j) => column.map((value, i) => (value + limit[i][j]) / 2));
  return { system: rest, constants, uncertainty, ...moduli(constants) };
}

/** r and cell times 1 + ε; a shear of engineering size γ is γ/2 on both sides. */
function strainedBy(system: System & { cell: Float64Array }, place: number, size: number): System {
  const deformation = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  const mirrored = 3 * (place % 3) + Math.floor(place / 3);
  if (place === mirrored) deformation[place] += size;
  else for (const at of [place, mirrored]) deformation[at] += size / 2;
  return {
    ...system,
    positions: product(system.positions, deformation),
    cell: product(system.cell, deformation),
  };
}

/** σ = −W/V in Voigt order, eV/Å³. */
function stressOf({ virial }: Result, cell: Float64Array): number[] {
  const volume = determinant(cell);
  return VOIGT.map((place) => -virial![place] / volume);
}

function moduli(c: readonly (readonly number[])[]) {
  const matrix = new Matrix(c.map((row) => [...row]));
  // Shears count √2 in Kelvin's notation, where stress and strain are vectors and C turns as a tensor does.
  const kelvin = new Matrix(
    c.map((row, i) => row.map((value, j) => value * (i < 3 ? 1 : Math.SQRT2) * (j < 3 ? 1 : Math.SQRT2))),
  );
  const { realEigenvalues } = new EigenvalueDecomposition(kelvin, { assumeSymmetric: true });
  const stability = Math.min(...realEigenvalues);
  if (!realEigenvalues.every((value) => Math.abs(value) > 1e-9)) {
    throw new MltsError(
      'E_CELL',
      'the crystal has no stiffness along a strain',
      'Give a crystal, not a gas or a layer.',
    );
  }
  const s = invert(matrix).to2DArray();
  const diagonal = (m: readonly (readonly number[])[], from: number) =>
    m[from][from] + m[from + 1][from + 1] + m[from + 2][from + 2];
  const off = (m: readonly (readonly number[])[]) => m[0][1] + m[0][2] + m[1][2];
  const bulk = hill((diagonal(c, 0) + 2 * off(c)) / 9, 1 / (diagonal(s, 0) + 2 * off(s)));
  const shear = hill(
    (diagonal(c, 0) - off(c) + 3 * diagonal(c, 3)) / 15,
    15 / (4 * diagonal(s, 0) - 4 * off(s) + 3 * diagonal(s, 3)),
  );
  return {
    bulk,
    shear,
    young: (9 * bulk.hill * shear.hill) / (3 * bulk.hill + shear.hill),
    poisson: (3 * bulk.hill - 2 * shear.hill) / (2 * (3 * bulk.hill + shear.hill)),
    stability,
  };
}

const hill = (voigt: number, reuss: number): Moduli => ({ voigt, reuss, hill: (voigt + reuss) / 2 });

/** C11, C12 and C44 where the matrix is cubic within a part in a hundred of C11; otherwise undefined. */
export function cubicConstants(
  c: readonly (readonly number[])[],
): { c11: number; c12: number; c44: number } | undefined {
  const c11 = (c[0][0] + c[1][1] + c[2][2]) / 3;
  const c12 = (c[0][1] + c[0][2] + c[1][2]) / 3;
  const c44 = (c[3][3] + c[4][4] + c[5][5]) / 3;
  const ideal = (i: number, j: number) => (i === j ? (i < 3 ? c11 : c44) : i < 3 && j < 3 ? c12 : 0);
  const isCubic = c.every((row, i) => row.every((value, j) => Math.abs(value - ideal(i, j)) < 0.01 * Math.abs(c11)));
  return isCubic ? { c11, c12, c44 } : undefined;
}
