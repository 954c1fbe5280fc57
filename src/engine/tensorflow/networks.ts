/** The networks of one element on the device, all members: energies and their gradient. docs/maths.md, eq. 14. */
import type { ElementNetwork } from '../../model/model.ts';
import type { Tensor, TensorFlow } from './operations.ts';

/** Column sets whose first layers are kept. */
const KEPT = 8;

/**
 * Weights are uploaded once. Activations are kept as h/α, so that CELU_α is one ELU: the first layer is divided by α, the
 * last one multiplied by it, biases between are divided.
 */
export class DeviceNetworks {
  readonly #tf: TensorFlow;
  readonly #members: number;
  readonly #columns: number;
  /** [M·N₁, columns]: all members side by side, so that the layer is one product. */
  readonly #first: Tensor;
  /** [1, M·N₁] */
  readonly #firstBias: Tensor;
  /** [M, N_l, N_{l+1}] and [M, 1, N_{l+1}] */
  readonly #others: readonly { readonly weights: Tensor; readonly biases: Tensor }[];
  /** First layers without the columns of absent elements, by those that are left. */
  readonly #selected = new Map<string, Tensor>();

  constructor(tf: TensorFlow, { layers }: ElementNetwork, members: number, alpha: number) {
    this.#tf = tf;
    this.#members = members;
    const top = layers.length - 1;
    const upload = (values: Float32Array, factor: number, shape: readonly number[]) =>
      tf.keep(tf.tensor(factor === 1 ? values : values.map((x) => x * factor), shape, 'float32'));
    const [{ inputs, outputs, weights, biases }] = layers;
    this.#columns = inputs;
    this.#first = upload(weights, top === 0 ? 1 : 1 / alpha, [members * outputs, inputs]);
    this.#firstBias = upload(biases, top === 0 ? 1 : 1 / alpha, [1, members * outputs]);
    this.#others = layers.slice(1).map((layer, index) => {
      const isLast = index + 1 === top;
      const stacked = tf.tidy(() => {
        const rows = tf.tensor(layer.weights, [members, layer.outputs, layer.inputs], 'float32');
        return tf.keep(tf.transpose(isLast ? rows.mul(alpha) : rows, [0, 2, 1]));
      });
      return { weights: stacked, biases: upload(layer.biases, isLast ? 1 : 1 / alpha, [members, 1, layer.outputs]) };
    });
  }

  /** Of weights on the device. */
  get bytes(): number {
    const others = this.#others.flatMap(({ weights, biases }) => [weights, biases]);
    const all = [this.#first, this.#firstBias, ...others, ...this.#selected.values()];
    return 4 * all.reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Energies in the network's own unit, and their gradient with respect to G where it is wanted.
   * @param G [rows, columns]
   * @param gradient of each member, of the mean, or none
   * @param scale of the gradient
   * @returns energies [M, rows], gradient [M or 1, rows, columns]
   */
  run(
    G: Tensor,
    columns: Int32Array,
    gradient: 'members' | 'mean' | 'none',
    scale: number,
  ): { readonly energies: Tensor; readonly gradient: Tensor | undefined } {
    const tf = this.#tf;
    const M = this.#members;
    const rows = G.shape[0];
    const first = this.#select(columns);
    const width = first.shape[0] / M;
    let h = tf.matMul(G, first, false, true).add(this.#firstBias);
    if (this.#others.length > 0) h = tf.elu(h);
    h = tf.transpose(h.reshape([rows, M, width]), [1, 0, 2]);
    const activations = [h];
    for (const [index, { weights, biases }] of this.#others.entries()) {
      h = tf.matMul(h, weights).add(biases);
      if (index < this.#others.length - 1) h = tf.elu(h);
      activations.push(h);
    }
    const energies = h.reshape([M, rows]);
    if (gradient === 'none') return { energies, gradient: undefined };

    let slope = tf.ones([M, rows, 1]).mul(gradient === 'mean' ? scale / M : scale);
    for (let l = this.#others.length - 1; l >= 0; l--) {
      // CELU′ from its output: 1 where that is positive, else h/α + 1.
      const derivative = tf.minimum(activations[l], 0).add(1);
      slope = tf.matMul(slope, this.#others[l].weights, false, true).mul(derivative);
    }
    if (gradient === 'members') return { energies, gradient: tf.matMul(slope, first.reshape([M, width, -1])) };
    const joined = tf.transpose(slope, [1, 0, 2]).reshape([rows, M * width]);
    return { energies, gradient: tf.matMul(joined, first).reshape([1, rows, -1]) };
  }

  close(): void {
    const others = this.#others.flatMap(({ weights, biases }) => [weights, biases]);
    this.#tf.dispose([this.#first, this.#firstBias, ...others, ...this.#selected.values()]);
  }

  #select(columns: Int32Array): Tensor {
    if (columns.length === this.#columns) return this.#first;
    const key = columns.join();
    let found = this.#selected.get(key);
    if (found === undefined) {
      const tf = this.#tf;
      found = tf.keep(tf.gather(this.#first, tf.tensor(columns, [columns.length], 'int32'), 1));
      const oldest = this.#selected.keys().next().value;
      if (this.#selected.size === KEPT && oldest !== undefined) {
        this.#selected.get(oldest)?.dispose();
        this.#selected.delete(oldest);
      }
    } else this.#selected.delete(key);
    this.#selected.set(key, found);
    return found;
  }
}
