/**
 * The interaction layer of HIP-NN with tensor sensitivities, of one member: forward and its reverse, float64.
 * docs/maths.md, eq. 17–19 and 23; doi:10.1063/1.5011181, doi:10.1063/5.0142127.
 */
import type { HipnnBlock, HipnnModel } from '../../model/model.ts';
import { cutoffs } from './cutoff.ts';
import type { Neighbourhood } from './neighbours.ts';
import { addProduct, addTransposed, affine } from './residual.ts';

/** What the forward pass of one atom leaves to the reverse. */
export interface Interaction {
  /** y of eq. 19. */
  readonly y: Float64Array;
  /** [components, features] M of eq. 18. */
  readonly M: Float64Array;
}

/** Components of the environments by order: 1; x, y, z; and xx, xy, xz, yy, yz without their trace. */
const COMPONENTS = [1, 4, 9] as const;

export class InteractionLayer {
  readonly #block: HipnnBlock;
  readonly #model: HipnnModel;
  readonly #components: number;

  constructor(block: HipnnBlock, model: HipnnModel) {
    this.#block = block;
    this.#model = model;
    this.#components = COMPONENTS[model.order];
  }

  /** @param z features of all atoms */
  forward(member: number, i: number, seen: Neighbourhood, z: readonly Float64Array[]): Interaction {
    const { self, vectorScales, quadraticScales } = this.#block;
    const { features, cusp } = this.#model;
    const M = this.#project(member, this.#environments(member, seen, z));
    const y = affine(self, member, z[i], features);
    for (let a = 0; a < features; a++) {
      y[a] += M[a];
      if (vectorScales) y[a] += vectorScales[member * features + a] * Math.sqrt(squaredVector(M, a, features) + cusp);
      if (quadraticScales)
        y[a] += quadraticScales[member * features + a] * Math.sqrt(squaredTensor(M, a, features) + cusp);
    }
    return { y, M };
  }

  /**
   * From ∂E/∂y of atom i: adds ∂E/∂z to `slopes` and scale · ∂E/∂D to `gradient`.
   * @param slopes of all atoms
   * @param gradient [neighbours, 3]
   */
  backward(
    member: number,
    i: number,
    seen: Neighbourhood,
    z: readonly Float64Array[],
    M: Float64Array,
    gy: Float64Array,
    slopes: readonly Float64Array[],
    scale: number,
    gradient: Float64Array,
  ): void {
    const { inputs, self } = this.#block;
    const { sensitivities } = this.#model;
    const components = this.#components;
    addTransposed(self.weights, member, gy, slopes[i]);
    const ge = this.#projectBack(member, this.#slopeOfM(member, M, gy));
    const s = new Float64Array(sensitivities);
    const ds = new Float64Array(sensitivities);
    const A = new Float64Array(components);
    const dA = new Float64Array(components);
    for (const [p, j] of seen.atoms.entries()) {
      const r = seen.distances[p];
      this.#sensitivities(member, r, s, ds);
      directions(seen, p, A);
      dA.fill(0);
      let dr = 0;
      for (let c = 0; c < components; c++) {
        for (let v = 0; v < sensitivities; v++) {
          const row = (c * sensitivities + v) * inputs;
          let h = 0;
          for (let b = 0; b < inputs; b++) {
            h += ge[row + b] * z[j][b];
            slopes[j][b] += ge[row + b] * A[c] * s[v];
          }
          dr += h * A[c] * ds[v];
          dA[c] += h * s[v];
        }
      }
      addPairGradient(seen, p, dr, dA, scale, gradient);
    }
  }

  /** e_{c,ν,b} = Σ_j A_c s_ν(r_j) z_{j,b}, [components, sensitivities, inputs]. */
  #environments(member: number, seen: Neighbourhood, z: readonly Float64Array[]): Float64Array {
    const { inputs } = this.#block;
    const { sensitivities } = this.#model;
    const e = new Float64Array(this.#components * sensitivities * inputs);
    const s = new Float64Array(sensitivities);
    const ds = new Float64Array(sensitivities);
    const A = new Float64Array(this.#components);
    for (const [p, j] of seen.atoms.entries()) {
      this.#sensitivities(member, seen.distances[p], s, ds);
      directions(seen, p, A);
      for (let c = 0; c < A.length; c++)
        for (let v = 0; v < sensitivities; v++)
          for (let b = 0; b < inputs; b++) e[(c * sensitivities + v) * inputs + b] += A[c] * s[v] * z[j][b];
    }
    return e;
  }

  /** s_ν(r) and its derivative, eq. 17. */
  #sensitivities(member: number, r: number, s: Float64Array, ds: Float64Array): void {
    const { mu, sigma } = this.#block;
    const { cutoff } = this.#model;
    const f = cutoffs.cosine.value(r, cutoff);
    const df = cutoffs.cosine.slope(r, cutoff);
    for (let v = 0; v < s.length; v++) {
      const width = sigma[member * s.length + v];
      const x = 1 / r - 1 / mu[member * s.length + v];
      const bell = Math.exp(-0.5 * width * width * x * x);
      s[v] = bell * f;
      ds[v] = bell * ((f * width * width * x) / (r * r) + df);
    }
  }

