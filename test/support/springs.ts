/**
 * A potential that needs no model: every atom hangs from the origin on springs, one stiffness a member. Counts its
 * calls, and waits, fails or returns what it is told to.
 */
import type {
  EvaluateOptions,
  Outcome,
  Potential,
  Result,
  System,
  Trajectory,
  Want,
} from '../../src/engine/potential.ts';
import { MltsError } from '../../src/errors.ts';
import type { ModelInfo } from '../../src/model/model.ts';

export interface Call {
  readonly systems: number;
  readonly atoms: number;
  readonly precision: string;
  readonly want: ReadonlySet<Want>;
}

export class Springs implements Potential {
  readonly backend = 'reference';
  readonly model: ModelInfo;
  readonly calls: Call[] = [];
  /** Trajectories that were created and not closed. */
  trajectories = 0;
  /** Awaited by each call, if set: a backend at work. */
  work: ((call: Call, options: EvaluateOptions) => Promise<void>) | undefined;
  /** Replaces a result, if set. */
  spoil: ((result: Result) => Outcome) | undefined;
  /** eV/Å², one a member */
  readonly stiffness: readonly number[];

  constructor(name = 'springs', stiffness: readonly number[] = [1, 3]) {
    this.stiffness = stiffness;
    this.model = {
      name,
      sha256: Buffer.from(name.padEnd(32, '.')).toString('hex').slice(0, 64),
      architecture: 'ani',
      elements: [1, 6, 8],
      members: stiffness.length,
      cutoff: 5,
      reach: 5,
      minDistance: 0.1,
    };
  }

  async evaluate(batch: readonly System[], want: ReadonlySet<Want>, options: EvaluateOptions = {}): Promise<Outcome[]> {
    const atoms = batch.reduce((sum, system) => sum + system.numbers.length, 0);
    const call: Call = { systems: batch.length, atoms, precision: options.precision ?? 'single', want };
    this.calls.push(call);
    await this.work?.(call, options);
    return batch.map((system) => {
      const result = this.#one(system, want);
      return this.spoil === undefined ? result : this.spoil(result);
    });
  }

  #one({ numbers, positions, owned }: System, want: ReadonlySet<Want>): Result {
    const n = owned ?? numbers.length;
    const squares = positions.subarray(0, 3 * n).reduce((sum, x) => sum + x * x, 0);
    const members = this.stiffness.map((k) => 0.5 * k * squares);
    const mean = this.stiffness.reduce((sum, k) => sum + k, 0) / this.stiffness.length;
    const spread = Math.sqrt(
      this.stiffness.reduce((sum, k) => sum + (k - mean) ** 2, 0) / Math.max(1, this.stiffness.length - 1),
    );
    const pulled = (k: number) => positions.map((x, i) => (i < 3 * n ? 0 - k * x : 0));
    const result: Result = { energy: 0.5 * mean * squares };
    if (want.has('forces')) result.forces = pulled(mean);
    if (want.has('virial')) {
      result.virial = new Float64Array(9);
      for (let i = 0; i < 3 * n; i += 3) {
        for (let a = 0; a < 9; a++)
          result.virial[a] -= mean * positions[i + Math.floor(a / 3)] * positions[i + (a % 3)];
      }
    }
    if (want.has('energies'))
      result.energies = Float64Array.from(numbers, (_, i) => (i < n ? 0.5 * mean * square(positions, i) : 0));
    if (want.has('sigma')) {
      result.sigmaEnergy = 0.5 * spread * squares;
      result.rho = result.sigmaEnergy / Math.sqrt(Math.max(1, n));
      result.sigmaEnergies = Float64Array.from(numbers, (_, i) => 0.5 * spread * square(positions, i));
      if (owned === undefined)
        result.sigmaForces = Float64Array.from(numbers, (_, i) => spread * Math.sqrt(square(positions, i)));
    }
    if (want.has('memberEnergies')) result.memberEnergies = Float64Array.from(members);
    if (want.has('memberForces'))
      result.memberForces = Float64Array.from(this.stiffness.flatMap((k) => [...pulled(k)]));
    if (want.has('forceDeviations'))
      result.forceDeviations = Float32Array.from(this.stiffness.flatMap((k) => [...pulled(k - mean)]));
    return result;
  }

  createTrajectory(): Trajectory {
    this.trajectories++;
    let isOpen = true;
    return {
      close: () => {
        if (!isOpen) throw new MltsError('E_INTERNAL', 'a trajectory is closed twice', 'Close it once.');
        isOpen = false;
        this.trajectories--;
      },
    };
  }

  memoryBytes(): number {
    return 8 * this.stiffness.length;
  }

  close(): void {
    this.calls.length = 0;
  }
}

const square = (positions: Float64Array, atom: number): number =>
  positions[3 * atom] ** 2 + positions[3 * atom + 1] ** 2 + positions[3 * atom + 2] ** 2;
