/** A crystal at rest: its lattice constant and its bulk modulus. */
import { coldCurve } from '../../analysis/cold-curve.ts';
import type { LatticeName } from '../../dynamics/structures/crystal.ts';
import { MltsError } from '../../errors.ts';
import { EV_PER_ANGSTROM3_IN_GPA } from '../../units.ts';
import type { MeasureContext, Measurement, Metric } from './metric.ts';

export interface LatticeSettings {
  /** Atomic number. */
  readonly number: number;
  readonly lattice: LatticeName;
  /** What it should be, Å. */
  readonly a: number;
  /** GPa */
  readonly modulus: number | undefined;
}

/** |Δa| in Å and |ΔB| in GPa; Infinity where the crystal has no minimum. */
export const lattice = (name: string, { number, lattice: kind, a, modulus }: LatticeSettings): Measurement => ({
  name,
  measure: async ({ potential, signal }: MeasureContext): Promise<readonly Metric[]> => {
    const found = await coldCurve(potential, number, kind, { signal }).catch((error) => {
      if (signal.aborted || !(error instanceof MltsError)) throw error;
      return undefined;
    });
    const off = (value: number | undefined, wanted: number) =>
      value === undefined ? Infinity : Math.abs(value - wanted);
    const bulk = found && found.modulus * EV_PER_ANGSTROM3_IN_GPA;
    return [
      { name: `${name}: lattice constant`, value: off(found?.a, a), unit: 'Å' },
      ...(modulus === undefined ? [] : [{ name: `${name}: bulk modulus`, value: off(bulk, modulus), unit: 'GPa' }]),
    ];
  },
});
