/** Radial distribution functions and coordination numbers. */
import { determinant, heights } from '../engine/cell.ts';
import { type Frame, needCell, type Species, speciesOf } from './frames.ts';
import { visitPairs } from './pairs.ts';
import { Blocks, blockError, type Estimate } from './statistics.ts';

export interface RdfOptions {
  /** Å; default half the smallest height of the first cell, at most 10. */
  readonly cutoff?: number | undefined;
  /** Width of a bin, Å; default 0.02. */
  readonly bin?: number | undefined;
}

export interface Distribution {
  /** Atomic numbers of the atom at the centre and of those around it; undefined for all. */
  readonly pair: readonly [number, number] | undefined;
  readonly g: Float64Array;
  /** Standard error of g, from blocks of frames; NaN for one frame. */
  readonly error: Float64Array;
  /** Neighbours nearer than the outer edge of each bin. */
  readonly coordination: Float64Array;
  /** The other way round; the same where both are one element. */
  readonly reverse: Float64Array;
  /** Undefined where g has no peak and no minimum behind it within the cutoff. */
  readonly shell: Shell | undefined;
}

/** The first shell of neighbours. */
export interface Shell {
  /** Å */
  readonly peak: Estimate;
  readonly height: Estimate;
  /** Where g has its first minimum, Å. */
  readonly minimum: number;
  /** Neighbours nearer than the minimum. */
  readonly coordination: Estimate;
}

export interface Rdf {
  readonly frames: number;
  /** Middle of each bin, Å. */
  readonly r: Float64Array;
  /** 1/Å³, mean over frames. */
  readonly density: number;
  /** All atoms first, then pairs of elements where there are several. */
  readonly distributions: readonly Distribution[];
}

const LARGEST = 10;

/**
 * g_ab(r) = ⟨V/(N_a (N_b − δ_ab)) Σ_i∈a Σ_j∈b δ(r − r_ij)⟩/(4πr²), 1 for an ideal gas; the volume is that of each frame.
 * Source: Allen and Tildesley, Computer Simulation of Liquids, 2nd ed., §8.2. Errors come from at most twenty blocks of frames.
 */
export class RadialDistribution {
  readonly #options: RdfOptions;
  #shape: { species: Species; cutoff: number; bin: number; bins: number } | undefined;
  /** Of each frame: density, then V·counts and counts of each pair of species a ≤ b. */
  #blocks = new Blocks(0);

  constructor(options: RdfOptions = {}) {
    this.#options = options;
  }

  /** @throws MltsError E_CELL where the frame is not periodic in all directions */
  add(frame: Frame): void {
    const cell = needCell(frame);
    const { species, cutoff, bin, bins } = this.#begin(frame, cell);
    const pairs = pairsOf(species);
    const volume = Math.abs(determinant(cell));
    const counts = new Float64Array(pairs.length * bins);
    const kinds = species.numbers.length;
    const rowOf = new Int32Array(kinds * kinds);
    for (const [row, [a, b]] of pairs.entries()) rowOf[a * kinds + b] = rowOf[b * kinds + a] = row * bins;
    visitPairs(frame.positions, cell, cutoff, (i, j, squared) => {
      // At the cutoff rounding may lead into the next row.
      const k = Math.min(bins - 1, Math.floor(Math.sqrt(squared) / bin));
      counts[rowOf[species.of[i] * kinds + species.of[j]] + k]++;
    });
    const values = new Float64Array(1 + 2 * counts.length);
    values[0] = frame.numbers.length / volume;
    for (let k = 0; k < counts.length; k++) {
      values[1 + k] = volume * counts[k];
      values[1 + counts.length + k] = counts[k];
    }
    this.#blocks.add(values);
  }

  result(): Rdf {
    const { species, bin, bins } = this.#shape!;
    const pairs = pairsOf(species);
    const mean = this.#blocks.mean();
    const blocks = this.#blocks.means();
    const r = Float64Array.from({ length: bins }, (_, k) => (k + 0.5) * bin);
    const n = species.of.length;
    const everything = this.#distribution(
      { rows: pairs.map((_, row) => row), pair: undefined, centres: n, around: n, ordered: (n * (n - 1)) / 2 },
      mean,
      blocks,
    );
    const partial = pairs.map(([a, b], row) => {
      const [centres, around] = [species.counts[a], species.counts[b]];
      const ordered = a === b ? (centres * (centres - 1)) / 2 : centres * around;
      const pair = [species.numbers[a], species.numbers[b]] as const;
      return this.#distribution({ rows: [row], pair, centres, around, ordered }, mean, blocks);
    });
    return {
      frames: this.#blocks.frames,
      r,
      density: mean[0],
      distributions: [everything, ...(partial.length > 1 ? partial : [])],
    };
  }

  #begin(frame: Frame, cell: Float64Array) {
    if (this.#shape !== undefined) return this.#shape;
    const species = speciesOf(frame.numbers);
    const { cutoff = Math.min(LARGEST, Math.min(...heights(cell)) / 2), bin = 0.02 } = this.#options;
    const bins = Math.max(1, Math.floor(cutoff / bin + 1e-9));
    this.#shape = { species, bin, bins, cutoff: bins * bin };
    this.#blocks = new Blocks(1 + 2 * pairsOf(species).length * bins);
    return this.#shape;
  }

  #distribution(which: Which, mean: Float64Array, blocks: readonly Float64Array[]): Distribution {
    const { bin, bins, species } = this.#shape!;
    const all = pairsOf(species).length * bins;
    const sum = (values: Float64Array, offset: number, k: number) =>
      which.rows.reduce((total, row) => total + values[offset + row * bins + k], 0);
    const gOf = (values: Float64Array) =>
      Float64Array.from({ length: bins }, (_, k) => {
        const shell = (4 / 3) * Math.PI * ((k + 1) ** 3 - k ** 3) * bin ** 3;
        return sum(values, 1, k) / (which.ordered * shell);
      });
    // Two atoms of one kind are each other's neighbours.
    const isSame = which.pair === undefined || which.pair[0] === which.pair[1];
    const neighbours = (values: Float64Array, atoms: number) => {
      let total = 0;
      return Float64Array.from({ length: bins }, (_, k) => {
        total += sum(values, 1 + all, k);
        return ((isSame ? 2 : 1) * total) / atoms;
      });
    };
    const g = gOf(mean);
    const parts = blocks.map(gOf);
    const coordination = neighbours(mean, which.centres);
    const place = findShell(g, bin);
    const peaks = parts.map((part) => Float64Array.from(place ? peakOf(part, place.first, place.last, bin) : [0, 0]));
    const shell = place && {
      peak: { mean: peakOf(g, place.first, place.last, bin)[0], error: blockError(peaks, (peak) => peak[0]) },
      height: { mean: peakOf(g, place.first, place.last, bin)[1], error: blockError(peaks, (peak) => peak[1]) },
      minimum: (place.minimum + 0.5) * bin,
      coordination: {
        mean: coordination[place.minimum],
        error: blockError(blocks, (block) => neighbours(block, which.centres)[place.minimum]),
      },
    };
    return {
      pair: which.pair,
      g,
      error: g.map((_, k) => blockError(parts, (part) => part[k])),
      coordination,
      reverse: neighbours(mean, which.around),
      shell,
    };
  }
}

