/** One member of a HIP-NN on the device: weights, and the energies of all atoms by order. docs/maths.md, eq. 17–21. */
import type { Affine, HipnnBlock, HipnnModel } from '../../model/model.ts';
import { SLOT } from './buckets.ts';
import type { Tensor, TensorFlow } from './operations.ts';

/** A graph on the device, but for its vectors. */
export interface Nodes {
  readonly count: number;
  readonly elements: Tensor;
  /** [P,1] 1, or 0 for padding */
  readonly real: Tensor;
  readonly slotCentres: Tensor;
  readonly neighbours: Tensor;
}

/** x → x Wᵀ + b, as [inputs, outputs] and [1, outputs]. */
interface Dense {
  readonly weights: Tensor;
  readonly biases: Tensor;
}

interface Block {
  /** [1, sensitivities] −½ σ² and 1/μ */
  readonly widths: Tensor;
  readonly centres: Tensor;
  /** [sensitivities · inputs, features] */
  readonly interaction: Tensor;
  readonly self: Dense;
  readonly vectorScales: Tensor | undefined;
  readonly quadraticScales: Tensor | undefined;
  readonly residual: Dense;
  readonly adjust: Tensor | undefined;
  readonly atomLayers: readonly (Dense & { readonly residual: Dense })[];
  readonly head: Dense;
}

/** Components of the environments by order. */
const COMPONENTS = [1, 4, 9] as const;
/** Under the roots: smaller sums have the derivative 0, and a root of 0 none. */
const TINY = 1e-30;

export class HipnnLayers {
  readonly #tf: TensorFlow;
  readonly #model: HipnnModel;
  readonly #blocks: readonly Block[];
  readonly #held: Tensor[] = [];
  /** [elements, elements] */
  readonly #oneHot: Tensor;

  constructor(tf: TensorFlow, model: HipnnModel, member: number) {
    this.#tf = tf;
    this.#model = model;
    this.#blocks = model.blocks.map((block, n) => this.#upload(block, model.heads[n], member));
    const S = model.elements.length;
    const identity = Float32Array.from({ length: S * S }, (_, k) => (k % (S + 1) === 0 ? 1 : 0));
    this.#oneHot = this.#hold(tf.tensor(identity, [S, S], 'float32'));
  }

  get bytes(): number {
    return 4 * this.#held.reduce((sum, { size }) => sum + size, 0);
  }

  close(): void {
    this.#tf.dispose(this.#held);
  }

