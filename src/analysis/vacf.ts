/** Velocity autocorrelation, vibrational density of states, diffusion by Green and Kubo. */
import { massOf } from '../elements.ts';
import { MltsError } from '../errors.ts';
import { Correlator, completeBlocks } from './correlate.ts';
import { type Frame, Interval, type Species, speciesOf } from './frames.ts';
import { framesOf } from './msd.ts';
import { blockError, type Estimate } from './statistics.ts';

export interface VacfOptions {
  /** Longest lag, fs; default half the trajectory, at most 1000 frames. */
  readonly window?: number | undefined;
}

export interface Vacf {
  readonly frames: number;
  /** fs */
  readonly lag: Float64Array;
  /** All atoms weighted by mass, then each element. */
  readonly correlations: readonly {
    /** Atomic number; undefined for all. */
    readonly number: number | undefined;
    /** C(0), Å²/fs² (times amu where weighted by mass). */
    readonly initial: number;
    /** C(t)/C(0) */
    readonly normalised: Float64Array;
    readonly error: Float64Array;
    /** 1/THz, one for each frequency; its integral over frequency is 1. */
    readonly spectrum: Float64Array;
    /** ∫⟨v(0)·v(t)⟩dt/3 over the window, Å²/fs; of an element only. */
    readonly diffusion: Estimate | undefined;
  }[];
  /** THz */
  readonly frequency: Float64Array;
}

const FS_PER_PS = 1000;

/**
 * C(t) = ⟨v(t₀)·v(t₀ + t)⟩ over atoms and origins. The spectrum is 4∫C(t)/C(0)·w(t) cos(2πνt) dt with Hann's window w.
 * Source: Dickey and Paskin, doi:10.1103/PhysRev.188.1407; Allen and Tildesley, §2.7 (Green–Kubo).
 */
export class VelocityCorrelation {
  readonly #options: VacfOptions;
  readonly #interval = new Interval();
  #first: { species: Species; velocities: Float64Array } | undefined;
  #correlator: Correlator | undefined;

  constructor(options: VacfOptions = {}) {
    this.#options = options;
  }

  /** @throws MltsError E_FILE where the frame has no velocities */
  add(frame: Frame): void {
    this.#interval.add(frame);
    const velocities = velocitiesOf(frame);
    if (this.#first === undefined) {
      this.#first = { species: speciesOf(frame.numbers), velocities };
      return;
    }
    const { species } = this.#first;
    if (this.#correlator === undefined) {
      const window = framesOf(this.#options.window, this.#interval.value);
      this.#correlator = new Correlator('product', species.of, species.counts, window);
      this.#correlator.add(this.#first.velocities);
    }
    this.#correlator.add(velocities);
  }

  /** @throws MltsError E_EMPTY after fewer than two frames */
  result(): Vacf {
    const interval = this.#interval.value;
    const { species } = this.#first!;
    const correlation = this.#correlator!.result();
    const { lags } = correlation;
    const weights = species.numbers.map((number, kind) => (massOf(number) ?? 1) * species.counts[kind]);
    const together = (groups: readonly Float64Array[]) =>
      groups[0].map((_, k) => weights.reduce((sum, weight, kind) => sum + weight * groups[kind][k], 0));
    const blocks = completeBlocks(correlation);
    const frequency = Float64Array.from({ length: lags }, (_, k) => (k * FS_PER_PS) / (2 * (lags - 1) * interval));
    const one = (number: number | undefined, values: Float64Array, parts: readonly Float64Array[]) => {
      const normalised = values.map((value) => value / values[0]);
      const scaled = parts.map((part) => part.map((value) => value / part[0]));
      const integral = (part: Float64Array) => (trapezoid(part) * interval) / 3;
      return {
        number,
        initial: values[0],
        normalised,
        error: normalised.map((_, k) => blockError(scaled, (part) => part[k])),
        spectrum: spectrumOf(normalised, interval, frequency),
        diffusion: number === undefined ? undefined : { mean: integral(values), error: blockError(parts, integral) },
      };
    };
    const elements = species.numbers.map((number, kind) =>
      one(
        number,
        correlation.mean[kind],
        blocks.map((groups) => groups[kind]),
      ),
    );
    return {
      frames: correlation.frames,
      lag: Float64Array.from({ length: lags }, (_, k) => k * interval),
      correlations: [one(undefined, together(correlation.mean), blocks.map(together)), ...elements],
      frequency,
    };
  }
}

function velocitiesOf({ arrays, numbers }: Frame): Float64Array {
  const array = arrays.velocities ?? arrays.velo ?? arrays.vel;
  if (array !== undefined && array.kind === 'real' && array.data.length === 3 * numbers.length) return array.data;
  throw new MltsError(
    'E_FILE',
    'the frames hold no velocities',
    'Write velocities (Å/fs) into the trajectory: extended XYZ and dumps hold them, DCD does not.',
  );
}

/** Frequencies up to that of Nyquist; 1/THz. */
function spectrumOf(normalised: Float64Array, interval: number, frequency: Float64Array): Float64Array {
  const n = normalised.length;
  const windowed = normalised.map((value, k) => 0.5 * (1 + Math.cos((Math.PI * k) / (n - 1))) * value);
  return frequency.map((_, j) => {
    const terms = windowed.map((value, k) => value * Math.cos((Math.PI * j * k) / (n - 1)));
    return (4 * trapezoid(terms) * interval) / FS_PER_PS;
  });
}

function trapezoid(values: Float64Array): number {
  const sum = values.reduce((total, value) => total + value, 0);
  return sum - (values[0] + values[values.length - 1]) / 2;
}
