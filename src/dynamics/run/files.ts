/** What the files of a run are called. */
import { existsSync, rmSync } from 'node:fs';
import { MltsError } from '../../errors.ts';
import type { DynamicsStage, RelaxStage, RunInput, Stage } from '../input/stages.ts';
import { trajectoryFiles } from '../output/trajectory-file.ts';

/** `NAME` for the stage of a run that has only one, `NAME.STAGE` otherwise. */
export const stageName = ({ output, stages }: RunInput, { name }: Stage): string =>
  stages.length === 1 ? output : `${output}.${name}`;

export const checkpointFile = ({ output }: RunInput): string => `${output}.checkpoint`;
/** The state that a run reached, whatever ended it: frames with velocities that another run can start from. */
export const lastFile = ({ output }: RunInput): string => `${output}.last.extxyz`;
export const logFile = (run: RunInput, stage: DynamicsStage): string => `${stageName(run, stage)}.csv`;
/** Frames that met a condition. */
export const eventsFile = (run: RunInput, stage: DynamicsStage): string => `${stageName(run, stage)}.events.extxyz`;
export const relaxedFile = (run: RunInput, stage: RelaxStage): string => `${stageName(run, stage)}.extxyz`;

/** The frames of a stage, one file, or one a walker. */
export function framesOf(run: RunInput, stage: DynamicsStage | RelaxStage, walkers: number): string[] {
  if (stage.kind === 'relax') return [relaxedFile(run, stage)];
  return trajectoryFiles({ name: stageName(run, stage), format: run.format, walkers });
}

/** Every file that the run will write. */
function allFiles(run: RunInput, walkers: number): string[] {
  const files = [checkpointFile(run), lastFile(run)];
  for (const stage of run.stages) {
    if (stage.kind === 'analyse') continue;
    files.push(...framesOf(run, stage, walkers));
    if (stage.kind === 'dynamics') files.push(logFile(run, stage), eventsFile(run, stage));
  }
  return files;
}

/**
 * Sees that nothing of an earlier run is lost.
 * @param force removes what is there
 * @throws MltsError E_USAGE where a file of the run exists
 */
export function clearFiles(run: RunInput, walkers: number, force: boolean): void {
  for (const file of allFiles(run, walkers)) {
    if (!existsSync(file)) continue;
    if (!force) {
      throw new MltsError(
        'E_USAGE',
        `${file} exists`,
        'Go on from the checkpoint with --resume, replace it with --force, or choose another --output.',
      );
    }
    rmSync(file);
  }
}
