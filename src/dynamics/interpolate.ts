/** First guesses of a path between two structures. */
import { inverse, isPeriodic, periodicCell } from '../engine/cell.ts';
import type { System } from '../engine/potential.ts';
import { product } from './minimise/coordinates.ts';
import { Lbfgs } from './minimise/lbfgs.ts';
import { largestRow } from './minimise/relax.ts';

const MAX_STEPS = 500;
/** Slope of the pair function that counts as level, 1/Å³. */
const LEVEL = 0.005;

/**
 * `images` systems between two ends, and the ends. Atoms of periodic structures take the shortest way; cells are interpolated
 * too. Without a cell the distances between atoms, not the positions, follow straight lines, so that atoms do not pass
 * through each other.
 */
export function interpolate(first: System, last: System, images: number): System[] {
  const band = Array.from({ length: images + 2 }, (_, i) => between(first, last, i / (images + 1)));
  if (isPeriodic(first.pbc)) return band;
  return band.map((system, i) => (i === 0 || i > images ? system : byDistances(system, first, last, i / (images + 1))));
}

function between(first: System, last: System, t: number): System {
  if (!isPeriodic(first.pbc)) {
    const positions = first.positions.map((x, k) => x + t * (last.positions[k] - x));
    return { ...first, positions };
  }
  const cells = [first, last].map(({ cell }) => periodicCell(cell, first.pbc!));
  const cell = cells[0].map((component, k) => component + t * (cells[1][k] - component));
  const [from, to] = [first, last].map(({ positions }, i) => product(positions, inverse(cells[i])));
  const fractions = from.map((s, k) => {
    const step = to[k] - s;
    return s + t * (first.pbc![k % 3] ? step - Math.round(step) : step);
  });
  return { ...first, positions: product(fractions, cell), cell };
}

/**
 * Image-dependent pair potential, S = Σ_{i<j} (d⁰_ij − d_ij)²/d_ij⁴ with d⁰ interpolated between the ends; each image is taken
 * to its minimum. Source: doi:10.1063/1.4878664, eqs. 4–6.
 */
function byDistances(guess: System, first: System, last: System, t: number): System {
  const wanted = pairDistances(first.positions);
  const end = pairDistances(last.positions);
  for (let k = 0; k < wanted.length; k++) wanted[k] += t * (end[k] - wanted[k]);
  const x = guess.positions.slice();
  const minimiser = new Lbfgs();
  for (let step = 0; step < MAX_STEPS; step++) {
    const forces = pairForces(x, wanted);
    if (largestRow(forces) < LEVEL) break;
    minimiser.step(x, forces);
  }
  return { ...guess, positions: x };
}

function pairDistances(positions: Float64Array): Float64Array {
  const n = positions.length / 3;
  const distances = new Float64Array((n * (n - 1)) / 2);
  for (let i = 0, pair = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) distances[pair++] = distance(positions, i, j);
  }
  return distances;
}

/** −∂S/∂r. */
function pairForces(x: Float64Array, wanted: Float64Array): Float64Array {
  const n = x.length / 3;
  const forces = new Float64Array(x.length);
  for (let i = 0, pair = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++, pair++) {
      const d = distance(x, i, j);
      const miss = wanted[pair] - d;
      const slope = (-2 * miss) / d ** 4 - (4 * miss * miss) / d ** 5;
      for (let k = 0; k < 3; k++) {
        const force = (-slope * (x[3 * i + k] - x[3 * j + k])) / d;
        forces[3 * i + k] += force;
        forces[3 * j + k] -= force;
      }
    }
  }
  return forces;
}

/** Never 0, so that atoms on one spot still repel. */
const distance = (x: Float64Array, i: number, j: number) =>
  Math.max(1e-3, Math.hypot(x[3 * i] - x[3 * j], x[3 * i + 1] - x[3 * j + 1], x[3 * i + 2] - x[3 * j + 2]));