interface Which {
  readonly rows: readonly number[];
  readonly pair: readonly [number, number] | undefined;
  readonly centres: number;
  readonly around: number;
  /** Pairs that there are, each once. */
  readonly ordered: number;
}

const pairsOf = ({ numbers }: Species): [number, number][] =>
  numbers.flatMap((_, a) => numbers.slice(a).map((__, k): [number, number] => [a, a + k]));

/** g is smoothed over this width to find its shape, Å. */
const SMOOTHING = 0.1;
/** How much of the peak's height g must rise again behind a minimum, so that noise is none. */
const RISE = 0.04;

/** Bins of the first peak (above half of the highest one) and of the first minimum behind it. */
function findShell(g: Float64Array, bin: number): { first: number; last: number; minimum: number } | undefined {
  const half = Math.max(0, Math.round(SMOOTHING / bin / 2));
  const smooth = g.map((_, k) => {
    const window = g.subarray(Math.max(0, k - half), k + half + 1);
    return window.reduce((sum, value) => sum + value, 0) / window.length;
  });
  const top = smooth.reduce((a, b) => Math.max(a, b), 0);
  const first = smooth.findIndex((value) => value >= top / 2);
  if (top === 0 || first < 0) return undefined;
  let last = first;
  while (last + 1 < smooth.length && smooth[last + 1] >= top / 2) last++;
  let [low, begin, end] = [Infinity, last, last];
  for (let k = last; k < smooth.length; k++) {
    if (smooth[k] > low + RISE * top) return { first, last, minimum: Math.round((begin + end) / 2) };
    if (smooth[k] < low) [low, begin, end] = [smooth[k], k, k];
    else if (smooth[k] === low) end = k;
  }
  return undefined;
}

/** Position (Å) and height of a peak: a parabola through the points above 0.9 of the highest, or that point alone. */
function peakOf(g: Float64Array, first: number, last: number, bin: number): [number, number] {
  let top = first;
  for (let k = first; k <= last; k++) if (g[k] > g[top]) top = k;
  let [from, to] = [top, top];
  while (from > first && g[from - 1] >= 0.9 * g[top]) from--;
  while (to < last && g[to + 1] >= 0.9 * g[top]) to++;
  const centre = (top + 0.5) * bin;
  if (to - from < 4) return [centre, g[top]];
  const { a, b, c } = parabola(
    Array.from({ length: to - from + 1 }, (_, k) => from + k - top),
    g.subarray(from, to + 1),
  );
  const at = -b / (2 * c);
  if (!(c < 0) || at < from - top || at > to - top) return [centre, g[top]];
  return [centre + at * bin, a - (b * b) / (4 * c)];
}

/** y = a + bx + cx² by least squares. */
function parabola(x: readonly number[], y: Float64Array): { a: number; b: number; c: number } {
  const power = (p: number) => x.reduce((sum, value) => sum + value ** p, 0);
  const moment = (p: number) => x.reduce((sum, value, k) => sum + value ** p * y[k], 0);
  const [s0, s1, s2, s3, s4] = [0, 1, 2, 3, 4].map(power);
  const [m0, m1, m2] = [0, 1, 2].map(moment);
  const d = s0 * (s2 * s4 - s3 * s3) - s1 * (s1 * s4 - s2 * s3) + s2 * (s1 * s3 - s2 * s2);
  return {
    a: (m0 * (s2 * s4 - s3 * s3) - s1 * (m1 * s4 - m2 * s3) + s2 * (m1 * s3 - m2 * s2)) / d,
    b: (s0 * (m1 * s4 - m2 * s3) - m0 * (s1 * s4 - s2 * s3) + s2 * (s1 * m2 - s2 * m1)) / d,
    c: (s0 * (s2 * m2 - s3 * m1) - s1 * (s1 * m2 - s2 * m1) + m0 * (s1 * s3 - s2 * s2)) / d,
  };
}
