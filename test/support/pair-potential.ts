/** Crystals of atoms with pair forces, and what sums over shells say of them in closed form. */
import { visitPairs } from '../../src/analysis/pairs.ts';
import type { Result } from '../../src/engine/potential.ts';
import { Analytic } from './analytic.ts';

/** φ(r) and its first and second derivative, eV and Å. */
export interface PairFunction {
  readonly cutoff: number;
  readonly at: (r: number) => readonly [value: number, first: number, second: number];
}

/** Lennard-Jones, ε = 1 eV, σ = 1 Å, without a switch: no shell of the crystals tested crosses the cutoff. */
export const LENNARD_JONES: PairFunction = {
  cutoff: 2.57,
  at: (r) => [4 * (r ** -12 - r ** -6), 4 * (-12 * r ** -13 + 6 * r ** -7), 4 * (156 * r ** -14 - 42 * r ** -8)],
};

/** The same pair with value and slope 0 at its cutoff. */
export function smooth({ cutoff, at }: PairFunction): PairFunction {
  const [value, first] = at(cutoff);
  return {
    cutoff,
    at: (r) => {
      const [v, f, second] = at(r);
      return [v - value - (r - cutoff) * first, f - first, second];
    },
  };
}

/** Morse, about aluminium of Girifalco and Weizer, doi:10.1103/PhysRev.114.687. */
export const MORSE_ALUMINIUM: PairFunction = smooth({
  cutoff: 9.2,
  at: (r) => {
    const [depth, alpha] = [0.2703, 1.1646];
    const e = Math.exp(-alpha * (r - 3.253));
    return [depth * (e * e - 2 * e), 2 * depth * alpha * (e - e * e), 2 * depth * alpha * alpha * (2 * e * e - e)];
  },
});

/** A potential of these pairs for periodic systems. */
export const pairPotential = (pair: PairFunction): Analytic =>
  new Analytic('pairs', ({ numbers, positions, cell, pbc }) => {
    const n = numbers.length;
    const result: Required<Pick<Result, 'energy' | 'forces' | 'virial' | 'memberEnergies'>> = {
      ...{ energy: 0, forces: new Float64Array(3 * n), virial: new Float64Array(9) },
      memberEnergies: new Float64Array(1),
    };
    // Directions that do not repeat get a cell too long to feel.
    const box = Float64Array.from(cell!, (x, k) => (pbc?.[Math.floor(k / 3)] ? x : k % 4 === 0 ? 500 : 0));
    visitPairs(positions, box, pair.cutoff, (i, j, squared, d) => {
      const r = Math.sqrt(squared);
      const [value, slope] = pair.at(r);
      result.energy += value;
      for (let k = 0; k < 3; k++) {
        const force = (slope * d[k]) / r;
        result.forces[3 * i + k] += force;
        result.forces[3 * j + k] -= force;
        for (let m = 0; m < 3; m++) result.virial[3 * k + m] -= force * d[m];
      }
    });
    result.memberEnergies[0] = result.energy;
    return result;
  });

/** Sums over the neighbours of an atom of a cubic crystal with one atom a lattice point. */
export interface ShellSums {
  /** eV per atom */
  readonly energy: number;
  /** −p, eV/Å³ */
  readonly stress: number;
  /** eV/Å³ at zero pressure. C12 = C44: Cauchy's relation of pair forces. Source: Born and Huang (1954), §11. */
  readonly c11: number;
  readonly c12: number;
}

/** @param a lattice constant, Å @param basis positions in units of a */
export function cubicSums(pair: PairFunction, a: number, basis: readonly (readonly number[])[]): ShellSums {
  const volume = a ** 3 / basis.length;
  const reach = Math.ceil(pair.cutoff / a) + 1;
  let [energy, stress, c11, c12] = [0, 0, 0, 0];
  for (let i = -reach; i <= reach; i++) {
    for (let j = -reach; j <= reach; j++) {
      for (let k = -reach; k <= reach; k++) {
        for (const [u, v, w] of basis) {
          const [x, y, z] = [(i + u) * a, (j + v) * a, (k + w) * a];
          const r = Math.hypot(x, y, z);
          if (r < 1e-9 || r >= pair.cutoff) continue;
          const [value, first, second] = pair.at(r);
          const stiffness = (second - first / r) / (r * r);
          energy += value / 2;
          stress += (first * x * x) / r / (2 * volume);
          c11 += (stiffness * x ** 4) / (2 * volume);
          c12 += (stiffness * x * x * y * y) / (2 * volume);
        }
      }
    }
  }
  return { energy, stress, c11, c12 };
}

/** The lattice constant at zero stress, by bisection between two. */
export function latticeConstant(pair: PairFunction, basis: readonly (readonly number[])[], low: number, high: number) {
  let [from, to] = [low, high];
  for (let step = 0; step < 80; step++) {
    const middle = (from + to) / 2;
    if (cubicSums(pair, middle, basis).stress < 0) from = middle;
    else to = middle;
  }
  return (from + to) / 2;
}

export const FCC_BASIS = [
  [0, 0, 0],
  [0, 0.5, 0.5],
  [0.5, 0, 0.5],
  [0.5, 0.5, 0],
] as const;
