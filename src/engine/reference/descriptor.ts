/**
 * The ANI atomic environment vector and its gradient, float64, in the order of docs/maths.md (equation numbers
 * are those of that page). Source: doi:10.1039/C6SC05720A with NeuroChem's factors 0.25 and 0.95.
 */
import type { AniDescriptor } from '../../model/model.ts';
import { type Cutoff, cutoffs } from './cutoff.ts';

/** What a centre sees. */
export interface Surroundings {
  /** Element index of each neighbour. */
  readonly elements: ArrayLike<number>;
  /** D = R_j − R_i, three numbers a neighbour, Å. */
  readonly vectors: ArrayLike<number>;
  /** |D|, Å. */
  readonly distances: ArrayLike<number>;
}

/** Keeps the cosine off ±1, where arccos has no derivative (eq. 4). */
const DAMPING = 0.95;

export class Descriptor {
  /** Columns of G. */
  readonly length: number;
  readonly #radial: AniDescriptor['radial'];
  readonly #angular: AniDescriptor['angular'];
  readonly #elements: number;
  readonly #cutoff: Cutoff;
  /** Radial columns come first (eq. 6). */
  readonly #radialLength: number;
  /** Of the triple at hand: F1 and dF1/dc a section, F2 and dF2/dr a shift. */
  readonly #f1: Float64Array;
  readonly #df1: Float64Array;
  readonly #f2: Float64Array;
  readonly #df2: Float64Array;

  constructor({ cutoffFunction, radial, angular }: AniDescriptor, elements: number) {
    this.#radial = radial;
    this.#angular = angular;
    this.#elements = elements;
    this.#cutoff = cutoffs[cutoffFunction];
    this.#radialLength = elements * radial.shifts.length;
    this.#f1 = new Float64Array(angular.sections.length);
    this.#df1 = new Float64Array(angular.sections.length);
    this.#f2 = new Float64Array(angular.shifts.length);
    this.#df2 = new Float64Array(angular.shifts.length);
    const pairs = (elements * (elements + 1)) / 2;
    this.length = this.#radialLength + pairs * angular.shifts.length * angular.sections.length;
  }

