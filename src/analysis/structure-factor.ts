/** Static structure factors. */
import { determinant, inverse } from '../engine/cell.ts';
import { type Frame, needCell, type Species, speciesOf } from './frames.ts';
import { Blocks, blockError } from './statistics.ts';

export interface StructureFactorOptions {
  /** Largest |q|, 1/Å; default 10. */
  readonly cutoff?: number | undefined;
  /** Width of a bin in |q|, 1/Å; default 0.05. */
  readonly bin?: number | undefined;
}

export interface StructureFactor {
  readonly frames: number;
  /** Mean |q| of the vectors in each bin that has any, 1/Å. */
  readonly q: Float64Array;
  readonly factors: readonly {
    /** Atomic numbers; undefined for all atoms alike. */
    readonly pair: readonly [number, number] | undefined;
    readonly s: Float64Array;
    readonly error: Float64Array;
  }[];
}

/** Vectors taken of each bin: enough that atoms, not vectors, limit the accuracy. */
const VECTORS = 60;

/**
 * S(q) = ⟨|ρ_q|²⟩/N with ρ_q = Σ_i exp(−i q·r_i) for the vectors q = 2π(h a* + k b* + l c*) of the box, averaged over directions;
 * partial ones after Ashcroft and Langreth, ⟨ρ_a,q ρ_b,−q⟩/√(N_a N_b), which → δ_ab for large q. No cutoff of g(r) enters.
 * Source: Hansen and McDonald, Theory of Simple Liquids, 3rd ed., eq. 4.1.4; doi:10.1103/PhysRev.156.685.
 */
export class StaticStructure {
  readonly #options: StructureFactorOptions;
  #shape: { species: Species; indices: Int32Array; binOf: Int32Array; bins: number; bin: number } | undefined;
  #blocks = new Blocks(0);

  constructor(options: StructureFactorOptions = {}) {
    this.#options = options;
  }

  /** @throws MltsError E_CELL where the frame is not periodic in all directions */
  add(frame: Frame): void {
    const cell = needCell(frame);
    const { species, indices, binOf, bins } = this.#begin(frame, cell);
    const r = inverse(cell);
    const phases = phasesOf(frame.positions, r, indices);
    const kinds = species.numbers.length;
    const pairs = pairsOf(kinds);
    const values = new Float64Array((pairs.length + 3) * bins);
    for (let v = 0; v < binOf.length; v++) {
      const [h, k, l] = indices.subarray(3 * v, 3 * v + 3);
      const density = densityOf(phases, species.of, kinds, h, k, l);
      const row = binOf[v];
      for (const [p, [a, b]] of pairs.entries()) {
        const product = density[2 * a] * density[2 * b] + density[2 * a + 1] * density[2 * b + 1];
        values[p * bins + row] += product / Math.sqrt(species.counts[a] * species.counts[b]);
      }
      const [re, im] = [0, 1].map((part) => density.reduce((sum, x, m) => sum + (m % 2 === part ? x : 0), 0));
      values[pairs.length * bins + row] += (re * re + im * im) / species.of.length;
      const q = [0, 1, 2].map((x) => 2 * Math.PI * (r[3 * x] * h + r[3 * x + 1] * k + r[3 * x + 2] * l));
      values[(pairs.length + 1) * bins + row] += Math.hypot(...q);
      values[(pairs.length + 2) * bins + row] += 1;
    }
    this.#blocks.add(values);
  }

  result(): StructureFactor {
    const { species, bins } = this.#shape!;
    const pairs = pairsOf(species.numbers.length);
    const mean = this.#blocks.mean();
    const blocks = this.#blocks.means();
    const count = (pairs.length + 2) * bins;
    const filled = Array.from({ length: bins }, (_, k) => k).filter((k) => mean[count + k] > 0);
    const column = (row: number) => ({
      s: Float64Array.from(filled, (k) => mean[row * bins + k] / mean[count + k]),
      error: Float64Array.from(filled, (k) => blockError(blocks, (block) => block[row * bins + k] / block[count + k])),
    });
    const partial = pairs.map(([a, b], row) => ({
      pair: [species.numbers[a], species.numbers[b]] as const,
      ...column(row),
    }));
    return {
      frames: this.#blocks.frames,
      q: column(pairs.length + 1).s,
      factors: [{ pair: undefined, ...column(pairs.length) }, ...(partial.length > 1 ? partial : [])],
    };
  }

