/** A simulation as a stage runs it: its steps, what it shows, and the walkers that ended early. */
import type { Want } from '../../engine/potential.ts';
import { asMltsError, MltsError } from '../../errors.ts';
import type { AtomArray, Structure } from '../../io/structure.ts';
import type { Calibration, ModelInfo } from '../../model/model.ts';
import { type DynamicsStage, isUncertainty } from '../input/stages.ts';
import type { Start } from '../options.ts';
import { type SavedSimulation, Simulation } from '../simulation.ts';
import type { Walker } from '../walker.ts';
import { checkCalibration, met } from './conditions.ts';
import { type Context, nameOf, ofWalker } from './context.ts';
import type { LogRow } from './log-table.ts';

/** A frame that met a condition. */
export interface Event {
  readonly frame: Structure;
  /** `walker 3, step 120: max_sigma_force 0.61 > 0.5` */
  readonly text: string;
}

export interface Frame {
  readonly walker: number;
  readonly structure: Structure;
}

/** What a checkpoint keeps of it. */
interface Saved {
  readonly simulation: SavedSimulation;
  /** Why walkers stand still, by their place. */
  readonly ended: readonly (readonly [place: number, why: Ending])[];
  /** Walkers that met a condition of `dump` at this step. */
  readonly dumping: readonly number[];
}

type Means = Pick<Context, 'run' | 'potential'>;

interface Ending {
  readonly text: string;
  /** A fault, not a condition that the user set. */
  readonly fault: boolean;
  /** Of the state that it stands in: for a fault the last good one. */
  readonly step: number;
}

const HYDROGEN = 1;

export class Stepper {
  readonly steps: number;
  /** fs */
  readonly timestep: number;
  readonly #stage: DynamicsStage;
  readonly #simulation: Simulation;
  readonly #structures: readonly Structure[];
  /** Name and SHA-256 of the model, for every frame. */
  readonly #model: { readonly model: string; readonly model_sha256: string };
  readonly #calibration: Calibration | undefined;
  readonly #ended = new Map<number, Ending>();
  readonly #dumping = new Set<number>();
  #events: Event[] = [];

  private constructor(
    stage: DynamicsStage,
    structures: readonly Structure[],
    timestep: number,
    steps: number,
    simulation: Simulation,
    model: ModelInfo,
  ) {
    this.#stage = stage;
    this.#structures = structures;
    this.timestep = timestep;
    this.steps = steps;
    this.#simulation = simulation;
    this.#model = { model: model.name, model_sha256: model.sha256 };
    this.#calibration = model.calibration;
  }

  /** Sees that a stage can be done with these structures. @throws MltsError E_USAGE, E_CELL, E_SPECIES */
  static check(stage: DynamicsStage, structures: readonly Structure[], context: Means): void {
    checkCalibration(stage.name, [...stage.stop, ...stage.dump], context.potential.model);
    prepare(stage, structures, context).simulation.close();
  }

