/** What analyses ask of a potential. */
import type { Outcome, Potential, Result, System, Want } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';

export interface Compute {
  readonly signal?: AbortSignal | undefined;
}

/** Double: properties are differences of large energies, and few systems make them. */
export function outcomes(
  potential: Potential,
  systems: readonly System[],
  want: readonly Want[],
  { signal }: Compute = {},
): Promise<Outcome[]> {
  return potential.evaluate(systems, new Set(want), { precision: 'double', ...(signal && { signal }) });
}

/** As `outcomes`. @throws MltsError the first fault of a system */
export async function results(
  potential: Potential,
  systems: readonly System[],
  want: readonly Want[],
  compute: Compute = {},
): Promise<Result[]> {
  return (await outcomes(potential, systems, want, compute)).map(unfailed);
}

/** @throws MltsError where the outcome is one */
export function unfailed<T>(outcome: T | MltsError): T {
  if (outcome instanceof MltsError) throw outcome;
  return outcome;
}

/** @throws MltsError E_LIMIT where a minimiser gave up */
export function converged<T extends { converged: boolean; steps: number; fmax: number }>(
  outcome: T | MltsError,
  what: string,
): T {
  const relaxed = unfailed(outcome);
  if (relaxed.converged) return relaxed;
  throw new MltsError(
    'E_LIMIT',
    `${what} is not relaxed after ${relaxed.steps} steps: the largest force is ${relaxed.fmax.toPrecision(3)} eV/Å`,
    'Begin nearer to the minimum.',
  );
}

/** Only what a potential reads. */
export const systemOf = ({ numbers, positions, cell, pbc }: System): System => ({ numbers, positions, cell, pbc });

/** A potential whose results are changed on their way out; trajectories and all else are the other's. */
export function adjusted(potential: Potential, change: (result: Result, system: System) => Result): Potential {
  return {
    backend: potential.backend,
    model: potential.model,
    evaluate: async (batch, want, options) =>
      (await potential.evaluate(batch, want, options)).map((outcome, i) =>
        outcome instanceof MltsError ? outcome : change(outcome, batch[i]),
      ),
    createTrajectory: () => potential.createTrajectory(),
    memoryBytes: () => potential.memoryBytes(),
    close: () => potential.close(),
  };
}

/** Standard deviation of a quantity over the members, ddof 1; 0 for one member. */
export function spread(values: ArrayLike<number>): number {
  const n = values.length;
  if (n < 2) return 0;
  const mean = Array.prototype.reduce.call(
    values,
    (sum, value) => (sum as number) + (value as number) / n,
    0,
  ) as number;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i] - mean) ** 2;
  return Math.sqrt(squares / (n - 1));
}