  /** M_{c,a} = Σ V_{ν,a,b} e_{c,ν,b} */
  #project(member: number, e: Float64Array): Float64Array {
    const { inputs, interaction } = this.#block;
    const { sensitivities, features } = this.#model;
    const M = new Float64Array(this.#components * features);
    for (let c = 0; c < this.#components; c++)
      for (let v = 0; v < sensitivities; v++) {
        const from = e.subarray((c * sensitivities + v) * inputs, (c * sensitivities + v + 1) * inputs);
        addProduct(interaction, member * sensitivities + v, from, M.subarray(c * features, (c + 1) * features));
      }
    return M;
  }

  /** ∂E/∂e from ∂E/∂M. */
  #projectBack(member: number, gM: Float64Array): Float64Array {
    const { inputs, interaction } = this.#block;
    const { sensitivities, features } = this.#model;
    const ge = new Float64Array(this.#components * sensitivities * inputs);
    for (let c = 0; c < this.#components; c++)
      for (let v = 0; v < sensitivities; v++) {
        const to = ge.subarray((c * sensitivities + v) * inputs, (c * sensitivities + v + 1) * inputs);
        addTransposed(interaction, member * sensitivities + v, gM.subarray(c * features, (c + 1) * features), to);
      }
    return ge;
  }

  /** ∂E/∂M from ∂E/∂y; a norm of 0 without a cusp has the derivative 0. */
  #slopeOfM(member: number, M: Float64Array, gy: Float64Array): Float64Array {
    const { vectorScales, quadraticScales } = this.#block;
    const { features, cusp } = this.#model;
    const gM = new Float64Array(M.length);
    for (let a = 0; a < features; a++) {
      gM[a] = gy[a];
      const at = (c: number) => c * features + a;
      if (vectorScales) {
        const norm = Math.sqrt(squaredVector(M, a, features) + cusp);
        const factor = norm > 0 ? (gy[a] * vectorScales[member * features + a]) / norm : 0;
        for (let c = 1; c < 4; c++) gM[at(c)] = factor * M[at(c)];
      }
      if (quadraticScales) {
        const norm = Math.sqrt(squaredTensor(M, a, features) + cusp);
        const factor = norm > 0 ? (gy[a] * quadraticScales[member * features + a]) / norm : 0;
        gM[at(4)] = factor * (2 * M[at(4)] + M[at(7)]);
        for (const c of [5, 6, 8]) gM[at(c)] = factor * 2 * M[at(c)];
        gM[at(7)] = factor * (2 * M[at(7)] + M[at(4)]);
      }
    }
    return gM;
  }
}

/** Σ_α (M^α_a)² */
const squaredVector = (M: Float64Array, a: number, f: number): number =>
  M[f + a] ** 2 + M[2 * f + a] ** 2 + M[3 * f + a] ** 2;

/** Σ_αβ (T^αβ_a)² of a symmetric T without trace: 2 (xx² + xy² + xz² + yy² + yz² + xx·yy) */
function squaredTensor(M: Float64Array, a: number, f: number): number {
  const [xx, xy, xz, yy, yz] = [M[4 * f + a], M[5 * f + a], M[6 * f + a], M[7 * f + a], M[8 * f + a]];
  return 2 * (xx * xx + xy * xy + xz * xz + yy * yy + yz * yz + xx * yy);
}

/** A_c of the unit vector to neighbour p, as many components as there is room for. */
function directions({ vectors, distances }: Neighbourhood, p: number, A: Float64Array): void {
  A[0] = 1;
  if (A.length === 1) return;
  const [x, y, z] = [0, 1, 2].map((k) => vectors[3 * p + k] / distances[p]);
  A.set([x, y, z], 1);
  if (A.length > 4) A.set([x * x - 1 / 3, x * y, x * z, y * y - 1 / 3, y * z], 4);
}

/** ∂E/∂D = (∂E/∂r) r̂ + (1 − r̂ r̂ᵀ)(∂E/∂r̂)/r */
function addPairGradient(
  { vectors, distances }: Neighbourhood,
  p: number,
  dr: number,
  dA: Float64Array,
  scale: number,
  gradient: Float64Array,
): void {
  const r = distances[p];
  const u = [vectors[3 * p] / r, vectors[3 * p + 1] / r, vectors[3 * p + 2] / r];
  const du = [0, 0, 0];
  if (dA.length > 1) for (let k = 0; k < 3; k++) du[k] = dA[1 + k];
  if (dA.length > 4) {
    du[0] += 2 * u[0] * dA[4] + u[1] * dA[5] + u[2] * dA[6];
    du[1] += u[0] * dA[5] + 2 * u[1] * dA[7] + u[2] * dA[8];
    du[2] += u[0] * dA[6] + u[1] * dA[8];
  }
  const along = u[0] * du[0] + u[1] * du[1] + u[2] * du[2];
  for (let k = 0; k < 3; k++) gradient[3 * p + k] += scale * (dr * u[k] + (du[k] - along * u[k]) / r);
}
