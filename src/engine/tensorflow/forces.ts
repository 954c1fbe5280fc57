/** Forces and virials from the gradients of pairs, on the device. docs/maths.md, eq. 15. */
import type { Tensor, TensorFlow } from './operations.ts';

export interface Ends {
  /** [P,3] Å */
  readonly vectors: Tensor;
  /** [P] atom at the centre and at the end of D; `atoms` for padding. */
  readonly centres: Tensor;
  readonly neighbours: Tensor;
  readonly atoms: number;
}

/**
 * F_j −= v_D, F_i += v_D and, where wanted, W_j −= D ⊗ v_D of the members' mean.
 * @param v [P, count, 3] eV/Å
 * @returns [(atoms + 1) · count · 3], [(atoms + 1) · 9]: the last atom is what padding adds
 */
export function forcesOf(tf: TensorFlow, ends: Ends, v: Tensor, virials: boolean): Tensor[] {
  const { vectors, centres, neighbours, atoms } = ends;
  const count = v.shape[1];
  const flat = v.reshape([-1, 3 * count]);
  const own = tf.unsortedSegmentSum(flat, centres, atoms + 1);
  const forces = own.sub(tf.unsortedSegmentSum(flat, neighbours, atoms + 1)).reshape([-1]);
  if (!virials) return [forces];
  const mean = tf.sum(v, 1).mul(-1 / count);
  const terms = vectors
    .reshape([-1, 3, 1])
    .mul(mean.reshape([-1, 1, 3]))
    .reshape([-1, 9]);
  return [forces, tf.unsortedSegmentSum(terms, neighbours, atoms + 1).reshape([-1])];
}
