/** Potentials whose minima, saddles and curvatures are known in closed form. */
import type {
  EvaluateOptions,
  Outcome,
  Potential,
  Result,
  System,
  Trajectory,
  Want,
} from '../../src/engine/potential.ts';
import type { ModelInfo } from '../../src/model/model.ts';

/** A potential out of one function; counts its calls. */
export class Analytic implements Potential {
  readonly backend = 'reference';
  readonly model: ModelInfo;
  /** Systems of each call. */
  readonly calls: number[] = [];
  /** Trajectories created and not closed. */
  open = 0;
  readonly #compute: (system: System) => Outcome;

  constructor(name: string, compute: (system: System) => Outcome) {
    this.model = {
      ...{ name, sha256: Buffer.from(name.padEnd(32, '.')).toString('hex').slice(0, 64), architecture: 'ani' },
      ...{ elements: [1, 6, 7, 8, 13, 18], members: 1, cutoff: 5, reach: 5, minDistance: 0.1 },
    };
    this.#compute = compute;
  }

  async evaluate(batch: readonly System[], want: ReadonlySet<Want>, _options?: EvaluateOptions): Promise<Outcome[]> {
    this.calls.push(batch.length);
    return batch.map((system) => {
      const outcome = this.#compute(system);
      if (outcome instanceof Error || !want.has('sigma')) return outcome;
      const n = system.numbers.length;
      return {
        ...outcome,
        sigmaEnergy: 0,
        rho: 0,
        sigmaEnergies: new Float64Array(n),
        sigmaForces: new Float64Array(n),
      };
    });
  }

  createTrajectory(): Trajectory {
    this.open++;
    return { close: () => void this.open-- };
  }

  memoryBytes(): number {
    return 0;
  }

  close(): void {
    this.calls.length = 0;
  }
}

/** Lennard-Jones, ε = 1 eV, σ = 1 Å; periodic images within the cutoff, where the pair energy is shifted to 0. */
export const lennardJones = (cutoff = Number.POSITIVE_INFINITY): Analytic =>
  new Analytic('lennard-jones', ({ positions, cell, pbc }) => {
    const n = positions.length / 3;
    const result: Required<Pick<Result, 'energy' | 'forces' | 'virial'>> = {
      energy: 0,
      forces: new Float64Array(3 * n),
      virial: new Float64Array(9),
    };
    const shift = Number.isFinite(cutoff) ? 4 * (cutoff ** -12 - cutoff ** -6) : 0;
    const images = (axis: number) => (pbc?.[axis] && cell ? Math.ceil((2 * cutoff) / cell[4 * axis]) : 0);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        for (let a = -images(0); a <= images(0); a++) {
          for (let b = -images(1); b <= images(1); b++) {
            for (let c = -images(2); c <= images(2); c++) {
              if (i === j && a === 0 && b === 0 && c === 0) continue;
              const d = [0, 1, 2].map((k) => {
                const lattice = cell ? a * cell[k] + b * cell[3 + k] + c * cell[6 + k] : 0;
                return positions[3 * j + k] - positions[3 * i + k] + lattice;
              });
              const r2 = d[0] ** 2 + d[1] ** 2 + d[2] ** 2;
              if (r2 >= cutoff ** 2) continue;
              const s6 = r2 ** -3;
              result.energy += 0.5 * (4 * (s6 * s6 - s6) - shift);
              const slope = (-24 * (2 * s6 * s6 - s6)) / r2;
              for (let k = 0; k < 3; k++) {
                result.forces[3 * i + k] += slope * d[k];
                for (let m = 0; m < 3; m++) result.virial[3 * k + m] -= 0.5 * slope * d[k] * d[m];
              }
            }
          }
        }
      }
    }
    return result;
  });

/** Müller and Brown's surface in x and y, eV = 1/100 of theirs; each atom for itself. Source: doi:10.1007/BF00547608 */
export const muellerBrown = (): Analytic =>
  new Analytic('mueller-brown', ({ positions }) => {
    const [A, a, b, c] = [
      [-200, -100, -170, 15],
      [-1, -1, -6.5, 0.7],
      [0, 0, 11, 0.6],
      [-10, -10, -6.5, 0.7],
    ];
    const [x0, y0] = [
      [1, 0, -0.5, -1],
      [0, 0.5, 1.5, 1],
    ];
    let energy = 0;
    const forces = new Float64Array(positions.length);
    for (let i = 0; i < positions.length; i += 3) {
      energy += 5 * positions[i + 2] ** 2;
      forces[i + 2] -= 10 * positions[i + 2];
      for (let k = 0; k < 4; k++) {
        const [dx, dy] = [positions[i] - x0[k], positions[i + 1] - y0[k]];
        const term = (A[k] / 100) * Math.exp(a[k] * dx * dx + b[k] * dx * dy + c[k] * dy * dy);
        energy += term;
        forces[i] -= term * (2 * a[k] * dx + b[k] * dy);
        forces[i + 1] -= term * (b[k] * dx + 2 * c[k] * dy);
      }
    }
    return { energy, forces };
  });
