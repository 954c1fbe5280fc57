/** Two points close together on an energy surface, which turn into the direction of lowest curvature. Source: doi:10.1063/1.2815812, eqs. 5–10. */
import { dot } from '../../dynamics/minimise/minimiser.ts';

/** Between the two points, Å. */
export const REACH = 0.01;

/** Trial angles below which nothing is left to turn. */
const SETTLED = 1e-3;

/** What moves no atom against another: shifts, and turns of what is not periodic. */
export type Rigid = 'shifts' | 'shifts and turns';

/** N·H·N, eV/Å², from forces at the centre and at the tip. */
export const curvatureOf = (mode: Float64Array, centre: Float64Array, tip: Float64Array): number =>
  (dot(centre, mode) - dot(tip, mode)) / REACH;

export const rotated = (mode: Float64Array, towards: Float64Array, angle: number): Float64Array =>
  mode.map((n, k) => Math.cos(angle) * n + Math.sin(angle) * towards[k]);

export interface Turn {
  readonly curvature: number;
  /** ∂C/∂φ, never above 0. */
  readonly slope: number;
  readonly towards: Float64Array;
  readonly angle: number;
  readonly trial: Float64Array;
}

/** Down the curvature, by the angle at which it would be least were its mean not known. */
export function turnOf(
  mode: Float64Array,
  centre: Float64Array,
  tip: Float64Array,
  x: Float64Array,
  rigid: Rigid,
): Turn {
  const curvature = curvatureOf(mode, centre, tip);
  const across = tip.map((f, k) => f - centre[k] + REACH * curvature * mode[k]);
  const pull = internal(across, x, rigid, false);
  const size = Math.sqrt(dot(pull, pull)) || 1;
  const towards = pull.map((p) => p / size);
  const slope = (-2 * size) / REACH;
  const angle = 0.5 * Math.atan(-slope / (2 * Math.abs(curvature)));
  return { curvature, slope, towards, angle, trial: rotated(mode, towards, angle) };
}

/** C(φ) = a₀/2 + a₁ cos 2φ + b₁ sin 2φ through the values at 0 and at the trial angle: where it is least. */
export function bestAngle({ curvature, slope, angle }: Turn, trial: number): { angle: number; curvature: number } {
  // It is there: what is left is the noise of the forces.
  if (angle < SETTLED) return { angle: 0, curvature };
  const b = slope / 2;
  const a = (curvature - trial + b * Math.sin(2 * angle)) / (1 - Math.cos(2 * angle));
  const at = (phi: number) => curvature - a + a * Math.cos(2 * phi) + b * Math.sin(2 * phi);
  const extremum = 0.5 * Math.atan(b / a);
  const best = at(extremum) <= curvature ? extremum : extremum + Math.PI / 2;
  return { angle: best, curvature: at(best) };
}

/** A direction without what moves nothing against anything: shifts, and turns of what is not periodic; of length 1 unless told. */
export function internal(direction: Float64Array, x: Float64Array, rigid: Rigid, unit = true): Float64Array {
  const n = x.length / 3;
  const mean = [0, 1, 2].map((axis) => x.reduce((sum, r, k) => (k % 3 === axis ? sum + r / n : sum), 0));
  const shifts = [0, 1, 2].map((axis) => x.map((_, k) => (k % 3 === axis ? 1 : 0)));
  const turns = [0, 1, 2].map((axis) => {
    const [u, v] = [(axis + 1) % 3, (axis + 2) % 3];
    const arm = (k: number, other: number) => x[k - (k % 3) + other] - mean[other];
    return x.map((_, k) => (k % 3 === u ? -arm(k, v) : k % 3 === v ? arm(k, u) : 0));
  });
  const basis: Float64Array[] = [];
  const without = (vector: Float64Array) =>
    basis.reduce((left, one) => {
      const part = dot(left, one);
      return left.map((value, k) => value - part * one[k]);
    }, vector);
  for (const vector of rigid === 'shifts' ? shifts : [...shifts, ...turns]) {
    const left = without(vector);
    const size = Math.sqrt(dot(left, left));
    if (size > 1e-6) basis.push(left.map((value) => value / size));
  }
  const left = without(direction);
  const size = unit ? Math.sqrt(dot(left, left)) || 1 : 1;
  return left.map((value) => value / size);
}
