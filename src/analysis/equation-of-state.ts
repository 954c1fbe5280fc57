/** Equations of state: energy against volume at rest. */
import { MltsError } from '../errors.ts';
import { derivatives, levenbergMarquardt, polynomial } from './fit.ts';

export const EQUATIONS = ['birch-murnaghan', 'vinet'] as const;
export type EquationName = (typeof EQUATIONS)[number];

/** All per atom, or all per cell, as the points were. */
export interface EquationOfState {
  readonly equation: EquationName;
  /** Å³ at zero pressure. */
  readonly volume: number;
  /** eV there. */
  readonly energy: number;
  /** B there, eV/Å³. */
  readonly modulus: number;
  /** dB/dp */
  readonly derivative: number;
  /** Root mean square of what the fit leaves, eV. */
  readonly residual: number;
}

/**
 * E(V) through points.
 * Third order Birch–Murnaghan is a cubic in V^(−2/3), so its least squares are linear; Vinet's are found from there.
 * Source: Birch, doi:10.1103/PhysRev.71.809; Vinet et al., doi:10.1029/JB092iB09p09319; energies as Cohen, Gülseren and Hemley,
 * doi:10.2138/am-2000-2-312, eqs. 9 and 14.
 * @param volumes Å³, five or more @param energies eV
 * @throws MltsError E_USAGE where the points hold no minimum
 */
export function fitEquation(
  equation: EquationName,
  volumes: readonly number[],
  energies: readonly number[],
): EquationOfState {
  if (volumes.length < 5) {
    throw new MltsError(
      'E_USAGE',
      `${volumes.length} volumes do not determine an equation of state`,
      'Take five or more.',
    );
  }
  const birch = birchMurnaghan(volumes, energies);
  if (equation === 'birch-murnaghan') return birch;
  const { volume, energy, modulus, derivative } = birch;
  // Relative to the energy of the minimum: total energies are large, and their differences are what is fitted.
  const [shift, v0, b, b1] = levenbergMarquardt(
    (v, [e, ...rest]) => e + vinet(v, rest[0], rest[1], rest[2]),
    volumes,
    energies.map((value) => value - energy),
    [0, volume, modulus, derivative],
  );
  const found = { volume: v0, energy: energy + shift, modulus: b, derivative: b1 };
  return { equation, ...found, residual: residual('vinet', found, volumes, energies) };
}

/** Energy above the minimum, eV. */
function vinet(volume: number, v0: number, modulus: number, derivative: number): number {
  const x = Math.cbrt(volume / v0);
  const c = derivative - 1;
  return ((2 * modulus * v0) / (c * c)) * (2 - (5 + 3 * derivative * (x - 1) - 3 * x) * Math.exp(-1.5 * c * (x - 1)));
}

function birchEnergy(volume: number, v0: number, modulus: number, derivative: number): number {
  const f = (v0 / volume) ** (2 / 3) - 1;
  return ((9 * v0 * modulus) / 16) * (f ** 3 * derivative + f * f * (2 - 4 * f));
}

/** E at a volume, eV. */
export function energyAt(state: Omit<EquationOfState, 'residual'>, volume: number): number {
  const shape = state.equation === 'vinet' ? vinet : birchEnergy;
  return state.energy + shape(volume, state.volume, state.modulus, state.derivative);
}

function birchMurnaghan(volumes: readonly number[], energies: readonly number[]): EquationOfState {
  const lowest = energies.indexOf(Math.min(...energies));
  const [unit, zero] = [volumes[lowest], energies[lowest]];
  // u = (V/unit)^(−2/3) is near 1.
  const u = volumes.map((volume) => (volume / unit) ** (-2 / 3));
  const c = polynomial(
    u.map((value) => value - 1),
    energies.map((energy) => energy - zero),
    3,
  );
  const at = stationary(c);
  const [least, most] = [Math.min(...volumes), Math.max(...volumes)];
  const volume = at === undefined ? Number.NaN : unit * (1 + at) ** -1.5;
  if (at === undefined || !(volume >= least && volume <= most)) {
    throw new MltsError(
      'E_USAGE',
      `the energy has no minimum between ${least.toFixed(3)} and ${most.toFixed(3)} Å³`,
      'Move or widen the range of volumes.',
    );
  }
  const [value, , second, third] = derivatives(c, at);
  const x = 1 + at;
  // dE/dV by the chain rule with u = (V/unit)^(−2/3) and dE/du = 0.
  const [u1, u2] = [(-2 / 3) * (x / volume), (10 / 9) * (x / volume ** 2)];
  const e2 = second * u1 * u1;
  const e3 = third * u1 ** 3 + 3 * second * u1 * u2;
  const found = { volume, energy: zero + value, modulus: volume * e2, derivative: -1 - (volume * e3) / e2 };
  return {
    equation: 'birch-murnaghan',
    ...found,
    residual: residual('birch-murnaghan', found, volumes, energies),
  };
}

/** Where c₁ + 2c₂x + 3c₃x² = 0 with positive curvature. */
function stationary([, c1, c2, c3]: readonly number[]): number | undefined {
  const root = c2 * c2 - 3 * c1 * c3;
  if (root < 0) return undefined;
  // Stable for small c₃; the curvature there is +2√root.
  return c2 >= 0 ? -c1 / (c2 + Math.sqrt(root)) : (-c2 + Math.sqrt(root)) / (3 * c3);
}

function residual(
  equation: EquationName,
  found: Omit<EquationOfState, 'residual' | 'equation'>,
  volumes: readonly number[],
  energies: readonly number[],
): number {
  const squares = volumes.map((volume, i) => (energies[i] - energyAt({ equation, ...found }, volume)) ** 2);
  return Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / volumes.length);
}
