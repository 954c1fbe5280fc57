/** Energy of a molecule against a torsion angle. */
import { relax } from '../dynamics/minimise/relax.ts';
import type { Potential, Result, System } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { dihedral, dihedralGradient, type Quartet, sideOf, turned, wrapAngle } from './dihedral.ts';
import { adjusted, type Compute, outcomes, spread, systemOf } from './evaluate.ts';

export interface TorsionOptions extends Compute {
  /** Radians between points; default 15°. */
  readonly step?: number | undefined;
  /** Let all else relax at each angle. */
  readonly relax?: boolean | undefined;
}

export interface TorsionPoint {
  /** Radians, what it was asked to be. */
  readonly angle: number;
  /** What it is, on the same turn: restraints hold it within a milliradian or so. */
  readonly reached: number;
  /** Above the lowest point, eV; or why there is none. */
  readonly energy: number | MltsError;
  /** Standard deviation of that difference over the members, eV. */
  readonly deviation: number;
  readonly system: System;
}

/** eV/rad²: the slope of a torsion (≤ 0.5 eV/rad) moves a minimum by a milliradian. */
const STIFFNESS = 500;
/** eV/Å: methyl groups turn so easily that 0.01 would leave 0.01 kcal/mol between mirror images. */
const FORCE = 0.001;

/** A system whose torsion is held at an angle. */
interface Held extends System {
  readonly target: number;
}

/**
 * A scan of φ over the whole turn, all angles at once. In a relaxed scan each molecule has the restraint ½k(φ − φ₀)² while it is
 * minimised; its energy is taken without.
 * @throws MltsError E_USAGE for atoms that are no torsion of this molecule
 */
export async function torsionScan(
  potential: Potential,
  molecule: System,
  quartet: Quartet,
  options: TorsionOptions = {},
): Promise<TorsionPoint[]> {
  const { step = Math.PI / 12, signal } = options;
  checkQuartet(molecule, quartet);
  const side = sideOf(molecule, quartet[1], quartet[2]);
  if (!side.includes(quartet[3])) {
    throw new MltsError(
      'E_USAGE',
      `atom ${quartet[3]} does not turn with atom ${quartet[2]}`,
      'Give a chain, i-j-k-l.',
    );
  }
  const count = Math.max(1, Math.round((2 * Math.PI) / step));
  const now = dihedral(molecule.positions, quartet);
  const systems = Array.from({ length: count }, (_, i): Held => {
    const target = wrapAngle(-Math.PI + ((i + 1) * 2 * Math.PI) / count);
    const positions = turned(molecule.positions, side, quartet[1], quartet[2], target - now);
    return { ...systemOf(molecule), positions, target };
  });
  const relaxed = options.relax
    ? await relax(restrained(potential, quartet), systems, { fmax: FORCE, precision: 'double', signal })
    : systems.map((system) => ({ system, converged: true, steps: 0, fmax: 0 }));
  const found = relaxed.map((outcome, i) => (outcome instanceof MltsError ? systems[i] : outcome.system));
  const evaluated = await outcomes(potential, found.map(systemOf), ['memberEnergies'], options);
  const states = relaxed.map((outcome, i): Result | MltsError => {
    if (outcome instanceof MltsError) return outcome;
    if (!outcome.converged) {
      return new MltsError(
        'E_LIMIT',
        `not relaxed after ${outcome.steps} steps`,
        'Scan with a smaller step, or from another conformer.',
      );
    }
    return evaluated[i];
  });
  const whole = states.filter((state): state is Result => !(state instanceof MltsError));
  if (whole.length === 0) throw states.find((state) => state instanceof MltsError)!;
  const lowest = whole.reduce((a, b) => (b.energy < a.energy ? b : a));
  return states.map((state, i) => ({
    angle: systems[i].target,
    reached: systems[i].target + wrapAngle(dihedral(found[i].positions, quartet) - systems[i].target),
    energy: state instanceof MltsError ? state : state.energy - lowest.energy,
    deviation:
      state instanceof MltsError
        ? Number.NaN
        : spread(state.memberEnergies!.map((e, m) => e - lowest.memberEnergies![m])),
    system: systemOf(found[i]),
  }));
}

/** A minimum or a maximum of the energy. */
export interface Stationary {
  readonly kind: 'minimum' | 'maximum';
  /** Radians. */
  readonly angle: number;
  /** Above the lowest point of the scan, eV; a little below 0 where the parabola goes deeper than the points. */
  readonly energy: number;
}

/** Where a scan of a whole turn has its minima and maxima, each on the parabola through three neighbouring points. */
export function stationaryPoints(points: readonly TorsionPoint[]): Stationary[] {
  const n = points.length;
  return points.flatMap((point, i): Stationary[] => {
    const [before, after] = [points[(i + n - 1) % n], points[(i + 1) % n]];
    const [a, b, c] = [before.energy, point.energy, after.energy];
    if (a instanceof MltsError || b instanceof MltsError || c instanceof MltsError) return [];
    const isMaximum = b > a && b >= c;
    if (!isMaximum && !(b < a && b <= c)) return [];
    const left = wrapAngle(before.reached - point.reached);
    const right = wrapAngle(after.reached - point.reached);
    // b + slope·x + bend·x² through (left, a), (0, b) and (right, c)
    const bend = ((c - b) / right - (a - b) / left) / (right - left);
    const slope = (c - b) / right - bend * right;
    const off = -slope / (2 * bend);
    const kind = isMaximum ? 'maximum' : 'minimum';
    return [{ kind, angle: wrapAngle(point.reached + off), energy: b + (slope * off) / 2 }];
  });
}

/** Minimisers keep what else a system holds, so each brings its own target. */
function restrained(potential: Potential, quartet: Quartet): Potential {
  return adjusted(potential, (result, system) => {
    const off = wrapAngle(dihedral(system.positions, quartet) - (system as Held).target);
    const gradient = dihedralGradient(system.positions, quartet);
    const forces = result.forces!.slice();
    for (const [place, atom] of quartet.entries()) {
      for (let k = 0; k < 3; k++) forces[3 * atom + k] -= STIFFNESS * off * gradient[3 * place + k];
    }
    return { ...result, forces, energy: result.energy + 0.5 * STIFFNESS * off * off };
  });
}

function checkQuartet({ numbers }: System, quartet: Quartet): void {
  const beyond = quartet.find((atom) => atom >= numbers.length);
  if (beyond !== undefined) {
    throw new MltsError(
      'E_USAGE',
      `there is no atom ${beyond}: the molecule has ${numbers.length}`,
      'Atoms count from 0.',
    );
  }
  if (new Set(quartet).size < 4) {
    throw new MltsError('E_USAGE', `${quartet.join('-')} names an atom twice`, 'Give four different atoms.');
  }
}
