/** A model against labels: errors by size, element and force, of energy differences within sets, and whether σ tells them. */
import { numberOf, symbolOf } from '../../elements.ts';
import type { Result } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';
import { ErrorSum, ErrorSums, type Errors, PairDifferences } from './errors.ts';
import { type Flagging, flagging, quantile } from './flagging.ts';
import { type Bin, calibrationOf, reliability } from './reliability.ts';

/** Å, eV, eV/Å; what is not labelled is absent. */
export interface Labels {
  readonly numbers: Int32Array;
  readonly energy?: number | undefined;
  readonly forces?: Float64Array | undefined;
  /** Structures of one formula and group are conformers of each other. */
  readonly group?: string | undefined;
}

/** Structures or atoms from a value (included) to the next one (not included). */
export interface Range {
  readonly from: number;
  /** Infinity for the last one. */
  readonly to: number;
}

export interface Worst {
  readonly name: string;
  readonly formula: string;
  /** eV per atom, model − label; undefined without a label. */
  readonly energy: number | undefined;
  /** Largest |ΔF| of an atom, eV/Å. */
  readonly forces: number | undefined;
  /** Largest σ_F of an atom, eV/Å. */
  readonly sigma: number;
}

export interface Trust {
  /** RMS error over RMS σ. */
  readonly factor: number;
  readonly bins: readonly Bin[];
  readonly flagging: Flagging | undefined;
}

export interface Assessment {
  readonly structures: number;
  /** Of whole structures, eV. */
  readonly energy: Errors | undefined;
  /** eV per atom. */
  readonly energyPerAtom: Errors | undefined;
  /** Between conformers, eV: all pairs of structures of one formula and group. */
  readonly differences: { readonly sets: number; readonly errors: Errors } | undefined;
  /** Components, eV/Å. */
  readonly forces: Errors | undefined;
  readonly byElement: ReadonlyMap<string, Errors>;
  readonly bySize: readonly (Range & { energyPerAtom: Errors | undefined; forces: Errors | undefined })[];
  /** By the force of the label on an atom, eV/Å. */
  readonly byForce: readonly (Range & { forces: Errors })[];
  /** |ΔF| of atoms against σ_F, and of structures: is the largest |ΔF| found by the largest σ_F? */
  readonly trustForces: Trust | undefined;
  /** |ΔE|/√N of structures against ρ = σ_E/√N. */
  readonly trustEnergy: Trust | undefined;
  readonly worst: readonly Worst[];
}

const SIZES = [1, 11, 21, 31, 51, 101, 201, 501, Infinity];
const FORCES = [0, 0.5, 1, 2, 5, 10, Infinity];
const WORST = 10;

export interface AssessOptions {
  /** Structures with a larger |ΔF| on an atom are bad, eV/Å; default: the worst twentieth. */
  readonly bad?: number | undefined;
}

/** Takes structures one at a time; keeps a few numbers of each atom. */
export class Assessor {
  #structures = 0;
  readonly #energy = new ErrorSum();
  readonly #perAtom = new ErrorSum();
  readonly #forces = new ErrorSum();
  readonly #byElement = new ErrorSums<string>();
  readonly #sizeEnergy = new ErrorSums<number>();
  readonly #sizeForces = new ErrorSums<number>();
  readonly #byForce = new ErrorSums<number>();
  readonly #sets = new Map<string, number[]>();
  readonly #atoms = { sigma: [] as number[], error: [] as number[] };
  readonly #largest = { sigma: [] as number[], error: [] as number[] };
  readonly #rho = { sigma: [] as number[], error: [] as number[] };
  readonly #worst: Worst[] = [];
  #byForces = false;

  /** @param result with forces and sigma */
  add(name: string, labels: Labels, result: Result): void {
    this.#structures++;
    const formula = formulaOf(labels.numbers);
    const size = binOf(SIZES, labels.numbers.length);
    const energy = this.#addEnergy(labels, result, size, formula);
    const { error: forces, sigma } = this.#addForces(labels, result, size);
    this.#keep({ name, formula, energy, forces, sigma });
  }

