/** One stage of dynamics: steps, and what is written between them. */
import { existsSync } from 'node:fs';
import type { Potential } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';
import { formatExtxyz } from '../../io/extxyz.ts';
import type { Structure } from '../../io/structure.ts';
import { EV_PER_ANGSTROM3_IN_GPA } from '../../units.ts';
import type { DynamicsStage } from '../input/stages.ts';
import { AppendFile } from '../output/append-file.ts';
import { TrajectoryFile } from '../output/trajectory-file.ts';
import type { Context, StageEnd } from './context.ts';
import { eventsFile, logFile, stageName } from './files.ts';
import { CSV_HEADER, csvRow, type LogRow } from './log-table.ts';
import type { SavedDynamics } from './saved.ts';
import { type Frame, Stepper } from './stepper.ts';
import { Stopwatch } from './stopwatch.ts';

/** From the beginning, or from where a checkpoint stands. */
export async function runDynamics(
  stage: DynamicsStage,
  walkers: readonly Structure[],
  context: Context,
  saved: SavedDynamics | undefined,
): Promise<StageEnd> {
  const { run, host, signal } = context;
  const watch = new Stopwatch(context.potential);
  const stepper = await Stepper.open(stage, walkers, { ...context, potential: watch.potential }, saved?.simulation);
  const outputs = new Outputs(stage, context, stepper.timestep, saved);
  const { steps, timestep } = stepper;
  let known: Record<string, string> = {};
  let savedAt = saved === undefined ? -1 : stepper.step;
  const save = () => {
    context.save({ simulation: stepper.save(), ...outputs.places() });
    savedAt = stepper.step;
  };
  const tell = async () => {
    // What triggered comes first: whatever happens next, it is on the disk.
    for (const { frame, text } of stepper.takeEvents()) {
      outputs.event(frame);
      if (context.total > 1 || stepper.ending === undefined) host.warn(`${stage.name}: ${text}`);
    }
    const { step } = stepper;
    const rows = step % stage.log === 0 || step === steps ? stepper.rows() : [];
    if (rows.length > 0) {
      outputs.rows(rows);
      await host.rows(stage.name, rows);
    }
    if (step % stage.every === 0) outputs.frames(stepper.frames());
  };
  try {
    await host.say(
      `${stage.name}: ${describe(walkers)}, ${steps} steps of ${timestep} fs; ${titleOf(context.potential)}\n`,
    );
    if (saved === undefined) {
      await tell();
      save();
    }
    watch.start();
    while (stepper.step < steps && stepper.moving > 0 && !signal.aborted) {
      await stepper.advance();
      await tell();
      const { step } = stepper;
      if (step % run.checkpoint === 0) save();
      watch.step();
      if (watch.isDue()) {
        known = { ...known, ...brief(stepper.rows()) };
        host.progress({ stage: stage.name, step, steps, values: { ...watch.values(step, steps, timestep), ...known } });
      }
    }
    if (savedAt !== stepper.step) save();
    if (watch.steps > 0) await host.say(watch.summary(stage.name, timestep));
    return {
      walkers: stepper.survivors(),
      states: stepper.states(),
      stopped: stepper.moving === 0 ? stepper.ending : undefined,
    };
  } catch (error) {
    // The server or the disk is gone: the checkpoint is good, and so is the state before this step.
    if (error instanceof MltsError) return { walkers: [], states: stepper.states(), stopped: error };
    throw error;
  } finally {
    outputs.close();
    stepper.close();
  }
}

/** `256 atoms`, `3 walkers of 9 to 27 atoms` */
function describe(walkers: readonly Structure[]): string {
  const sizes = walkers.map(({ numbers }) => numbers.length);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const atoms = `${least === most ? most : `${least} to ${most}`} atoms`;
  return walkers.length === 1 ? atoms : `${walkers.length} walkers of ${atoms}`;
}

const titleOf = ({ model }: Potential) => `mlts ${model.name} ${model.sha256.slice(0, 12)}`;

/** A few words on all walkers for the line of progress. */
function brief(rows: readonly LogRow[]): Record<string, string> {
  if (rows.length === 0) return {};
  const mean = rows.reduce((sum, { temperature }) => sum + temperature, 0) / rows.length;
  const [{ pressure, maxSigmaForce }] = rows;
  return {
    T: `${mean.toFixed(0)} K`,
    ...(pressure !== undefined && { p: `${(pressure * EV_PER_ANGSTROM3_IN_GPA).toFixed(2)} GPa` }),
    ...(maxSigmaForce !== undefined && { σ: maxSigmaForce.toFixed(3) }),
  };
}

/** The files of one stage, and its table for people. */
class Outputs {
  readonly #trajectory: TrajectoryFile;
  readonly #log: AppendFile;
  readonly #eventsFile: string;
  #events: AppendFile | undefined;

  constructor(
    stage: DynamicsStage,
    { run, total, potential }: Context,
    timestep: number,
    saved: SavedDynamics | undefined,
  ) {
    const options = {
      name: stageName(run, stage),
      format: run.format,
      walkers: total,
      timestep,
      every: stage.every,
      title: titleOf(potential),
    };
    this.#trajectory = new TrajectoryFile(options, saved?.trajectory);
    this.#log = new AppendFile(logFile(run, stage), saved?.log);
    this.#eventsFile = eventsFile(run, stage);
    if (existsSync(this.#eventsFile)) this.#events = new AppendFile(this.#eventsFile, saved?.events);
    if (saved === undefined) this.#log.append(CSV_HEADER);
  }

  frames(frames: readonly Frame[]): void {
    for (const { walker, structure } of frames) this.#trajectory.write(walker, structure);
  }

  rows(rows: readonly LogRow[]): void {
    this.#log.append(rows.map(csvRow).join(''));
  }

  /** On the disk when this returns, to the last bit. */
  event(frame: Structure): void {
    this.#events ??= new AppendFile(this.#eventsFile);
    this.#events.append(formatExtxyz(frame));
    this.#events.sync();
  }

  /** Where the files stand, all of it on the disk. */
  places(): Omit<SavedDynamics, 'simulation'> {
    for (const file of [this.#trajectory, this.#log, this.#events]) file?.sync();
    return { trajectory: this.#trajectory.place, log: this.#log.size, events: this.#events?.size ?? 0 };
  }

  close(): void {
    for (const file of [this.#trajectory, this.#log, this.#events]) file?.close();
  }
}
