/** One system on its way through time: its state, what moves it, and what the potential last said of it. */

import { symbolOf } from '../elements.ts';
import { determinant } from '../engine/cell.ts';
import type { Potential, Result, System, Trajectory } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { Constraints } from './constraints.ts';
import { chooseIntegrator, type Ensemble, keepsMomentum } from './integrators/choose.ts';
import type { Integrator, Saved, Targets } from './integrators/integrator.ts';
import { Random, type RandomState } from './random.ts';
import { kineticEnergy, type State, temperature, volume } from './state.ts';

/** Å; an atom that moves farther in one step has been thrown. */
const LONGEST_STEP = 1;
/** A cell whose volume changes by more than this factor in one step has collapsed or burst. */
const LARGEST_STRAIN = 10;

/** What a walker looks like at one step. */
export interface Observables {
  /** K */
  readonly temperature: number;
  /** eV */
  readonly potential: number;
  readonly kinetic: number;
  /** Stays constant as dt → 0, eV. */
  readonly conserved: number;
  /** (Tr Σ m v⊗v + Tr W)/3V, of molecules where bonds are kept, eV/Å³; undefined without a volume, or without the virial of this step */
  readonly pressure: number | undefined;
  /** Å³ */
  readonly volume: number | undefined;
  /** eV; undefined without σ of this step */
  readonly sigmaEnergy: number | undefined;
  readonly rho: number | undefined;
  /** eV/Å */
  readonly maxSigmaForce: number | undefined;
  readonly meanSigmaForce: number | undefined;
}

/** Plain JSON. */
export interface SavedWalker {
  readonly positions: readonly number[];
  readonly velocities: readonly number[];
  readonly cell: readonly number[] | undefined;
  readonly energy: number;
  readonly forces: readonly number[];
  readonly virial: readonly number[] | undefined;
  readonly integrator: Saved;
  readonly random: RandomState;
}

export class Walker {
  readonly state: State;
  readonly constraints: Constraints;
  readonly random: Random;
  readonly integrator: Integrator;
  /** Of the present positions. */
  result: Result | undefined;
  /** Why it stands still; its state is then the last good one. */
  failure: MltsError | undefined;
  readonly #potential: Potential;
  #trajectory: Trajectory | undefined;
  readonly #goodPositions: Float64Array;
  readonly #goodVelocities: Float64Array;
  readonly #goodCell: Float64Array | undefined;

  /** @param bonds pairs of atoms whose present distance is kept @throws MltsError E_USAGE, E_CELL */
  constructor(
    state: State,
    ensemble: Ensemble,
    bonds: readonly (readonly [number, number])[],
    seed: number,
    potential: Potential,
  ) {
    this.state = state;
    this.#potential = potential;
    const n = state.numbers.length;
    const isFree = n > 1 && state.mobility.every((one) => one > 0);
    this.constraints = new Constraints(state, bonds, isFree && keepsMomentum(ensemble));
    this.random = new Random(seed);
    this.integrator = chooseIntegrator(ensemble, { constraints: this.constraints, random: this.random });
    state.freedom = this.constraints.freedom(state);
    if (this.integrator.movesCell && volume(state) === undefined) {
      throw new MltsError(
        'E_CELL',
        'npt needs a cell that is periodic in all three directions',
        'Use nvt, or give a structure with a cell and pbc="T T T".',
      );
    }
    const held = this.constraints.bonds.find(
      ({ first, second }) => state.mobility[first] > 0 !== state.mobility[second] > 0,
    );
    if (this.integrator.movesCell && held !== undefined) {
      throw new MltsError(
        'E_USAGE',
        `npt with a bond of atoms ${held.first} and ${held.second}, one of which is fixed`,
        'Fix both, or neither; or use nvt.',
      );
    }
    this.#goodPositions = state.positions.slice();
    this.#goodVelocities = state.velocities.slice();
    this.#goodCell = state.cell?.slice();
  }

