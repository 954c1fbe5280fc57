/** Dense maps of HIP-NN and their residual wrapper, float64, one member at a time. docs/maths.md, eq. 20. */
import type { Affine } from '../../model/model.ts';

/** y += W x. @param weights [members, y, x] */
export function addProduct(weights: Float32Array, member: number, x: Float64Array, y: Float64Array): void {
  const start = member * x.length * y.length;
  for (let o = 0; o < y.length; o++) {
    let sum = 0;
    for (let i = 0; i < x.length; i++) sum += weights[start + o * x.length + i] * x[i];
    y[o] += sum;
  }
}

/** x += Wᵀ y. @param weights [members, y, x] */
export function addTransposed(weights: Float32Array, member: number, y: Float64Array, x: Float64Array): void {
  const start = member * x.length * y.length;
  for (let o = 0; o < y.length; o++)
    for (let i = 0; i < x.length; i++) x[i] += weights[start + o * x.length + i] * y[o];
}

/** W x + b. */
export function affine({ weights, biases }: Affine, member: number, x: Float64Array, outputs: number): Float64Array {
  const y = Float64Array.from(biases.subarray(member * outputs, (member + 1) * outputs));
  addProduct(weights, member, x, y);
  return y;
}

/** z += R softplus(y) + b_R, softplus(y) = ln(1 + e^y). */
export function addResidual(residual: Affine, member: number, y: Float64Array, z: Float64Array): void {
  const soft = y.map((value) => Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value))));
  const added = affine(residual, member, soft, z.length);
  for (let a = 0; a < z.length; a++) z[a] += added[a];
}

/** ∂E/∂y = softplus′(y) ⊙ (Rᵀ ∂E/∂z); softplus′ is the logistic function. */
export function residualSlope(residual: Affine, member: number, y: Float64Array, slope: Float64Array): Float64Array {
  const result = new Float64Array(y.length);
  addTransposed(residual.weights, member, slope, result);
  for (let a = 0; a < y.length; a++) result[a] /= 1 + Math.exp(-y[a]);
  return result;
}
