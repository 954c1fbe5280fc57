/** A torsion's energies against known ones. */
import type { Quartet } from '../../analysis/dihedral.ts';
import { firstFrame } from '../../analysis/frames.ts';
import { torsionScan } from '../../analysis/torsion.ts';
import {
  atoms,
  list,
  logical,
  missing,
  number,
  type Rule,
  refuse,
  settings,
  text,
} from '../../dynamics/input/rules.ts';
import { MltsError } from '../../errors.ts';
import { attempt } from './attempt.ts';
import type { Measurement } from './metric.ts';
import { fileRule, readTable } from './reference.ts';

/** Degrees, eV. */
type Point = readonly [angle: number, energy: number];

const quartet: Rule<Quartet> = (input) => {
  const found = atoms(input);
  const [i, j, k, l] = found;
  return found.length === 4 ? [i, j, k, l] : refuse(input, 'four atoms of a chain, like 0,1,2,3');
};

/** Angles that are off by this many degrees are others. */
const SLACK = 0.5;

/** Points at multiples of a step that divides the turn. */
const points: Rule<string | readonly Point[]> = (input) => {
  if (input.items === undefined) return fileRule(input);
  const found = list(list(number(), 2))(input) as readonly Point[];
  return stepOf(found) === undefined
    ? refuse(input, '[angle, energy] at multiples of a step like 30, degrees and eV')
    : found;
};

/** Degrees; undefined where the angles are no multiples of one that divides the turn. */
function stepOf(found: readonly Point[]): number | undefined {
  const angles = found.map(([angle]) => angle).sort((a, b) => a - b);
  const gap = Math.min(...angles.slice(1).map((angle, k) => angle - angles[k]));
  if (!(gap > 2 * SLACK && gap <= 180)) return undefined;
  const step = 360 / Math.round(360 / gap);
  return angles.every((angle) => Math.abs(angle - step * Math.round(angle / step)) < SLACK) ? step : undefined;
}

/** As `mlts analyze torsion --out FILE.csv` writes it. */
function fromTable(file: string): readonly Point[] {
  const { names, rows } = readTable(file);
  const [angle, energy] = ['angle_deg', 'energy_eV'].map((name) => names.indexOf(name));
  const found = rows.map((row): Point => [row[angle], row[energy]]);
  if (angle >= 0 && energy >= 0 && stepOf(found) !== undefined) return found;
  throw new MltsError(
    'E_FILE',
    `${file} holds no torsion: columns angle_deg, at multiples of a step that divides 360, and energy_eV`,
    'Make it with `mlts analyze torsion … --out FILE.csv`.',
  );
}

/** Root mean square of what the energies are off, up to a constant, meV. */
export const torsion: Rule<Measurement> = (input) => {
  const given = settings<{
    kind?: string;
    name?: string;
    structure?: string;
    atoms?: Quartet;
    reference?: string | readonly Point[];
    relax?: boolean;
  }>(
    { ...{ kind: text, name: text, structure: fileRule }, atoms: quartet, reference: points, relax: logical },
    'a torsion',
  )(input);
  const { name = 'torsion', structure, reference, atoms: chain, relax = true } = given;
  if (structure === undefined) throw missing(input, 'of which molecule', 'structure');
  if (chain === undefined) throw missing(input, 'which torsion', 'atoms');
  if (reference === undefined) throw missing(input, 'what its energies should be', 'reference');
  return {
    name,
    measure: async ({ potential, say, signal }) => {
      const want = typeof reference === 'string' ? fromTable(reference) : reference;
      const step = (stepOf(want)! * Math.PI) / 180;
      const scan = await attempt(name, say, () =>
        torsionScan(potential, firstFrame(structure), chain, { step, relax, signal }),
      );
      const off = want.map(([angle, energy]) => {
        const turn = (one: number) => Math.abs((((((one * 180) / Math.PI - angle) % 360) + 540) % 360) - 180);
        const at = scan?.find((point) => turn(point.angle) < SLACK)?.energy;
        return typeof at === 'number' ? at - energy : Number.NaN;
      });
      const mean = off.reduce((sum, value) => sum + value, 0) / off.length;
      const rms = Math.sqrt(off.reduce((sum, value) => sum + (value - mean) ** 2, 0) / off.length);
      const value = Number.isFinite(rms) ? 1e3 * rms : Infinity;
      return [{ name: `${name}: profile`, value, unit: 'meV', resolution: 1 }];
    },
  };
};
