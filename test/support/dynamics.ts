/** Systems for analytic potentials. */
import type { Start } from '../../src/dynamics/options.ts';
import { inverse } from '../../src/engine/cell.ts';
import { Analytic } from './analytic.ts';

/** 32 argon atoms, fcc; masses are dealt out in turn. */
export function argonCrystal(masses: readonly number[] = [39.948], a = 5.25): Start {
  const basis = [
    [0, 0, 0],
    [0, 0.5, 0.5],
    [0.5, 0, 0.5],
    [0.5, 0.5, 0],
  ];
  const positions: number[] = [];
  for (let i = 0; i < 8; i++) {
    for (const [x, y, z] of basis) positions.push((x + (i & 1)) * a, (y + ((i >> 1) & 1)) * a, (z + (i >> 2)) * a);
  }
  const n = positions.length / 3;
  return {
    numbers: new Int32Array(n).fill(18),
    masses: Float64Array.from({ length: n }, (_, i) => masses[i % masses.length]),
    positions: Float64Array.from(positions),
    cell: Float64Array.of(2 * a, 0, 0, 0, 2 * a, 0, 0, 0, 2 * a),
    pbc: [true, true, true],
  };
}

/** Atoms on springs at the origin, of two masses. */
export const oscillators = (n = 8): Start => ({
  numbers: new Int32Array(n).fill(6),
  masses: Float64Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 12 : 40)),
  positions: new Float64Array(3 * n),
});

/** Atoms that do not see each other in a box of edge a, Å. */
export const idealGas = (n: number, a: number): Start => ({
  numbers: new Int32Array(n).fill(18),
  positions: Float64Array.from({ length: 3 * n }, (_, k) => (a * ((k * 7) % 11)) / 11),
  cell: Float64Array.of(a, 0, 0, 0, a, 0, 0, 0, a),
  pbc: [true, true, true],
});

/**
 * Argon, ε = 0.0104 eV, σ = 3.4 Å: Lennard-Jones whose force goes smoothly to 0 at the cutoff (times (1 − (r/R)²)³).
 * Nearest images only: the cell must be at least twice the cutoff high.
 */
export const argon = (cutoff = 5): Analytic =>
  new Analytic('argon', ({ positions, cell }) => {
    const n = positions.length / 3;
    const forces = new Float64Array(3 * n);
    const virial = new Float64Array(9);
    const h = cell!;
    const g = inverse(h);
    let energy = 0;
    for (let i = 0; i < 3 * n; i += 3) {
      for (let j = 0; j < i; j += 3) {
        let [x, y, z] = [0, 1, 2].map((k) => positions[i + k] - positions[j + k]);
        const a = Math.round(x * g[0] + y * g[3] + z * g[6]);
        const b = Math.round(x * g[1] + y * g[4] + z * g[7]);
        const c = Math.round(x * g[2] + y * g[5] + z * g[8]);
        x -= a * h[0] + b * h[3] + c * h[6];
        y -= a * h[1] + b * h[4] + c * h[7];
        z -= a * h[2] + b * h[5] + c * h[8];
        const r2 = x * x + y * y + z * z;
        const t = 1 - r2 / cutoff ** 2;
        if (t <= 0) continue;
        const s6 = ((3.4 * 3.4) / r2) ** 3;
        const pair = 4 * 0.0104 * (s6 * s6 - s6);
        energy += pair * t ** 3;
        // −dE/dr / r
        const f = (24 * 0.0104 * (2 * s6 * s6 - s6) * t ** 3) / r2 + (pair * 6 * t * t) / cutoff ** 2;
        const d = [x, y, z];
        for (let k = 0; k < 3; k++) {
          forces[i + k] += f * d[k];
          forces[j + k] -= f * d[k];
          for (let l = 0; l < 3; l++) virial[3 * k + l] += f * d[k] * d[l];
        }
      }
    }
    return { energy, forces, virial };
  });
