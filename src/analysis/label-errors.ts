/** How far a model is from labels, and whether its own σ says so. */
import { symbolOf } from '../elements.ts';
import type { Result } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import type { Structure } from '../io/structure.ts';

/** Mean absolute and root-mean-square error, the largest, and how many there were. */
export interface Errors {
  readonly mean: number;
  readonly root: number;
  readonly largest: number;
  readonly count: number;
}

export interface LabelErrors {
  readonly structures: number;
  /** eV per atom; undefined where no structure has an energy. */
  readonly energy: Errors | undefined;
  /** The same with the mean difference taken off, which is what differences of energies see. */
  readonly relative: Errors | undefined;
  /** Components, eV/Å, by element and of all. */
  readonly forces: ReadonlyMap<string, Errors>;
  /** Atoms in ten bins of equal size by σ_F: root mean square of σ_F and of the error of the force vector, eV/Å. */
  readonly calibration: readonly { readonly sigma: number; readonly error: number }[];
}

const BINS = 10;

/** Collects differences structure by structure; labels are `energy` in the header and `forces` per atom, eV and eV/Å. */
export class ErrorStatistics {
  #structures = 0;
  readonly #energies: number[] = [];
  readonly #forces = new Map<string, number[]>();
  readonly #atoms: { sigma: number; squared: number }[] = [];

  /** @param result with forces and sigma */
  add({ numbers, info, arrays }: Structure, result: Result): void {
    this.#structures++;
    if (typeof info.energy === 'number') this.#energies.push((result.energy - info.energy) / numbers.length);
    const labels = arrays.forces ?? arrays.force;
    if (labels === undefined || labels.kind !== 'real' || labels.columns !== 3) return;
    for (const [i, number] of numbers.entries()) {
      const symbol = symbolOf(number);
      const errors = this.#forces.get(symbol) ?? [];
      this.#forces.set(symbol, errors);
      let squared = 0;
      for (let k = 3 * i; k < 3 * i + 3; k++) {
        const error = result.forces![k] - labels.data[k];
        errors.push(error);
        squared += error * error;
      }
      this.#atoms.push({ sigma: result.sigmaForces![i], squared });
    }
  }

  /** @throws MltsError E_EMPTY where nothing was labelled */
  result(): LabelErrors {
    if (this.#energies.length === 0 && this.#forces.size === 0) {
      throw new MltsError(
        'E_EMPTY',
        `none of ${this.#structures} structures has energy or forces`,
        'Give extended XYZ with energy= in the header or a column forces.',
      );
    }
    const shift = this.#energies.reduce((sum, error) => sum + error, 0) / this.#energies.length;
    const forces = new Map([...this.#forces].map(([symbol, errors]) => [symbol, summarise(errors)]));
    if (forces.size > 1) forces.set('all', summarise([...this.#forces.values()].flat()));
    return {
      structures: this.#structures,
      energy: this.#energies.length > 0 ? summarise(this.#energies) : undefined,
      relative: this.#energies.length > 1 ? summarise(this.#energies.map((error) => error - shift)) : undefined,
      forces,
      calibration: this.#calibration(),
    };
  }

  #calibration(): LabelErrors['calibration'] {
    const sorted = [...this.#atoms].sort((a, b) => a.sigma - b.sigma);
    const bins = Math.min(BINS, sorted.length);
    return Array.from({ length: bins }, (_, bin) => {
      const part = sorted.slice(
        Math.floor((bin * sorted.length) / bins),
        Math.floor(((bin + 1) * sorted.length) / bins),
      );
      const root = (of: (atom: { sigma: number; squared: number }) => number) =>
        Math.sqrt(part.reduce((sum, atom) => sum + of(atom), 0) / part.length);
      return { sigma: root(({ sigma }) => sigma * sigma), error: root(({ squared }) => squared) };
    });
  }
}

function summarise(errors: readonly number[]): Errors {
  const n = errors.length;
  return {
    mean: errors.reduce((sum, error) => sum + Math.abs(error), 0) / n,
    root: Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / n),
    largest: errors.reduce((most, error) => Math.max(most, Math.abs(error)), 0),
    count: n,
  };
}