  /**
   * Energies of the orders 1, 2 … in the file's own unit.
   * @param vectors [P,3] Å
   * @returns [N, orders]
   */
  energies(vectors: Tensor, nodes: Nodes): Tensor {
    const tf = this.#tf;
    const r = tf.sqrt(tf.sum(tf.square(vectors), 1)).reshape([-1, 1]);
    const directions = this.#directions(vectors.div(r));
    const envelope = tf
      .cos(r.mul(Math.PI / this.#model.cutoff))
      .add(1)
      .mul(0.5)
      .mul(nodes.real);
    const inverse = tf.ones(r.shape).div(r);
    let z = tf.gather(this.#oneHot, nodes.elements);
    const energies: Tensor[] = [];
    for (const block of this.#blocks) {
      const s = tf.exp(tf.square(inverse.sub(block.centres)).mul(block.widths)).mul(envelope); // (17)
      z = this.#block(block, z, this.#weights(directions, s), nodes);
      energies.push(dense(tf, block.head, z));
    }
    return tf.concat(energies, 1);
  }

  /** A_c s_ν of every pair, by slots: [S, 8, components · sensitivities]. */
  #weights(directions: Tensor, s: Tensor): Tensor {
    const [P, C] = directions.shape;
    const V = s.shape[1];
    return directions
      .reshape([P, C, 1])
      .mul(s.reshape([P, 1, V]))
      .reshape([-1, SLOT, C * V]);
  }

  #block(block: Block, z: Tensor, weights: Tensor, nodes: Nodes): Tensor {
    const tf = this.#tf;
    const inputs = z.shape[1];
    const C = COMPONENTS[this.#model.order];
    const zj = tf.gather(z, nodes.neighbours).reshape([-1, SLOT, inputs]);
    const slots = tf.matMul(weights, zj, true).reshape([-1, weights.shape[2] * inputs]);
    const e = tf.unsortedSegmentSum(slots, nodes.slotCentres, nodes.count); // (18)
    const { features } = this.#model;
    const M = tf.matMul(e.reshape([nodes.count * C, -1]), block.interaction).reshape([nodes.count, C * features]);
    const component = (c: number) => tf.slice(M, [0, c * features], [nodes.count, features]);
    let y = component(0).add(dense(tf, block.self, z)); // (19)
    if (block.vectorScales) {
      const [x, w, v] = [1, 2, 3].map((c) => tf.square(component(c)));
      y = y.add(this.#root(x.add(w).add(v)).mul(block.vectorScales));
    }
    if (block.quadraticScales) {
      const [xx, xy, xz, yy, yz] = [4, 5, 6, 7, 8].map(component);
      const squares = [xx, xy, xz, yy, yz].map((t) => tf.square(t)).reduce((sum, t) => sum.add(t));
      y = y.add(this.#root(squares.add(xx.mul(yy)).mul(2)).mul(block.quadraticScales));
    }
    let after = (block.adjust ? tf.matMul(z, block.adjust) : z).add(this.#residual(block.residual, y)); // (20)
    for (const layer of block.atomLayers) after = after.add(this.#residual(layer.residual, dense(tf, layer, after)));
    return after;
  }

  #residual(layer: Dense, y: Tensor): Tensor {
    return dense(this.#tf, layer, this.#tf.softplus(y));
  }

  #root(squares: Tensor): Tensor {
    return this.#tf.sqrt(this.#tf.maximum(squares.add(this.#model.cusp), TINY));
  }

  /** A_c of unit vectors, [P, components]. */
  #directions(units: Tensor): Tensor {
    const tf = this.#tf;
    const P = units.shape[0];
    const one = tf.ones([P, 1]);
    if (this.#model.order === 0) return one;
    if (this.#model.order === 1) return tf.concat([one, units], 1);
    const [x, y, z] = [0, 1, 2].map((k) => tf.slice(units, [0, k], [P, 1]));
    const tensor = [x.mul(x).sub(1 / 3), x.mul(y), x.mul(z), y.mul(y).sub(1 / 3), y.mul(z)];
    return tf.concat([one, units, ...tensor], 1);
  }

  #upload(block: HipnnBlock, head: Affine, m: number): Block {
    const { features, sensitivities: V } = this.#model;
    const { inputs } = block;
    const row = (values: Float32Array, size: number, map = (x: number) => x) =>
      this.#tensor(values.subarray(m * size, (m + 1) * size).map(map), [1, size]);
    const maybe = (values: Float32Array | undefined) => values && row(values, features);
    const affine = ({ weights, biases }: Affine, from: number, to: number): Dense => ({
      weights: this.#transposed(weights, m, to, from),
      biases: row(biases, to),
    });
    // [V, features, inputs] → [V · inputs, features]
    const stacked = block.interaction.subarray(m * V * features * inputs, (m + 1) * V * features * inputs);
    const interaction = Float32Array.from({ length: stacked.length }, (_, k) => {
      const [v, b, a] = [Math.floor(k / (inputs * features)), Math.floor(k / features) % inputs, k % features];
      return stacked[(v * features + a) * inputs + b];
    });
    return {
      widths: row(block.sigma, V, (sigma) => -0.5 * sigma * sigma),
      centres: row(block.mu, V, (mu) => 1 / mu),
      interaction: this.#tensor(interaction, [V * inputs, features]),
      self: affine(block.self, inputs, features),
      vectorScales: maybe(block.vectorScales),
      quadraticScales: maybe(block.quadraticScales),
      residual: affine(block.residual, features, features),
      adjust: block.adjust && this.#transposed(block.adjust, m, features, inputs),
      atomLayers: block.atomLayers.map((layer) => ({
        ...affine(layer, features, features),
        residual: affine(layer.residual, features, features),
      })),
      head: affine(head, features, 1),
    };
  }

  /** [inputs, outputs] of member m of [members, outputs, inputs]. */
  #transposed(weights: Float32Array, m: number, outputs: number, inputs: number): Tensor {
    const size = outputs * inputs;
    const values = Float32Array.from(
      { length: size },
      (_, k) => weights[m * size + (k % outputs) * inputs + Math.floor(k / outputs)],
    );
    return this.#tensor(values, [inputs, outputs]);
  }

  #tensor(values: Float32Array, shape: readonly number[]): Tensor {
    return this.#hold(this.#tf.tensor(values, shape, 'float32'));
  }

  #hold(tensor: Tensor): Tensor {
    this.#held.push(this.#tf.keep(tensor));
    return tensor;
  }
}

const dense = (tf: TensorFlow, { weights, biases }: Dense, x: Tensor): Tensor => tf.matMul(x, weights).add(biases);