  /** What is to be evaluated; borrows the state. */
  get system(): System {
    const { numbers, positions, cell, pbc } = this.state;
    this.#trajectory ??= this.#potential.createTrajectory();
    return { numbers, positions, cell, pbc, trajectory: this.#trajectory };
  }

  get mass(): number {
    return this.state.masses.reduce((sum, mass) => sum + mass, 0);
  }

  /** First part of a step, up to the positions that are evaluated next. Sets `failure` where it cannot. */
  begin(targets: Targets, scale: number): void {
    const { state } = this;
    this.#goodPositions.set(state.positions);
    this.#goodVelocities.set(state.velocities);
    if (state.cell) this.#goodCell?.set(state.cell);
    this.#attempt(() => {
      this.integrator.begin(state, this.result as Required<Result>, targets);
      if (scale !== 1) this.#rescale(scale);
      this.#checkStep(targets.dt);
    });
  }

  /** Second part of a step, with what the potential says of the new positions. */
  end(outcome: Result | MltsError, targets: Targets): void {
    if (outcome instanceof MltsError) {
      this.fail(outcome);
      return;
    }
    this.#attempt(() => {
      this.integrator.end(this.state, outcome as Required<Result>, targets);
      this.result = outcome;
    });
  }

  /** Stops it where it was before the step. */
  fail(error: MltsError): void {
    this.failure = error;
    this.state.positions.set(this.#goodPositions);
    this.state.velocities.set(this.#goodVelocities);
    if (this.#goodCell) this.state.cell?.set(this.#goodCell);
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof MltsError)) throw error;
      this.fail(error);
    }
  }

  /** Changes all lengths, velocities not. */
  #rescale(factor: number): void {
    const m = [factor, 0, 0, 0, factor, 0, 0, 0, factor];
    this.constraints.molecules.strain(this.state, m, [1, 0, 0, 0, 1, 0, 0, 0, 1]);
  }

  /** The cell first: one that collapses throws its atoms too. */
  #checkStep(dt: number): void {
    this.#checkCell();
    const { positions, velocities, numbers } = this.state;
    for (let k = 0; k < positions.length; k++) {
      if (Math.abs(velocities[k]) * dt <= LONGEST_STEP && Number.isFinite(positions[k])) continue;
      const atom = Math.floor(k / 3);
      throw new MltsError(
        'E_UNSTABLE',
        `atom ${atom} (${symbolOf(numbers[atom])}) would move ${(Math.abs(velocities[k]) * dt).toPrecision(3)} Å in one step of ${dt} fs, at most ${LONGEST_STEP} Å is sound`,
        'Use a shorter timestep, relax the structure first, or look whether the model knows such structures (σ).',
        { atom },
      );
    }
  }

  #checkCell(): void {
    const { cell } = this.state;
    if (cell === undefined || this.#goodCell === undefined) return;
    const [before, now] = [determinant(this.#goodCell), determinant(cell)];
    if (now > before / LARGEST_STRAIN && now < before * LARGEST_STRAIN) return;
    throw new MltsError(
      'E_UNSTABLE',
      `the volume of the cell would go from ${before.toPrecision(4)} to ${now.toPrecision(4)} Å³ in one step, at most a factor of ${LARGEST_STRAIN} is sound`,
      'Use a longer barostat time or a smaller compressibility, or relax the cell first.',
    );
  }

  observe(targets: Targets): Observables {
    const { state, result } = this;
    const kinetic = kineticEnergy(state);
    const size = volume(state);
    const { energy = Number.NaN, forces, virial, sigmaForces } = result ?? {};
    const stress = virial && size ? this.constraints.molecules.stress(state, virial, forces!) : undefined;
    return {
      temperature: temperature(kinetic, state.freedom),
      potential: energy,
      kinetic,
      conserved: kinetic + energy + this.integrator.reservoir(state, targets),
      pressure: stress && size ? (stress[0] + stress[4] + stress[8]) / (3 * size) : undefined,
      volume: size,
      sigmaEnergy: result?.sigmaEnergy,
      rho: result?.rho,
      maxSigmaForce: sigmaForces?.reduce((most, one) => Math.max(most, one), 0),
      meanSigmaForce: sigmaForces && sigmaForces.reduce((sum, one) => sum + one, 0) / sigmaForces.length,
    };
  }

  /** The list of neighbours is made anew from here on, as it is in a run that resumes here. */
  save(): SavedWalker {
    this.release();
    const { positions, velocities, cell } = this.state;
    const { energy, forces, virial } = this.result!;
    return {
      positions: [...positions],
      velocities: [...velocities],
      cell: cell && [...cell],
      energy,
      forces: [...forces!],
      virial: virial && [...virial],
      integrator: this.integrator.save(),
      random: this.random.save(),
    };
  }

  restore(saved: SavedWalker): void {
    this.state.positions.set(saved.positions);
    this.state.velocities.set(saved.velocities);
    if (saved.cell) this.state.cell?.set(saved.cell);
    this.integrator.restore(saved.integrator);
    this.random.restore(saved.random);
    this.result = {
      energy: saved.energy,
      forces: Float64Array.from(saved.forces),
      ...(saved.virial && { virial: Float64Array.from(saved.virial) }),
    };
  }

  release(): void {
    this.#trajectory?.close();
    this.#trajectory = undefined;
  }
}
