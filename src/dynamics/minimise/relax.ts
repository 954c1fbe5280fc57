/** Structures to their nearest minimum, many at once: one evaluation a step for all that are not there yet. */
import { determinant } from '../../engine/cell.ts';
import type { Potential, Precision, Result, System, Trajectory, Want } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';
import { AtomCoordinates, CellCoordinates, type CellFreedom, type Coordinates } from './coordinates.ts';
import { Fire } from './fire.ts';
import { Lbfgs } from './lbfgs.ts';
import type { Minimiser } from './minimiser.ts';

export const MINIMISERS = ['lbfgs', 'fire'] as const;
export type MinimiserName = (typeof MINIMISERS)[number];

export interface RelaxOptions {
  /** Default lbfgs. */
  readonly minimiser?: MinimiserName | undefined;
  /** Largest force on an atom that counts as relaxed, eV/Å; default 0.01. */
  readonly fmax?: number | undefined;
  /** Let the cell relax too. */
  readonly cell?: CellFreedom | undefined;
  /** Pressure on the cell, eV/Å³; default 0. */
  readonly pressure?: number | undefined;
  /** Largest component of stress + pressure that counts as relaxed, eV/Å³; default 1e-4 (0.016 GPa). */
  readonly smax?: number | undefined;
  /** Default 2000. */
  readonly maxSteps?: number | undefined;
  /** Atoms that do not move. */
  readonly fixed?: readonly number[] | undefined;
  readonly precision?: Precision | undefined;
  /** Ends the search after the evaluation under way; what still moves is returned as it is, not converged. */
  readonly signal?: AbortSignal | undefined;
  /** Told after each evaluation. */
  readonly onStep?: ((step: RelaxStep) => void) | undefined;
}

export interface RelaxStep {
  readonly step: number;
  /** Systems that still move. */
  readonly moving: number;
  /** Largest force on an atom of any of them, eV/Å. */
  readonly fmax: number;
  /** Energy of the first of them, eV. */
  readonly energy: number;
}

export interface Relaxed {
  readonly system: System;
  /** Energy, forces and σ there, the virial where the cell was free. */
  readonly result: Result;
  /** Largest force on an atom that may move, eV/Å. */
  readonly fmax: number;
  /** Largest component of stress + pressure along what may strain, eV/Å³; 0 where the cell was held. */
  readonly smax: number;
  readonly steps: number;
  readonly converged: boolean;
}

interface Walker {
  readonly coordinates: Coordinates;
  readonly minimiser: Minimiser;
  readonly trajectory: Trajectory;
  readonly x: Float64Array;
  /** Where it was evaluated last. */
  last: Float64Array | undefined;
}

/**
 * The minimum below each system, in their order; a fault of one is that one's outcome.
 * @throws MltsError E_CELL where a cell should relax that is none, E_USAGE for atoms to hold that are none
 */
export async function relax(
  potential: Potential,
  systems: readonly System[],
  options: RelaxOptions = {},
): Promise<(Relaxed | MltsError)[]> {
  const { fmax = 0.01, smax = 1e-4, maxSteps = 2000, precision = 'single', signal, onStep } = options;
  const want = new Set<Want>(options.cell === undefined ? ['forces', 'sigma'] : ['forces', 'sigma', 'virial']);
  const done = new Array<Relaxed | MltsError>(systems.length);
  const walkers = new Map<number, Walker>();
  try {
    for (const [i, system] of systems.entries()) walkers.set(i, walkerOf(potential, system, options));
    for (let step = 0; walkers.size > 0; step++) {
      const moving = [...walkers];
      const at = moving.map(([, { coordinates, x, trajectory }]) => ({ ...coordinates.at(x), trajectory }));
      const outcomes = await potential.evaluate(at, want, { precision });
      let [worst, energy] = [0, Number.NaN];
      for (const [k, [i, walker]] of moving.entries()) {
        const outcome = outcomes[k];
        if (outcome instanceof MltsError) {
          if (outcome.code === 'E_OVERLAP' && walker.last !== undefined && step < maxSteps && !signal?.aborted) {
            retreat(walker.x, walker.last);
            continue;
          }
          done[i] = outcome;
        } else {
          const forces = walker.coordinates.forces(walker.x, outcome);
          const { trajectory: _, ...system } = at[k];
          const rest = residual(forces, system);
          if (Number.isNaN(energy)) energy = outcome.energy;
          worst = Math.max(worst, rest.fmax);
          const converged = rest.fmax <= fmax && rest.smax <= smax;
          if (!converged && step < maxSteps && !signal?.aborted) {
            walker.last = walker.x.slice();
            walker.minimiser.step(walker.x, forces);
            continue;
          }
          done[i] = { system, result: outcome, ...rest, steps: step, converged };
        }
        walker.trajectory.close();
        walkers.delete(i);
      }
      onStep?.({ step, moving: moving.length, fmax: worst, energy });
    }
    return done;
  } finally {
    for (const { trajectory } of walkers.values()) trajectory.close();
  }
}

/**
 * What of a system relaxes.
 * @throws MltsError E_CELL for a cell that is none, E_USAGE for an atom to hold that is none
 */
export function coordinatesOf(system: System, { cell, pressure, fixed = [] }: RelaxOptions): Coordinates {
  const beyond = fixed.find((atom) => atom >= system.numbers.length);
  if (beyond !== undefined) {
    const what = `atom ${beyond} is to be fixed, there are atoms 0 to ${system.numbers.length - 1}`;
    throw new MltsError('E_USAGE', what, 'Correct the list.');
  }
  return cell === undefined ? new AtomCoordinates(system, fixed) : new CellCoordinates(system, cell, pressure, fixed);
}

function walkerOf(potential: Potential, system: System, options: RelaxOptions): Walker {
  const coordinates = coordinatesOf(system, options);
  const x = coordinates.of(system);
  return {
    coordinates,
    minimiser: options.minimiser === 'fire' ? new Fire(x.length) : new Lbfgs(),
    trajectory: potential.createTrajectory(),
    x,
    last: undefined,
  };
}

/** Half of a step that ran atoms into each other is taken back. */
function retreat(x: Float64Array, last: Float64Array): void {
  for (let i = 0; i < x.length; i++) x[i] = (x[i] + last[i]) / 2;
}

/** What is left of forces and stress; the rows behind the atoms are those of the cell. */
function residual(forces: Float64Array, { numbers, cell }: System): { fmax: number; smax: number } {
  const n = numbers.length;
  const largest = largestRow(forces.subarray(0, 3 * n));
  if (forces.length === 3 * n) return { fmax: largest, smax: 0 };
  const work = forces.subarray(3 * n).reduce((most, component) => Math.max(most, Math.abs(component)), 0);
  return { fmax: largest, smax: (work * Math.sqrt(n)) / determinant(cell!) };
}

/** The longest row of three. */
export function largestRow(rows: Float64Array): number {
  let most = 0;
  for (let i = 0; i < rows.length; i += 3) most = Math.max(most, Math.hypot(rows[i], rows[i + 1], rows[i + 2]));
  return most;
}
