/** Energy of any crystal against its volume. */
import { relax } from '../dynamics/minimise/relax.ts';
import { determinant } from '../engine/cell.ts';
import type { Potential, System } from '../engine/potential.ts';
import { type ColdCurveOptions, scale } from './cold-curve.ts';
import { type EquationOfState, fitEquation } from './equation-of-state.ts';
import { converged, results, systemOf } from './evaluate.ts';

export interface VolumeCurve {
  /** Per atom. */
  readonly state: EquationOfState;
  /** Volume (Å³) and energy (eV) per atom. */
  readonly points: readonly { readonly volume: number; readonly energy: number }[];
}

/**
 * The cell scaled alike along all directions around its present volume; all volumes are one batch.
 * @param options `relax`: let the atoms of each cell relax, otherwise their fractional positions are kept
 * @throws MltsError E_USAGE where the range holds no minimum
 */
export async function volumeCurve(
  potential: Potential,
  system: System & { readonly cell: Float64Array },
  options: ColdCurveOptions & { readonly relax?: boolean | undefined } = {},
): Promise<VolumeCurve> {
  const { equation = 'birch-murnaghan', range = 0.05, points = 11, signal } = options;
  const n = system.numbers.length;
  const factors = Array.from({ length: points }, (_, i) => 1 - range + (2 * range * i) / (points - 1));
  const scaled = factors.map((factor) => scale(system, Math.cbrt(factor)));
  const settled = options.relax
    ? (await relax(potential, scaled, { fmax: 1e-3, precision: 'double', signal })).map(
        (outcome, i) => converged(outcome, `the cell of ${factors[i].toFixed(3)} volumes`).system,
      )
    : scaled;
  const evaluated = await results(potential, settled.map(systemOf), [], options);
  const rest = determinant(system.cell) / n;
  const curve = factors.map((factor, i) => ({ volume: factor * rest, energy: evaluated[i].energy / n }));
  const [volumes, energies] = [curve.map(({ volume }) => volume), curve.map(({ energy }) => energy)];
  return { state: fitEquation(equation, volumes, energies), points: curve };
}
