/**
 * The networks of one element: energy of each member and its gradient with respect to the descriptor, float64.
 * docs/maths.md, eq. 13.
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
    let input: Float64Array = G;
    for (const [l, { inputs, outputs, weights, biases }] of this.#layers.entries()) {
      const output = this.#outputs[l];
      const last = l === this.#layers.length - 1;
      for (let o = 0; o < outputs; o++) {
        const row = (member * outputs + o) * inputs;
        let z = biases[member * outputs + o];
        if (l === 0) for (const column of columns) z += weights[row + column] * input[column];
        else for (let i = 0; i < inputs; i++) z += weights[row + i] * input[i];
        output[o] = last ? z : this.#celu(z);
      }
      input = output;
    }
    return input[0];
  }

  /** Adds scale · ∂ε/∂G of the member of the last `forward` to `g`, at `columns`. */
  backward(member: number, columns: Int32Array, scale: number, g: Float64Array): void {
    const top = this.#layers.length - 1;
    this.#slopes[top][0] = scale;
    for (let l = top; l >= 0; l--) {
      const { inputs, outputs, weights } = this.#layers[l];
      if (l > 0) this.#slopes[l - 1].fill(0);
      for (let o = 0; o < outputs; o++) {
        const dz = this.#slopes[l][o] * (l === top ? 1 : this.#celuSlope(this.#outputs[l][o]));
        const row = (member * outputs + o) * inputs;
        if (l === 0) for (const column of columns) g[column] += weights[row + column] * dz;
        else for (let i = 0; i < inputs; i++) this.#slopes[l - 1][i] += weights[row + i] * dz;
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
