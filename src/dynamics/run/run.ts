/** A run: its stages one after another, so that whatever ends it leaves files to go on from. */
import type { Potential } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';
import { formatExtxyz } from '../../io/extxyz.ts';
import type { Structure } from '../../io/structure.ts';
import { OutputFile } from '../../io/write.ts';
import {
  type AnalyseStage,
  type DynamicsStage,
  REFERENCE,
  type RelaxStage,
  type RunInput,
  type Stage,
} from '../input/stages.ts';
import { coordinatesOf, relax } from '../minimise/relax.ts';
import { writeCheckpoint } from '../output/checkpoint.ts';
import { type Context, type Host, nameOf, ofWalker, type StageEnd } from './context.ts';
import { runDynamics } from './dynamics.ts';
import { checkpointFile, clearFiles, framesOf, lastFile, logFile, relaxedFile } from './files.ts';
import { checkModel, type Saved, type SavedDynamics } from './saved.ts';
import { Stepper } from './stepper.ts';

export interface RunOptions {
  readonly host: Host;
  readonly signal: AbortSignal;
  /** Replace the files of an earlier run. */
  readonly force?: boolean | undefined;
}

/**
 * A run from its beginning.
 * @param walkers the structures that step together; velocities (Å/fs) among their arrays are taken
 * @throws MltsError E_USAGE where files of another run are in the way; E_CANCELLED where the signal fired; the reason where a
 *   stage stopped before its end. The last state is on disk by then.
 */
export async function startRun(
  run: RunInput,
  walkers: readonly Structure[],
  potential: Potential,
  options: RunOptions,
): Promise<void> {
  if (walkers.length === 0) {
    throw new MltsError(
      'E_EMPTY',
      `no structures in ${run.structure} at index ${run.index}`,
      'Check the file and the index.',
    );
  }
  for (const stage of run.stages) checkStage(stage, walkers, run, potential);
  clearFiles(run, walkers.length, options.force ?? false);
  const { name, sha256 } = potential.model;
  const numbered = walkers.map((one, walker) => ({ ...one, info: { ...one.info, walker } }));
  await stages(
    {
      ...{ model: { name, sha256 }, input: run, stage: 0, total: walkers.length },
      ...{ walkers: walkers.length > 1 ? numbered : walkers, dynamics: undefined },
    },
    potential,
    options,
  );
}

/** Sees before the first step that the last stage can be done. */
function checkStage(stage: Stage, walkers: readonly Structure[], run: RunInput, potential: Potential): void {
  if (stage.kind === 'dynamics') Stepper.check(stage, walkers, { run, potential });
  if (stage.kind === 'relax') for (const walker of walkers) coordinatesOf(walker, stage);
}

/** A run from its checkpoint. @throws as `startRun`; E_HASH where the model is another one */
export async function resumeRun(saved: Saved, potential: Potential, options: RunOptions): Promise<void> {
  checkModel(saved, potential);
  await stages(saved, potential, options);
}

async function stages(saved: Saved, potential: Potential, { host, signal }: RunOptions): Promise<void> {
  const { input: run, total } = saved;
  let { walkers, dynamics } = saved;
  for (let at = saved.stage; at < run.stages.length; at++) {
    const began = walkers;
    const save = (state: SavedDynamics | undefined) =>
      writeCheckpoint(checkpointFile(run), { ...saved, stage: at, walkers: began, dynamics: state } satisfies Saved);
    if (at > saved.stage) save(undefined);
    const end = await oneStage(run.stages[at], walkers, { run, potential, host, signal, total, save }, dynamics);
    writeFrames(lastFile(run), end.states);
    if (end.stopped instanceof MltsError) throw end.stopped;
    if (signal.aborted) {
      if (run.stages[at].kind !== 'dynamics') save(undefined);
      throw interrupted(run);
    }
    if (end.stopped !== undefined) {
      host.warn(`${run.stages[at].name}: ${end.stopped}; the last state is in ${lastFile(run)}`);
      return;
    }
    ({ walkers } = end);
    dynamics = undefined;
  }
}

async function oneStage(
  stage: Stage,
  walkers: readonly Structure[],
  context: Context,
  dynamics: SavedDynamics | undefined,
): Promise<StageEnd> {
  if (stage.kind === 'dynamics') return runDynamics(stage, walkers, context, dynamics);
  if (stage.kind === 'relax') return runRelax(stage, walkers, context);
  return runAnalysis(stage, walkers, context);
}

async function runRelax(stage: RelaxStage, walkers: readonly Structure[], context: Context): Promise<StageEnd> {
  const { run, potential, host, signal } = context;
  const outcomes = await relax(
    potential,
    walkers.map(({ numbers, positions, cell, pbc }) => ({ numbers, positions, cell, pbc })),
    {
      ...stage,
      precision: run.precision,
      signal,
      onStep: ({ step, fmax, moving }) =>
        host.progress({
          ...{ stage: stage.name, step, steps: undefined },
          values: { moving: String(moving), 'max |F|': `${fmax.toPrecision(3)} eV/Å` },
        }),
    },
  );
  const relaxed = outcomes.map((outcome, walker): Structure => {
    if (outcome instanceof MltsError) throw ofWalker(outcome, walkers[walker]);
    const { system, result, fmax, steps, converged } = outcome;
    if (!converged && !signal.aborted) {
      host.warn(
        `${stage.name}: ${nameOf(walkers[walker])}not relaxed after ${steps} steps, the largest force is ${fmax.toPrecision(3)} eV/Å`,
      );
    }
    return {
      ...walkers[walker],
      ...{ positions: system.positions, cell: system.cell },
      info: { ...walkers[walker].info, energy: result.energy },
      arrays: { forces: { kind: 'real', columns: 3, data: result.forces! } },
    };
  });
  writeFrames(relaxedFile(run, stage), relaxed);
  const most = Math.max(...outcomes.map((outcome) => (outcome instanceof MltsError ? 0 : outcome.steps)));
  await host.say(`${stage.name}: ${most} steps, written to ${relaxedFile(run, stage)}\n`);
  return { walkers: relaxed, states: relaxed, stopped: undefined };
}

async function runAnalysis(
  stage: AnalyseStage,
  walkers: readonly Structure[],
  { run, host, total }: Context,
): Promise<StageEnd> {
  const words = stage.arguments.flatMap((word) => {
    const reference = REFERENCE.exec(word);
    if (reference === null) return [word];
    const source = run.stages.find(({ name }) => name === reference[1]) as DynamicsStage | RelaxStage;
    return reference[2] === undefined ? framesOf(run, source, total) : [logFile(run, source as DynamicsStage)];
  });
  await host.analyse(words);
  return { walkers, states: walkers, stopped: undefined };
}

function interrupted(run: RunInput): MltsError {
  return new MltsError(
    'E_CANCELLED',
    `interrupted; the last state is in ${lastFile(run)}`,
    `Go on with \`mlts md --resume --output ${run.output}\`.`,
  );
}

function writeFrames(file: string, frames: readonly Structure[]): void {
  const output = new OutputFile(file);
  for (const frame of frames) output.write(formatExtxyz(frame));
  output.commit();
}
