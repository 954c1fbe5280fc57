/** Many walkers through time together: one evaluation a step for all of them. */

import { massOf, symbolOf } from '../elements.ts';
import type { Want } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { AMU_PER_ANGSTROM3_IN_G_PER_CM3 } from '../units.ts';
import type { Targets } from './integrators/integrator.ts';
import { checkOptions, checkStart, type SimulationOptions, type Start } from './options.ts';
import { constant, valueAt } from './schedule.ts';
import { stateOf, volume } from './state.ts';
import { drawVelocities } from './velocities.ts';
import { type Observables, type SavedWalker, Walker } from './walker.ts';

/** Plain JSON. */
export interface SavedSimulation {
  readonly step: number;
  readonly walkers: readonly SavedWalker[];
}

export class Simulation {
  readonly walkers: readonly Walker[];
  /** Steps done. */
  step = 0;
  readonly #options: SimulationOptions;
  /** Of walkers that have their own. */
  readonly #schedules = new Map<Walker, Pick<Start, 'temperature' | 'density'>>();

  /** @throws MltsError E_USAGE, E_SHAPE, E_CELL, E_SPECIES */
  constructor(systems: readonly Start[], options: SimulationOptions) {
    const { ensemble, temperature, fixed, bonds = [], seed, potential } = options;
    checkOptions(options);
    this.#options = options;
    this.walkers = systems.map((system, w) => {
      checkStart(system, options);
      const state = stateOf(system, system.masses ?? massesOf(system.numbers), system.velocities, fixed);
      const walker = new Walker(state, options, bonds, seed + w, potential);
      const schedules = { temperature: system.temperature ?? temperature, density: system.density ?? options.density };
      this.#schedules.set(walker, schedules);
      const draw = options.draw ?? (system.velocities ? undefined : (schedules.temperature?.from ?? 0));
      if (draw !== undefined) drawVelocities(state, walker.constraints, draw, walker.random);
      else walker.constraints.admit(state, ensemble !== 'nve');
      return walker;
    });
  }

  /** Walkers that move. */
  get moving(): Walker[] {
    return this.walkers.filter(({ failure }) => failure === undefined);
  }

  /** fs since the beginning */
  get time(): number {
    return this.step * this.#options.timestep;
  }

  /** What the present step of a walker is to reach. */
  targets(walker: Walker): Targets {
    const { timestep: dt, duration, pressure = constant(0) } = this.#options;
    const { temperature = constant(0) } = this.#schedules.get(walker)!;
    return {
      dt,
      temperature: valueAt(temperature, this.time, duration),
      pressure: valueAt(pressure, this.time, duration),
    };
  }

  /** Forces at the starting positions. A walker whose structure is refused fails. @throws MltsError of the whole batch */
  async start(also: readonly Want[] = []): Promise<void> {
    const outcomes = await this.#evaluate(this.walkers, also);
    for (const [w, walker] of this.walkers.entries()) {
      const outcome = outcomes[w];
      if (outcome instanceof MltsError) walker.fail(outcome);
      else walker.result = outcome;
    }
  }

  /** One step of every walker that moves. @param also what to evaluate beside forces @throws MltsError of the whole batch */
  async advance(also: readonly Want[] = []): Promise<void> {
    const before = this.moving;
    for (const walker of before) walker.begin(this.targets(walker), this.#scaleOf(walker));
    this.step++;
    const walkers = before.filter(({ failure }) => failure === undefined);
    if (walkers.length === 0) return;
    const outcomes = await this.#evaluate(walkers, also);
    for (const [w, walker] of walkers.entries()) walker.end(outcomes[w], this.targets(walker));
  }

  observe(walker: Walker): Observables {
    return walker.observe(this.targets(walker));
  }

  /** A resumed run goes on from this bit for bit like this one, on as many threads. */
  save(): SavedSimulation {
    return { step: this.step, walkers: this.walkers.map((walker) => walker.save()) };
  }

  /** @throws MltsError E_FILE where it is of other walkers */
  restore({ step, walkers }: SavedSimulation): void {
    if (walkers.length !== this.walkers.length) {
      const what = `the checkpoint has ${walkers.length} walkers, the run ${this.walkers.length}`;
      throw new MltsError('E_FILE', what, 'Resume with the structures that the run began with.');
    }
    this.step = step;
    for (const [w, walker] of this.walkers.entries()) walker.restore(walkers[w]);
  }

  close(): void {
    for (const walker of this.walkers) walker.release();
  }

  #evaluate(walkers: readonly Walker[], also: readonly Want[]) {
    const { potential, precision = 'single' } = this.#options;
    const want = new Set<Want>(['forces', ...also]);
    if (walkers[0]?.integrator.movesCell) want.add('virial');
    return potential.evaluate(
      walkers.map((walker) => walker.system),
      want,
      { precision },
    );
  }

  /** Factor on all lengths that brings a walker to the density of the schedule. */
  #scaleOf(walker: Walker): number {
    const { duration } = this.#options;
    const { density } = this.#schedules.get(walker)!;
    const size = volume(walker.state);
    if (density === undefined || size === undefined) return 1;
    const wanted = valueAt(density, this.time, duration);
    return Math.cbrt(((walker.mass / size) * AMU_PER_ANGSTROM3_IN_G_PER_CM3) / wanted);
  }
}

function massesOf(numbers: Int32Array): Float64Array {
  return Float64Array.from(numbers, (number) => {
    const mass = massOf(number);
    if (mass === undefined) {
      throw new MltsError(
        'E_SPECIES',
        `no mass is known for ${symbolOf(number)}`,
        'Give the masses with the structure.',
      );
    }
    return mass;
  });
}
