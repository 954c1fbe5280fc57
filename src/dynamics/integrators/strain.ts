/** Symmetric strains of a cell: their exponentials, and what they may not do. */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import type { CellFreedom } from '../minimise/coordinates.ts';

/** f(A) of a symmetric [3,3] matrix, by its eigenvalues. */
export function applied(a: ArrayLike<number>, f: (eigenvalue: number) => number): Float64Array {
  if (a[1] === 0 && a[2] === 0 && a[5] === 0) return Float64Array.of(f(a[0]), 0, 0, 0, f(a[4]), 0, 0, 0, f(a[8]));
  const rows = [0, 1, 2].map((i) => [a[3 * i], a[3 * i + 1], a[3 * i + 2]]);
  const { realEigenvalues, eigenvectorMatrix: v } = new EigenvalueDecomposition(new Matrix(rows), {
    assumeSymmetric: true,
  });
  const out = new Float64Array(9);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      for (let e = 0; e < 3; e++) out[3 * i + j] += v.get(i, e) * f(realEigenvalues[e]) * v.get(j, e);
    }
  }
  return out;
}

/** Keeps of a symmetric tensor what the cell is free to do, in place. */
export function restrict(tensor: Float64Array, freedom: CellFreedom): Float64Array {
  if (freedom === 'triclinic') return tensor;
  const mean = (tensor[0] + tensor[4] + tensor[8]) / 3;
  const diagonal = freedom === 'isotropic' ? [mean, mean, mean] : [tensor[0], tensor[4], tensor[8]];
  tensor.set([diagonal[0], 0, 0, 0, diagonal[1], 0, 0, 0, diagonal[2]]);
  return tensor;
}

/** Half the sum of a [3,3] matrix and its transpose. */
export function symmetric(m: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: 9 }, (_, k) => 0.5 * (m[k] + m[3 * (k % 3) + Math.floor(k / 3)]));
}
