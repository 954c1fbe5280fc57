/** In what units energies are, and whether forces are their negative gradient: as the numbers themselves tell. */
import { numberOf } from '../../elements.ts';
import { HARTREE, KCAL_PER_MOL } from '../../units.ts';
import type { Frame } from '../dataset.ts';
import type { Summary } from '../summary.ts';

/** Units in which files have total energies, in eV. */
const UNITS = { eV: 1, hartree: HARTREE, 'kcal/mol': KCAL_PER_MOL, 'kJ/mol': KCAL_PER_MOL / 4.184 } as const;
/** How far a molecule's energy may be from the sum of the formula over its atoms. */
const TOLERANCE = 0.15;

/**
 * Total energy of an atom with all its electrons, Hartree: −0.768745 Z^7/3 + Z²/2 − 0.269900 Z^5/3 (Thomas–Fermi, Scott and
 * Schwinger; J. Schwinger, Phys. Rev. A 24, 2353 (1981)), to a few per cent.
 */
export const atomicEnergy = (z: number): number => -0.768745 * z ** (7 / 3) + z ** 2 / 2 - 0.2699 * z ** (5 / 3);

/**
 * The unit of energies that are total ones with all electrons.
 * @returns undefined for energies of another kind: of valence electrons, of formation, relative to free atoms
 */
export function energyUnit(
  summary: Pick<Summary, 'energy' | 'composition' | 'compositions'>,
): keyof typeof UNITS | undefined {
  let [found, expected] = [0, 0];
  const perComposition = summary.compositions.map((counts) =>
    [...counts].reduce((sum, [symbol, count]) => sum + count * atomicEnergy(numberOf(symbol)!), 0),
  );
  for (const [i, energy] of summary.energy.entries()) {
    if (!Number.isFinite(energy)) continue;
    found += energy;
    expected += perComposition[summary.composition[i]];
  }
  const ratio = found / expected;
  for (const [unit, size] of Object.entries(UNITS)) {
    if (Math.abs((ratio * size) / HARTREE - 1) < TOLERANCE) return unit as keyof typeof UNITS;
  }
  return undefined;
}

export interface Consistency {
  /** Pairs of neighbouring frames, or of bonded atoms, that were looked at. */
  readonly pairs: number;
  /** Of ΔE with −½(F₁+F₂)·ΔR, or of bond lengths with −the force along them: near 1 where the sign is right, −1 where not. */
  readonly correlation: number;
  /** ΔE for each unit of work: 1 where energies and forces are in the same units; NaN where only bonds were looked at. */
  readonly slope: number;
}

/** Neighbouring frames count where no atom has moved further, Å. */
const MOST_MOVED = 0.6;
/** Pairs of atoms count as bonded below, Å for hydrogen and for others. */
const BOND = { hydrogen: 1.25, other: 1.75 } as const;
const ENOUGH = 8;
/** Beyond that a frame's forces are rather a failure of the label engine than an answer, eV/Å. */
const ABSURD = 1e4;

/** Looks at frame after frame in their order. */
export class ForceCheck {
  #last: Frame | undefined;
  readonly #work = new Line();
  readonly #bonds = new Map<string, Line>();

  add(frame: Frame): void {
    const { energy, forces } = frame;
    const isUsable =
      forces?.every((component) => Math.abs(component) < ABSURD) === true && frame.positions.every(Number.isFinite);
    if (!isUsable) {
      this.#last = undefined;
      return;
    }
    this.#addBonds(frame);
    const last = this.#last;
    this.#last = frame;
    if (last === undefined || !Number.isFinite(energy) || !Number.isFinite(last.energy) || !sameAtoms(frame, last))
      return;
    let work = 0;
    for (const [k, x] of frame.positions.entries()) {
      const moved = x - last.positions[k];
      if (Math.abs(moved) > MOST_MOVED) return;
      work -= ((forces![k] + last.forces![k]) * moved) / 2;
    }
    if (work !== 0) this.#work.add(work, energy! - last.energy!);
  }

  /** undefined where nothing tells. */
  result(): Consistency | undefined {
    if (this.#work.count >= ENOUGH && Math.abs(this.#work.correlation()) > 0.5) {
      return { pairs: this.#work.count, correlation: this.#work.correlation(), slope: this.#work.slope() };
    }
    const lines = [...this.#bonds.values()].filter(({ count }) => count >= ENOUGH);
    const pairs = lines.reduce((sum, { count }) => sum + count, 0);
    const correlation = lines.reduce((sum, line) => sum - line.centred() * line.count, 0) / pairs;
    return pairs > 0 && Math.abs(correlation) > 0.3 ? { pairs, correlation, slope: Number.NaN } : undefined;
  }

  /** A bond longer than the mean of its kind pulls, a shorter one pushes. */
  #addBonds({ numbers, positions, forces, pbc }: Frame): void {
    if (pbc?.includes(true)) return;
    for (let i = 0; i < numbers.length; i++) {
      for (let j = i + 1; j < numbers.length; j++) {
        const d = [0, 1, 2].map((k) => positions[3 * j + k] - positions[3 * i + k]);
        const r = Math.hypot(...d);
        if (!(r > 0 && r < (numbers[i] === 1 || numbers[j] === 1 ? BOND.hydrogen : BOND.other))) continue;
        const along = d.reduce((sum, x, k) => sum + (x * (forces![3 * j + k] - forces![3 * i + k])) / 2 / r, 0);
        const key = [numbers[i], numbers[j]].sort((a, b) => a - b).join();
        const line = this.#bonds.get(key) ?? new Line();
        line.add(r, along);
        this.#bonds.set(key, line);
      }
    }
  }
}

function sameAtoms(a: Frame, b: Frame): boolean {
  if (a.numbers.length !== b.numbers.length || !a.numbers.every((number, i) => number === b.numbers[i])) return false;
  return a.cell === undefined ? b.cell === undefined : a.cell.every((x, k) => x === b.cell?.[k]);
}

/** Sums over points. */
class Line {
  count = 0;
  #x = 0;
  #y = 0;
  #xx = 0;
  #xy = 0;
  #yy = 0;

  add(x: number, y: number): void {
    this.count++;
    this.#x += x;
    this.#y += y;
    this.#xx += x * x;
    this.#xy += x * y;
    this.#yy += y * y;
  }

  /** About zero. */
  correlation(): number {
    return this.#xy / Math.sqrt(this.#xx * this.#yy);
  }

  slope(): number {
    return this.#xy / this.#xx;
  }

  /** Correlation about the means; 0 where nothing varies. */
  centred(): number {
    const [n, x, y] = [this.count, this.#x / this.count, this.#y / this.count];
    const [xx, yy] = [this.#xx - n * x * x, this.#yy - n * y * y];
    return xx > 0 && yy > 0 ? (this.#xy - n * x * y) / Math.sqrt(xx * yy) : 0;
  }
}