  #begin(frame: Frame, cell: Float64Array) {
    if (this.#shape !== undefined) return this.#shape;
    const species = speciesOf(frame.numbers);
    const { cutoff = 10, bin = 0.05 } = this.#options;
    const bins = Math.max(1, Math.ceil(cutoff / bin));
    this.#shape = { species, bins, bin, ...chooseVectors(cell, cutoff, bin, bins) };
    this.#blocks = new Blocks((pairsOf(species.numbers.length).length + 3) * bins);
    return this.#shape;
  }
}

const pairsOf = (kinds: number): [number, number][] =>
  Array.from({ length: kinds }, (_, a) => a).flatMap((a) =>
    Array.from({ length: kinds - a }, (_, k): [number, number] => [a, a + k]),
  );

/** Indices h k l of one half of all vectors up to the cutoff (the other half says the same), every n-th where a bin has many. */
function chooseVectors(cell: Float64Array, cutoff: number, bin: number, bins: number) {
  const r = inverse(cell);
  const most = [0, 3, 6].map((k) => Math.floor((cutoff * Math.hypot(...cell.subarray(k, k + 3))) / (2 * Math.PI)));
  // A bin at q holds about V q² Δq/(4π²) vectors of one half.
  const expected = (q: number) => (Math.abs(determinant(cell)) * q * q * bin) / (4 * Math.PI ** 2);
  const seen = new Float64Array(bins);
  const indices: number[] = [];
  const binOf: number[] = [];
  for (let h = 0; h <= most[0]; h++) {
    for (let k = h === 0 ? 0 : -most[1]; k <= most[1]; k++) {
      for (let l = h === 0 && k === 0 ? 1 : -most[2]; l <= most[2]; l++) {
        const components = [0, 1, 2].map((x) => r[3 * x] * h + r[3 * x + 1] * k + r[3 * x + 2] * l);
        const q = 2 * Math.PI * Math.hypot(...components);
        const row = Math.floor(q / bin);
        if (row >= bins || q > cutoff) continue;
        const stride = Math.max(1, expected(q) / VECTORS);
        const before = Math.floor(seen[row] / stride);
        const isNext = seen[row] === 0 || Math.floor((seen[row] + 1) / stride) > before;
        seen[row]++;
        if (!isNext) continue;
        indices.push(h, k, l);
        binOf.push(row);
      }
    }
  }
  return { indices: Int32Array.from(indices), binOf: Int32Array.from(binOf) };
}

interface Phases {
  /** [axis][index·n + atom] cos and sin of 2π·index·s, index ≥ 0. */
  readonly cos: readonly Float64Array[];
  readonly sin: readonly Float64Array[];
}

function phasesOf(positions: Float64Array, r: Float64Array, indices: Int32Array): Phases {
  const n = positions.length / 3;
  const tables = [0, 1, 2].map((axis) => {
    let most = 0;
    for (let v = axis; v < indices.length; v += 3) most = Math.max(most, Math.abs(indices[v]));
    const cos = new Float64Array((most + 1) * n);
    const sin = new Float64Array((most + 1) * n);
    for (let i = 0; i < n; i++) {
      const s = positions[3 * i] * r[axis] + positions[3 * i + 1] * r[3 + axis] + positions[3 * i + 2] * r[6 + axis];
      const angle = 2 * Math.PI * (s - Math.floor(s));
      for (let index = 0; index <= most; index++) {
        cos[index * n + i] = Math.cos(index * angle);
        sin[index * n + i] = Math.sin(index * angle);
      }
    }
    return { cos, sin };
  });
  return { cos: tables.map(({ cos }) => cos), sin: tables.map(({ sin }) => sin) };
}

/** Real and imaginary part of Σ exp(i q·r) of each species. */
function densityOf({ cos, sin }: Phases, of: Int32Array, kinds: number, h: number, k: number, l: number): Float64Array {
  const n = of.length;
  const density = new Float64Array(2 * kinds);
  const [atH, atK, atL] = [h, k, l].map((index) => Math.abs(index) * n);
  const [signK, signL] = [Math.sign(k), Math.sign(l)];
  for (let i = 0; i < n; i++) {
    const ch = cos[0][atH + i];
    const sh = sin[0][atH + i];
    const ck = cos[1][atK + i];
    const sk = signK * sin[1][atK + i];
    const cl = cos[2][atL + i];
    const sl = signL * sin[2][atL + i];
    const re = ch * ck - sh * sk;
    const im = ch * sk + sh * ck;
    density[2 * of[i]] += re * cl - im * sl;
    density[2 * of[i] + 1] += re * sl + im * cl;
  }
  return density;
}
