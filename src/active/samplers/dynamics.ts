/**
 * Dynamics that looks for what the model does not know: each walker goes through a temperature and a density of its own,
 *
 *     X(t) = X_start + (X_end − X_start) t/t_max + X_amp sin²(π t/X_per),
 *
 * drawn at random, until the members disagree; that frame is proposed. Source: doi:10.1038/s41467-021-21376-0.
 */
import type { Condition } from '../../dynamics/input/stages.ts';
import type { Start } from '../../dynamics/options.ts';
import { met } from '../../dynamics/run/conditions.ts';
import type { Schedule } from '../../dynamics/schedule.ts';
import { Simulation } from '../../dynamics/simulation.ts';
import type { Walker } from '../../dynamics/walker.ts';
import type { Potential } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import { isTight, type Proposals, type Range, within } from './sampler.ts';

/** Of what a schedule is drawn. */
export interface ScheduleRanges {
  readonly start: Range;
  readonly end: Range;
  readonly amplitude: Range;
  /** fs */
  readonly period: Range;
}

export interface DynamicsSettings {
  /** fs */
  readonly timestep: number;
  /** t_max, fs */
  readonly duration: number;
  /** Steps between two looks at σ. */
  readonly every: number;
  /** 1/friction of the Langevin thermostat, fs. */
  readonly thermostatTime: number;
  /** K */
  readonly temperature: ScheduleRanges;
  /** g/cm³; undefined: the cell stays. */
  readonly density: ScheduleRanges | undefined;
  /** On σ, any one of which ends a walker. */
  readonly uncertain: readonly Condition[];
  /** Frames with two atoms closer than that are of no use to anybody, Å. */
  readonly minDistance: number;
}

/**
 * All walkers at once. Proposed frames say in `step`, `time` (fs) and `reason` what ended them. A walker that the potential
 * refuses or that runs away is ended at its last good frame. `discarded` counts walkers that came to their end without a
 * disagreement (`certain`) and frames that are `too close`.
 * @param random uniform in [0,1), for schedules @param seed of velocities and of the thermostat
 * @throws MltsError E_CANCELLED when `signal` fires
 */
export async function explore(
  potential: Potential,
  starts: readonly Structure[],
  settings: DynamicsSettings,
  { random, seed, signal }: { random: () => number; seed: number; signal: AbortSignal },
): Promise<Proposals> {
  const { timestep, duration, every, thermostatTime, uncertain, minDistance } = settings;
  const discarded = { certain: 0, 'too close': 0 };
  const frames: Structure[] = [];
  const end = (walker: Walker, step: number, reason: string): void => {
    const { numbers, positions, cell, pbc } = walker.state;
    const info = { step, time: step * timestep, reason };
    const frame = { numbers, positions: positions.slice(), cell: cell?.slice(), pbc, info, arrays: {} };
    if (isTight(frame, minDistance)) discarded['too close']++;
    else frames.push(frame);
  };
  const sound = starts.filter((start) => !isTight(start, minDistance));
  discarded['too close'] += starts.length - sound.length;
  if (sound.length === 0) return { frames, discarded };
  const systems = sound.map(({ numbers, positions, cell, pbc }): Start => {
    const temperature = drawSchedule(settings.temperature, random);
    const density = settings.density && drawSchedule(settings.density, random);
    return { numbers, positions, cell, pbc, temperature, density };
  });
  const simulation = new Simulation(systems, {
    ...{ potential, timestep, duration, thermostatTime, seed },
    ...{ ensemble: 'nvt', thermostat: 'langevin', temperature: systems[0].temperature },
    ...{ barostat: 'rescale', barostatTime: 1, cell: 'isotropic', compressibility: 1 },
  });
  try {
    const steps = Math.ceil(duration / timestep - 1e-9);
    let moving: readonly Walker[] = simulation.walkers;
    await simulation.start(['sigma']);
    for (let step = 0; ; ) {
      const failed = moving.filter(({ failure }) => failure !== undefined);
      for (const walker of failed) end(walker, Math.max(0, step - 1), walker.failure!.what);
      const look = step % every === 0 || step === steps;
      for (const walker of look ? simulation.moving : []) {
        const observables = simulation.observe(walker);
        const reason = uncertain.map((condition) => met(condition, walker, observables)).find((words) => words);
        if (reason === undefined) continue;
        end(walker, step, reason);
        walker.failure = ENDED;
      }
      moving = simulation.moving;
      if (step === steps || moving.length === 0) break;
      if (signal.aborted) throw cancelled();
      await simulation.advance(++step % every === 0 || step === steps ? ['sigma'] : []);
    }
    discarded.certain += moving.length;
  } finally {
    simulation.close();
  }
  return { frames, discarded };
}

/** Why a walker that was uncertain stands still. */
const ENDED = new MltsError('E_CANCELLED', 'the members disagree', 'The frame is proposed.');

const cancelled = () => new MltsError('E_CANCELLED', 'the sampling was interrupted', 'Run the stage again.');

function drawSchedule({ start, end, amplitude, period }: ScheduleRanges, random: () => number): Schedule {
  return {
    from: within(start, random),
    to: within(end, random),
    amplitude: within(amplitude, random),
    period: within(period, random),
  };
}