  /** G of a centre: [length]. */
  forward(seen: Surroundings): Float64Array {
    const G = new Float64Array(this.length);
    const { cutoff, eta, shifts } = this.#radial;
    for (let j = 0; j < seen.distances.length; j++) {
      const r = seen.distances[j];
      const f = this.#cutoff.value(r, cutoff);
      const column = seen.elements[j] * shifts.length;
      for (let k = 0; k < shifts.length; k++) G[column + k] += 0.25 * Math.exp(-eta * (r - shifts[k]) ** 2) * f; // (3)
    }
    const sections = this.#angular.sections.length;
    this.#eachTriple(seen, (u, v) => {
      const column = this.#pairColumn(seen.elements[u], seen.elements[v]);
      const ff = this.#triple(seen, u, v);
      for (let a = 0; a < this.#f2.length; a++) {
        for (let z = 0; z < sections; z++) G[column + a * sections + z] += 2 * ff * this.#f1[z] * this.#f2[a]; // (5)
      }
    });
    return G;
  }

  /**
   * Gradient of Σ g·G with respect to each neighbour vector D, for several g at once.
   * @param g [count, length]
   * @returns [count, neighbours, 3]
   */
  backward(seen: Surroundings, g: Float64Array, count: number): Float64Array {
    const n = seen.distances.length;
    const gradient = new Float64Array(count * n * 3);
    this.#radialBackward(seen, g, count, gradient);
    this.#eachTriple(seen, (u, v) => this.#tripleBackward(seen, u, v, g, count, gradient));
    return gradient;
  }

  /** The columns that this centre's neighbours can make non-zero, ascending: the others are exactly 0 and stay so. */
  columns(seen: Surroundings): Int32Array {
    const blocks = new Map<number, number>();
    for (let j = 0; j < seen.distances.length; j++) {
      blocks.set(seen.elements[j] * this.#radial.shifts.length, this.#radial.shifts.length);
    }
    this.#eachTriple(seen, (u, v) => {
      blocks.set(this.#pairColumn(seen.elements[u], seen.elements[v]), this.#f1.length * this.#f2.length);
    });
    const columns = [...blocks].sort(([a], [b]) => a - b);
    return Int32Array.from(columns.flatMap(([first, size]) => Array.from({ length: size }, (_, k) => first + k)));
  }

  #radialBackward(seen: Surroundings, g: Float64Array, count: number, gradient: Float64Array): void {
    const { cutoff, eta, shifts } = this.#radial;
    const n = seen.distances.length;
    for (let j = 0; j < n; j++) {
      const r = seen.distances[j];
      const f = this.#cutoff.value(r, cutoff);
      const slope = this.#cutoff.slope(r, cutoff);
      const column = seen.elements[j] * shifts.length;
      for (let k = 0; k < shifts.length; k++) {
        const w = r - shifts[k];
        const dGdr = 0.25 * Math.exp(-eta * w * w) * (slope - 2 * eta * w * f); // (9)
        for (let m = 0; m < count; m++) {
          const along = (g[m * this.length + column + k] * dGdr) / r;
          for (let x = 0; x < 3; x++) gradient[(m * n + j) * 3 + x] += along * seen.vectors[3 * j + x];
        }
      }
    }
  }

  #tripleBackward(
    seen: Surroundings,
    u: number,
    v: number,
    g: Float64Array,
    count: number,
    gradient: Float64Array,
  ): void {
    const n = seen.distances.length;
    const rc = this.#angular.cutoff;
    const ru = seen.distances[u];
    const rv = seen.distances[v];
    const fu = this.#cutoff.value(ru, rc);
    const fv = this.#cutoff.value(rv, rc);
    const dfu = this.#cutoff.slope(ru, rc);
    const dfv = this.#cutoff.slope(rv, rc);
    const c = cosine(seen, u, v);
    const column = this.#pairColumn(seen.elements[u], seen.elements[v]);
    this.#triple(seen, u, v);
    const sections = this.#f1.length;
    for (let m = 0; m < count; m++) {
      // Σ g F1 F2, Σ g F1 dF2/dr, Σ g dF1/dc F2 over shifts and sections
      let both = 0;
      let inShift = 0;
      let inAngle = 0;
      for (let a = 0; a < this.#f2.length; a++) {
        let gF1 = 0;
        let gdF1 = 0;
        for (let z = 0; z < sections; z++) {
          const weight = g[m * this.length + column + a * sections + z];
          gF1 += weight * this.#f1[z];
          gdF1 += weight * this.#df1[z];
        }
        both += gF1 * this.#f2[a];
        inShift += gF1 * this.#df2[a];
        inAngle += gdF1 * this.#f2[a];
      }
      const alongU = 2 * (dfu * fv * both + fu * fv * inShift); // (13)
      const alongV = 2 * (fu * dfv * both + fu * fv * inShift);
      const angle = 2 * fu * fv * inAngle;
      for (let x = 0; x < 3; x++) {
        const hatU = seen.vectors[3 * u + x] / ru;
        const hatV = seen.vectors[3 * v + x] / rv;
        gradient[(m * n + u) * 3 + x] += alongU * hatU + (angle * (hatV - c * hatU)) / ru; // (12)
        gradient[(m * n + v) * 3 + x] += alongV * hatV + (angle * (hatU - c * hatV)) / rv;
      }
    }
  }

  /** Factors of one triple: F1 and dF1/dc of every section, F2 and dF2/dr of every shift; returns f_u f_v. */
  #triple(seen: Surroundings, u: number, v: number): number {
    const { cutoff, eta, zeta, shifts, sections } = this.#angular;
    const ru = seen.distances[u];
    const rv = seen.distances[v];
    const x = DAMPING * cosine(seen, u, v);
    const theta = Math.acos(x); // (4)
    for (let z = 0; z < sections.length; z++) {
      const h = 0.5 * (1 + Math.cos(theta - sections[z]));
      const power = h ** (zeta - 1);
      this.#f1[z] = power * h;
      this.#df1[z] = (0.5 * DAMPING * zeta * power * Math.sin(theta - sections[z])) / Math.sqrt(1 - x * x); // (10)
    }
    for (let a = 0; a < shifts.length; a++) {
      const w = 0.5 * (ru + rv) - shifts[a];
      this.#f2[a] = Math.exp(-eta * w * w);
      this.#df2[a] = -eta * w * this.#f2[a]; // (11)
    }
    return this.#cutoff.value(ru, cutoff) * this.#cutoff.value(rv, cutoff);
  }

  /** Every unordered pair of neighbours within the angular cutoff, once. */
  #eachTriple({ distances }: Surroundings, visit: (u: number, v: number) => void): void {
    const near: number[] = [];
    for (let j = 0; j < distances.length; j++) if (distances[j] <= this.#angular.cutoff) near.push(j);
    for (let p = 0; p < near.length; p++) for (let q = p + 1; q < near.length; q++) visit(near[p], near[q]);
  }

  /** First column of the block of an unordered pair of elements: the rows of an upper triangle in order (eq. 7, 8). */
  #pairColumn(s: number, t: number): number {
    const a = Math.min(s, t);
    const b = Math.max(s, t);
    const pair = a * this.#elements - (a * (a - 1)) / 2 + (b - a);
    return this.#radialLength + pair * this.#f1.length * this.#f2.length;
  }
}

/** û·v̂ */
function cosine({ vectors, distances }: Surroundings, u: number, v: number): number {
  const dot =
    vectors[3 * u] * vectors[3 * v] + vectors[3 * u + 1] * vectors[3 * v + 1] + vectors[3 * u + 2] * vectors[3 * v + 2];
  return dot / (distances[u] * distances[v]);
}
