/** The ensemble on frames that no member was trained on: errors, calibration of σ, and where it is worst. */
import { formulaOf } from '../analysis/assess/assessment.ts';
import { ErrorSum, type Errors } from '../analysis/assess/errors.ts';
import { calibrationOf, type Scatter } from '../analysis/assess/reliability.ts';
import { numberOf, symbolOf } from '../elements.ts';
import type { Calibration } from '../model/model.ts';
import type { Corpus, LabelledFrame } from './corpus.ts';
import type { Predictions, Trainer } from './engine.ts';
import type { FrameStore } from './frame-store.ts';
import { randomStream } from './random-stream.ts';

/** A frame and how far off the mean of the members is. eV per atom, eV/Å. */
export interface FrameError {
  readonly frame: number;
  readonly formula: string;
  readonly natoms: number;
  readonly energy: number | undefined;
  readonly sigmaEnergy: number;
  /** Largest error of the force on one atom, its σ, and the largest force of the label. */
  readonly forces: number | undefined;
  readonly sigmaForces: number;
  readonly largestForce: number;
  /** Å; Infinity for a single atom. Without periodic images. */
  readonly closest: number;
}

export interface Assessment {
  readonly frames: number;
  /** eV per atom; undefined where no frame has an energy. */
  readonly energy: Errors | undefined;
  /** Components, eV/Å; undefined where no frame has forces. */
  readonly forces: Errors | undefined;
  readonly forcesByElement: ReadonlyMap<string, Errors>;
  /** Undefined for one member, or without labels for both. */
  readonly calibration: Calibration | undefined;
  /** Energies per atom without self energies [label, mean], eV. */
  readonly energyParity: readonly (readonly [number, number])[];
  /** A sample of components [label, mean] by symbol, eV/Å. */
  readonly forceParity: ReadonlyMap<string, readonly (readonly [number, number])[]>;
  /** Per atom, eV/Å: √Σ var, and |ΔF|. */
  readonly forceScatter: Scatter;
  readonly energyScatter: Scatter;
  readonly all: readonly FrameError[];
}

/** Points of one parity plot. */
const SAMPLE = 1500;

/** Keeps `SAMPLE` of many points, each as likely (Vitter's algorithm R, doi:10.1145/3147.3165). */
class Sample {
  readonly points: [number, number][] = [];
  readonly #random;
  #seen = 0;

  constructor(symbol: string) {
    this.#random = randomStream(1, 'sample', symbol);
  }

  add(point: [number, number]): void {
    const place = this.#seen++ < SAMPLE ? this.points.length : Math.floor(this.#random.uniform() * this.#seen);
    if (place < SAMPLE) this.points[place] = point;
  }
}

/** Frames a call. */
const CHUNK = 256;

/** @param selfEnergies eV by symbol */
export async function assess(
  trainer: Trainer,
  store: FrameStore,
  corpus: Corpus,
  frames: Int32Array,
  selfEnergies: Readonly<Record<string, number>>,
): Promise<Assessment> {
  const tally = new Tally(trainer.members, selfEnergies);
  for await (const window of store.windows(frames)) {
    for (let at = 0; at < window.length; at += CHUNK) {
      const chunk = window.subarray(at, at + CHUNK);
      const predicted = await trainer.evaluate(store.ids(chunk), new Set(['forces']));
      tally.add(chunk, await corpus.read(chunk), predicted);
    }
  }
  return tally.result();
}

class Tally {
  readonly #members: number;
  readonly #selfEnergies: Readonly<Record<string, number>>;
  readonly #energy = new ErrorSum();
  readonly #forces = new ErrorSum();
  readonly #byElement = new Map<string, ErrorSum>();
  readonly #energyParity = new Sample('energy');
  readonly #forceParity = new Map<string, Sample>();
  readonly #forceScatter = { sigma: [] as number[], error: [] as number[] };
  readonly #energyScatter = { sigma: [] as number[], error: [] as number[] };
  readonly #all: FrameError[] = [];

  constructor(members: number, selfEnergies: Readonly<Record<string, number>>) {
    this.#members = members;
    this.#selfEnergies = selfEnergies;
  }