  #addEnergy({ numbers, energy, group }: Labels, result: Result, size: number, formula: string): number | undefined {
    if (energy === undefined) return undefined;
    const error = result.energy - energy;
    const perAtom = error / numbers.length;
    this.#energy.add(error);
    this.#perAtom.add(perAtom);
    this.#sizeEnergy.add(size, perAtom);
    const set = `${group ?? ''}\n${formula}`;
    const known = this.#sets.get(set);
    if (known === undefined) this.#sets.set(set, [error]);
    else known.push(error);
    if (result.rho !== undefined) {
      this.#rho.sigma.push(result.rho);
      this.#rho.error.push(Math.abs(error) / Math.sqrt(numbers.length));
    }
    return perAtom;
  }

  #addForces({ numbers, forces }: Labels, result: Result, size: number) {
    const worst = { error: undefined as number | undefined, sigma: 0 };
    for (const [i, number] of numbers.entries()) {
      const sigma = result.sigmaForces?.[i] ?? 0;
      worst.sigma = Math.max(worst.sigma, sigma);
      if (forces === undefined) continue;
      const magnitude = binOf(FORCES, Math.hypot(forces[3 * i], forces[3 * i + 1], forces[3 * i + 2]));
      let squared = 0;
      for (let k = 3 * i; k < 3 * i + 3; k++) {
        const error = result.forces![k] - forces[k];
        squared += error * error;
        this.#forces.add(error);
        this.#byElement.add(symbolOf(number), error);
        this.#sizeForces.add(size, error);
        this.#byForce.add(magnitude, error);
      }
      worst.error = Math.max(worst.error ?? 0, Math.sqrt(squared));
      this.#atoms.sigma.push(sigma);
      this.#atoms.error.push(Math.sqrt(squared));
    }
    if (worst.error !== undefined) {
      this.#largest.sigma.push(worst.sigma);
      this.#largest.error.push(worst.error);
    }
    return worst;
  }

  /** The worst ones so far, by forces as soon as one structure has them. */
  #keep(one: Worst): void {
    if (one.forces !== undefined && !this.#byForces) {
      this.#byForces = true;
      this.#worst.length = 0;
    }
    const size = (of: Worst) => (this.#byForces ? of.forces : of.energy && Math.abs(of.energy));
    if (size(one) === undefined) return;
    this.#worst.push(one);
    this.#worst.sort((a, b) => size(b)! - size(a)!);
    this.#worst.length = Math.min(this.#worst.length, WORST);
  }

  /** @throws MltsError E_EMPTY where nothing was labelled */
  result({ bad }: AssessOptions = {}): Assessment {
    if (this.#energy.get() === undefined && this.#forces.get() === undefined) {
      throw new MltsError(
        'E_EMPTY',
        `none of ${this.#structures} structures has energy or forces`,
        'Give labelled structures: extended XYZ with energy= in the header or a column forces, or a data set.',
      );
    }
    const differences = new PairDifferences();
    const sets = [...this.#sets.values()].filter((errors) => errors.length > 1);
    for (const errors of sets) differences.add(errors);
    const pairs = differences.get();
    const bySize = (sums: ErrorSums<number>) => sums.sorted((a, b) => a - b);
    const [sizeEnergy, sizeForces] = [bySize(this.#sizeEnergy), bySize(this.#sizeForces)];
    const sizes = [...new Set([...sizeEnergy.keys(), ...sizeForces.keys()])].sort((a, b) => a - b);
    return {
      structures: this.#structures,
      energy: this.#energy.get(),
      energyPerAtom: this.#perAtom.get(),
      differences: pairs && { sets: sets.length, errors: pairs },
      forces: this.#forces.get(),
      byElement: this.#byElement.sorted((a, b) => numberOf(a)! - numberOf(b)!),
      bySize: sizes.map((k) => ({
        ...{ from: SIZES[k], to: SIZES[k + 1] },
        ...{ energyPerAtom: sizeEnergy.get(k), forces: sizeForces.get(k) },
      })),
      byForce: [...bySize(this.#byForce)].map(([k, forces]) => ({ from: FORCES[k], to: FORCES[k + 1], forces })),
      trustForces: trust(this.#atoms, this.#largest, bad),
      trustEnergy: trust(this.#rho, this.#rho, undefined),
      worst: this.#worst,
    };
  }
}

interface Points {
  readonly sigma: readonly number[];
  readonly error: readonly number[];
}

function trust(points: Points, structures: Points, bad: number | undefined): Trust | undefined {
  const factor = calibrationOf(points);
  if (factor === undefined) return undefined;
  const threshold = bad ?? quantile(structures.error, 0.95);
  return { factor, bins: reliability(points), flagging: flagging(structures, threshold) };
}

const binOf = (edges: readonly number[], value: number): number => edges.findIndex((edge) => value < edge) - 1;

/** Atoms by symbol, by atomic number: ethanol is H6C2O. */
export const formulaOfCounts = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort(([a], [b]) => numberOf(a)! - numberOf(b)!)
    .map(([symbol, count]) => `${symbol}${count > 1 ? count : ''}`)
    .join('');

export function formulaOf(numbers: Int32Array): string {
  const counts = new Map<string, number>();
  for (const number of numbers) counts.set(symbolOf(number), (counts.get(symbolOf(number)) ?? 0) + 1);
  return formulaOfCounts(counts);
}
