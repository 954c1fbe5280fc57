/**
 * The networks of one element: energy of each member and its gradient with respect to the descriptor, float64.
 * docs/maths.md, eq. 14.
 */
import type { ElementNetwork } from '../../model/model.ts';

export class Network {
  readonly #layers: ElementNetwork['layers'];
  readonly #alpha: number;
  /** Outputs of each layer of the member at hand: h_l, the last one the energy. */
  readonly #outputs: Float64Array[];
  /** ∂ε/∂h_l. */
  readonly #slopes: Float64Array[];

  constructor({ layers }: ElementNetwork, alpha: number) {
    this.#layers = layers;
    this.#alpha = alpha;
    this.#outputs = layers.map(({ outputs }) => new Float64Array(outputs));
    this.#slopes = layers.map(({ outputs }) => new Float64Array(outputs));
  }

  /** ε of one member in the network's own unit. @param columns those of G that may differ from 0 */
  forward(member: number, G: Float64Array, columns: Int32Array): number {
    let h: Float64Array = G;
    for (let l = 0; l < this.#layers.length; l++) {
      const { inputs, outputs, weights, biases } = this.#layers[l];
      const next = this.#outputs[l];
      for (let o = 0; o < outputs; o++) {
        const row = (member * outputs + o) * inputs;
        let z = biases[member * outputs + o];
        if (l === 0) for (let k = 0; k < columns.length; k++) z += weights[row + columns[k]] * h[columns[k]];
        else for (let i = 0; i < inputs; i++) z += weights[row + i] * h[i];
        next[o] = l === this.#layers.length - 1 ? z : this.#celu(z);
      }
      h = next;
    }
    return h[0];
  }

  /** Adds scale · ∂ε/∂G of the member of the last `forward` to `g`, at `columns`. */
  backward(member: number, columns: Int32Array, scale: number, g: Float64Array): void {
    const top = this.#layers.length - 1;
    this.#slopes[top][0] = scale;
    for (let l = top; l >= 0; l--) {
      const { inputs, outputs, weights } = this.#layers[l];
      const below = l > 0 ? this.#slopes[l - 1].fill(0) : g;
      for (let o = 0; o < outputs; o++) {
        const dz = this.#slopes[l][o] * (l === top ? 1 : this.#celuSlope(this.#outputs[l][o]));
        const row = (member * outputs + o) * inputs;
        if (l === 0) for (let k = 0; k < columns.length; k++) below[columns[k]] += weights[row + columns[k]] * dz;
        else for (let i = 0; i < inputs; i++) below[i] += weights[row + i] * dz;
      }
    }
  }

  /** CELU_α(z) = max(0,z) + min(0, α(e^{z/α} − 1)) */
  #celu(z: number): number {
    return z > 0 ? z : this.#alpha * Math.expm1(z / this.#alpha);
  }

  /** Its derivative from its output y: 1 where y > 0, else e^{z/α} = y/α + 1. */
  #celuSlope(y: number): number {
    return y > 0 ? 1 : y / this.#alpha + 1;
  }
}