  add(frames: Int32Array, labels: readonly LabelledFrame[], { energies, forces }: Predictions): void {
    const members = this.#members;
    const atoms = labels.reduce((sum, { numbers }) => sum + numbers.length, 0);
    let first = 0;
    for (const [k, label] of labels.entries()) {
      const n = label.numbers.length;
      const values = Array.from({ length: members }, (_, m) => energies[m * frames.length + k]);
      const energy = this.#addEnergy(label, values);
      const force = this.#addForces(label, (i, x, m) => forces![3 * (m * atoms + first + i) + x]);
      this.#all.push({
        ...{ frame: frames[k], natoms: n, formula: formulaOf(label.numbers) },
        ...{ energy: energy.error, sigmaEnergy: energy.sigma },
        ...{ forces: force.error, sigmaForces: force.sigma, largestForce: force.largest },
        closest: closestPair(label.positions),
      });
      first += n;
    }
  }

  #addEnergy(label: LabelledFrame, values: readonly number[]): { error: number | undefined; sigma: number } {
    const n = label.numbers.length;
    const { mean, deviation } = statistics(values);
    const sigma = deviation / n;
    if (label.energy === undefined) return { error: undefined, sigma };
    const error = (mean - label.energy) / n;
    this.#energy.add(error);
    this.#energyScatter.sigma.push(sigma);
    this.#energyScatter.error.push(Math.abs(error));
    const own = label.numbers.reduce((sum, number) => sum + this.#selfEnergies[symbolOf(number)], 0);
    this.#energyParity.add([(label.energy - own) / n, (mean - own) / n]);
    return { error, sigma };
  }

  #addForces(label: LabelledFrame, at: (atom: number, axis: number, member: number) => number) {
    const worst = { error: undefined as number | undefined, sigma: 0, largest: 0 };
    for (const [i, number] of label.numbers.entries()) {
      let [variance, squared, size] = [0, 0, 0];
      const symbol = symbolOf(number);
      for (let x = 0; x < 3; x++) {
        const values = Array.from({ length: this.#members }, (_, m) => at(i, x, m));
        const { mean, deviation } = statistics(values);
        variance += deviation ** 2;
        const reference = label.forces?.[3 * i + x];
        if (reference === undefined) continue;
        const error = mean - reference;
        squared += error ** 2;
        size += reference ** 2;
        this.#forces.add(error);
        entry(this.#byElement, symbol, () => new ErrorSum()).add(error);
        entry(this.#forceParity, symbol, () => new Sample(symbol)).add([reference, mean]);
      }
      worst.sigma = Math.max(worst.sigma, Math.sqrt(variance));
      if (label.forces === undefined) continue;
      worst.error = Math.max(worst.error ?? 0, Math.sqrt(squared));
      worst.largest = Math.max(worst.largest, Math.sqrt(size));
      this.#forceScatter.sigma.push(Math.sqrt(variance));
      this.#forceScatter.error.push(Math.sqrt(squared));
    }
    return worst;
  }

  result(): Assessment {
    const order = [...this.#byElement].sort(([a], [b]) => numberOf(a)! - numberOf(b)!);
    const [sigmaForce, sigmaEnergy] = [this.#forceScatter, this.#energyScatter].map(calibrationOf);
    return {
      frames: this.#all.length,
      energy: this.#energy.get(),
      forces: this.#forces.get(),
      forcesByElement: new Map(order.map(([symbol, sum]) => [symbol, sum.get()!])),
      calibration: sigmaForce && sigmaEnergy ? { sigmaForce, sigmaEnergy } : undefined,
      energyParity: this.#energyParity.points,
      forceParity: new Map(order.map(([symbol]) => [symbol, this.#forceParity.get(symbol)!.points])),
      forceScatter: this.#forceScatter,
      energyScatter: this.#energyScatter,
      all: this.#all,
    };
  }
}

function entry<T>(map: Map<string, T>, key: string, make: () => T): T {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

/** Mean and sample standard deviation (ddof 1; 0 for a single value). */
function statistics(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squared = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squared / Math.max(1, values.length - 1)) };
}

function closestPair(positions: Float64Array): number {
  let closest = Infinity;
  for (let i = 0; i < positions.length; i += 3) {
    for (let j = 0; j < i; j += 3) {
      const [x, y, z] = [0, 1, 2].map((k) => positions[i + k] - positions[j + k]);
      closest = Math.min(closest, Math.hypot(x, y, z));
    }
  }
  return closest;
}
