/** Least squares. */
import { Matrix, QrDecomposition, SingularValueDecomposition } from 'ml-matrix';

/** Coefficients c₀ … c_degree of the polynomial nearest to the points. */
export function polynomial(x: readonly number[], y: readonly number[], degree: number): number[] {
  const design = new Matrix(x.map((value) => Array.from({ length: degree + 1 }, (_, power) => value ** power)));
  return new QrDecomposition(design).solve(Matrix.columnVector([...y])).to1DArray();
}

/** Σ c_k x^k and its derivatives with respect to x: value, first, second, third. */
export function derivatives(coefficients: readonly number[], x: number): [number, number, number, number] {
  const at: [number, number, number, number] = [0, 0, 0, 0];
  for (let order = 0; order < 4; order++) {
    for (let k = order; k < coefficients.length; k++) {
      let factor = coefficients[k];
      for (let step = 0; step < order; step++) factor *= k - step;
      at[order] += factor * x ** (k - order);
    }
  }
  return at;
}

/** Where a polynomial has its lowest minimum inside [low, high]; undefined where it has none there. */
export function minimumOf(coefficients: readonly number[], low: number, high: number): number | undefined {
  const steps = 400;
  const at = (i: number) => low + ((high - low) * i) / steps;
  const value = (x: number) => derivatives(coefficients, x)[0];
  let best: number | undefined;
  for (let i = 1; i < steps; i++) {
    if (value(at(i)) > value(at(i - 1)) || value(at(i)) > value(at(i + 1))) continue;
    if (best === undefined || value(at(i)) < value(best)) best = at(i);
  }
  for (let step = 0; best !== undefined && step < 20; step++) {
    const [, slope, curvature] = derivatives(coefficients, best);
    if (!(curvature > 0)) break;
    best -= slope / curvature;
  }
  return best;
}

const MAX_STEPS = 200;

/**
 * Parameters of a model nearest to the points, by Levenberg's and Marquardt's damped least squares with derivatives by central differences.
 * Source: Nocedal and Wright, Numerical Optimization, 2nd ed., §10.3.
 * @param start near the solution; its entries set the scale of the differences
 */
export function levenbergMarquardt(
  model: (x: number, parameters: readonly number[]) => number,
  x: readonly number[],
  y: readonly number[],
  start: readonly number[],
): number[] {
  let at = [...start];
  const residuals = (p: readonly number[]) => x.map((value, i) => y[i] - model(value, p));
  const cost = (r: readonly number[]) => r.reduce((sum, value) => sum + value * value, 0);
  let damping = 1e-3;
  let rest = residuals(at);
  for (let step = 0; step < MAX_STEPS; step++) {
    const scale = at.map((value) => Math.max(Math.abs(value), 1e-6));
    // Columns in units of each parameter's size, so that one damping fits all.
    const jacobian = new Matrix(
      x.map((value) =>
        at.map((_, k) => {
          const moved = (by: number) => at.map((p, m) => (m === k ? p + by * scale[k] : p));
          return (model(value, moved(1e-5)) - model(value, moved(-1e-5))) / 2e-5;
        }),
      ),
    );
    // Of length 1 besides (Marquardt): a parameter that the points hardly feel is not lost below the rounding of another.
    const norms = at.map((_, k) => jacobian.getColumnVector(k).norm() || 1);
    const columns = jacobian.divRowVector(norms);
    const normal = columns.transpose().mmul(columns);
    const pull = columns.transpose().mmul(Matrix.columnVector(rest));
    for (let k = 0; k < at.length; k++) normal.set(k, k, normal.get(k, k) * (1 + damping) + 1e-300);
    const move = new SingularValueDecomposition(normal, { autoTranspose: true })
      .solve(pull)
      .to1DArray()
      .map((value, k) => value / norms[k]);
    const next = at.map((value, k) => value + move[k] * scale[k]);
    const after = residuals(next);
    if (cost(after) <= cost(rest)) {
      [at, rest, damping] = [next, after, damping / 10];
      if (move.every((value) => Math.abs(value) < 1e-12)) break;
    } else {
      damping *= 10;
      if (damping > 1e12) break;
    }
  }
  return at;
}