  /** @param saved goes on from there @throws MltsError E_USAGE, E_CELL; the fault of the first structure that is refused */
  static async open(
    stage: DynamicsStage,
    structures: readonly Structure[],
    context: Means,
    saved: unknown,
  ): Promise<Stepper> {
    for (const structure of structures) checkVelocities(stage, structure);
    const { simulation, timestep, steps } = prepare(stage, structures, context);
    const stepper = new Stepper(stage, structures, timestep, steps, simulation, context.potential.model);
    if (saved !== undefined) {
      const state = saved as Saved;
      simulation.restore(state.simulation);
      for (const [walker, why] of state.ended) stepper.#end(walker, why);
      for (const walker of state.dumping) stepper.#dumping.add(walker);
      return stepper;
    }
    await simulation.start(stepper.#wanted());
    for (const [walker, { failure }] of simulation.walkers.entries()) {
      if (failure !== undefined) throw ofWalker(failure, structures[walker]);
    }
    return stepper;
  }

  get step(): number {
    return this.#simulation.step;
  }

  /** Walkers that move. */
  get moving(): number {
    return this.#simulation.moving.length;
  }

  /** Why nothing moves any more: the first fault, or the first condition in words. */
  get ending(): MltsError | string | undefined {
    const all = [...this.#ended];
    const faulty = all.find(([, { fault }]) => fault);
    if (faulty === undefined) return all[0]?.[1].text;
    return ofWalker(this.#simulation.walkers[faulty[0]].failure!, this.#structures[faulty[0]]);
  }

  /** @throws MltsError where the evaluation failed as a whole; all walkers are then where they were before */
  async advance(): Promise<void> {
    const { step } = this;
    const moving = this.#simulation.moving;
    try {
      await this.#simulation.advance(this.#wanted());
    } catch (error) {
      for (const walker of moving) walker.fail(asMltsError(error));
      this.#simulation.step = step;
      throw error;
    }
    this.#takeFailures();
    if (this.#stage.stop.length + this.#stage.dump.length === 0) return;
    for (const [walker, one] of this.#walkers()) {
      const observables = this.#simulation.observe(one);
      const first = (conditions: DynamicsStage['stop']) => {
        for (const condition of conditions) {
          const words = met(condition, one, observables, this.#calibration);
          if (words !== undefined) return words;
        }
        return undefined;
      };
      const stop = first(this.#stage.stop);
      const dump = first(this.#stage.dump);
      // A condition that stays met saves one frame, the first.
      const isNew = dump !== undefined && !this.#dumping.has(walker);
      if (dump === undefined) this.#dumping.delete(walker);
      else this.#dumping.add(walker);
      if (stop === undefined && !isNew) continue;
      const text = `${nameOf(this.#structures[walker])}step ${this.step}: ${stop ?? dump}`;
      this.#events.push({ frame: this.#frame(walker, text), text });
      if (stop !== undefined) this.#end(walker, { text, fault: false, step: this.step });
    }
  }

  /** What happened since it was asked last. */
  takeEvents(): readonly Event[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Walkers that move, as they are now. */
  frames(): Frame[] {
    return this.#walkers().map(([walker]) => ({ walker: this.#numberOf(walker), structure: this.#frame(walker) }));
  }

  /** Walkers that go on to the next stage. */
  survivors(): Structure[] {
    return this.#walkers().map(([walker]) => this.#frame(walker));
  }

  /** All walkers, as they are now or where they ended. */
  states(): Structure[] {
    return this.#structures.map((_, walker) => {
      const ended = this.#ended.get(walker);
      return this.#frame(walker, ended?.text, ended?.step);
    });
  }

  rows(): LogRow[] {
    return this.#walkers().map(([walker, one]) => {
      const observables = this.#simulation.observe(one);
      const number = this.#numberOf(walker);
      return { step: this.step, time: this.#simulation.time, walker: number, mass: one.mass, ...observables };
    });
  }

  save(): unknown {
    return {
      simulation: this.#simulation.save(),
      ended: [...this.#ended],
      dumping: [...this.#dumping],
    } satisfies Saved;
  }

  close(): void {
    this.#simulation.close();
  }

  #walkers(): [number, Walker][] {
    return [...this.#simulation.walkers.entries()].filter(([, { failure }]) => failure === undefined);
  }

  /** σ and pressure where this step shows or watches them. */
  #wanted(): Want[] {
    const { stop, dump, log, every } = this.#stage;
    const next = this.step + 1;
    const shows = this.step === 0 || next % log === 0 || next % every === 0 || next === this.steps;
    return [
      ...(shows || [...stop, ...dump].some(({ quantity }) => isUncertainty(quantity)) ? (['sigma'] as const) : []),
      ...(shows ? (['virial'] as const) : []),
    ];
  }

  /** Walkers whose last step failed: the last good frame of each is an event. */
  #takeFailures(): void {
    for (const [walker, { failure }] of this.#simulation.walkers.entries()) {
      if (failure === undefined || this.#ended.has(walker)) continue;
      const text = `${nameOf(this.#structures[walker])}step ${this.step}: ${failure.message}`;
      const step = this.step - 1;
      this.#events.push({ frame: this.#frame(walker, text, step), text });
      this.#end(walker, { text, fault: true, step }, failure);
    }
  }

  #end(walker: number, why: Ending, failure?: MltsError): void {
    this.#ended.set(walker, why);
    this.#simulation.walkers[walker].failure ??=
      failure ?? new MltsError('E_CANCELLED', why.text, 'The condition is one that the run was given.');
  }

  /** Its number among those that the run began with. */
  #numberOf(walker: number): number {
    return (this.#structures[walker].info.walker as number | undefined) ?? walker;
  }

  #frame(walker: number, event?: string, step = this.step): Structure {
    const { state, result } = this.#simulation.walkers[walker];
    const { info } = this.#structures[walker];
    const vectors = (data: Float64Array): AtomArray => ({ kind: 'real', columns: 3, data: data.slice() });
    return {
      numbers: state.numbers,
      positions: state.positions.slice(),
      cell: state.cell?.slice(),
      pbc: state.pbc,
      info: {
        ...(info.walker !== undefined && { walker: info.walker }),
        ...{ step, time: step * this.timestep },
        ...(result && { energy: result.energy }),
        ...(result?.sigmaEnergy !== undefined && { sigma_energy: result.sigmaEnergy }),
        ...this.#model,
        ...(event !== undefined && { event }),
      },
      arrays: {
        velocities: vectors(state.velocities),
        ...(result?.forces && { forces: vectors(result.forces) }),
        ...(result?.sigmaForces && { sigma_forces: { kind: 'real', columns: 1, data: result.sigmaForces } }),
      },
    };
  }
}

function prepare(stage: DynamicsStage, structures: readonly Structure[], { run, potential }: Means) {
  const timestep = stage.timestep ?? (structures.some(({ numbers }) => numbers.includes(HYDROGEN)) ? 0.5 : 1);
  const steps = 'steps' in stage.duration ? stage.duration.steps : Math.ceil(stage.duration.time / timestep - 1e-9);
  const simulation = new Simulation(structures.map(startOf), {
    ...stage,
    ...{ potential, timestep, precision: run.precision, duration: steps * timestep },
    ...(stage.velocities !== undefined && { draw: stage.velocities }),
    // Each stage draws other numbers, whatever the seed.
    seed: run.seed + 2 ** 32 * run.stages.indexOf(stage),
  });
  return { simulation, timestep, steps };
}

function startOf({ numbers, positions, cell, pbc, arrays }: Structure): Start {
  return { numbers, positions, cell, pbc, velocities: velocitiesOf(arrays) };
}

function velocitiesOf({ velocities: given }: Structure['arrays']): Float64Array | undefined {
  return given?.kind === 'real' && given.columns === 3 ? given.data : undefined;
}

/** @throws MltsError E_USAGE where a stage needs velocities that nobody gave */
function checkVelocities(stage: DynamicsStage, structure: Structure): void {
  const given = velocitiesOf(structure.arrays) ?? stage.velocities ?? stage.temperature;
  if (given !== undefined) return;
  throw new MltsError(
    'E_USAGE',
    `${stage.name}: ${nameOf(structure)}the structure has no velocities, and the stage draws none`,
    'Give velocities: a temperature in K, 0 to start at rest.',
  );
}
