/** What a checkpoint of a run holds, and who may go on from it. */
import type { Potential } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import type { RunInput } from '../input/stages.ts';
import { readCheckpoint } from '../output/checkpoint.ts';
import type { TrajectoryPlace } from '../output/trajectory-file.ts';
import { checkpointFile } from './files.ts';

export interface Saved {
  readonly model: { readonly name: string; readonly sha256: string };
  readonly input: RunInput;
  /** Place of the stage under way. */
  readonly stage: number;
  /** Walkers that the run began with. */
  readonly total: number;
  /** What that stage began with; velocities (Å/fs) among the arrays. */
  readonly walkers: readonly Structure[];
  /** Where a stage of dynamics stands; undefined at its start, and for other stages, which begin anew. */
  readonly dynamics: SavedDynamics | undefined;
}

export interface SavedDynamics {
  readonly simulation: unknown;
  readonly trajectory: TrajectoryPlace;
  /** Bytes of the log and of the file of events. */
  readonly log: number;
  readonly events: number;
}

/** Settings that may change from one part of a run to the next: they say where, not what. */
const FREE: ReadonlySet<string> = new Set(['model', 'connect', 'keys', 'threads', 'checkpoint']);

/**
 * The checkpoint of a run.
 * @param again what the user asked for this time, where that is more than the name
 * @throws MltsError E_FILE, E_CHECKSUM; E_USAGE where another run is asked for than the one that is saved
 */
export function readSaved(output: string, again: RunInput | undefined): Saved {
  const saved = readCheckpoint(checkpointFile({ output } as RunInput)) as Saved;
  if (again === undefined) return saved;
  const differs = difference(saved.input, again);
  if (differs === undefined) return { ...saved, input: again };
  throw new MltsError(
    'E_USAGE',
    `the checkpoint of ${output} is of another run: ${differs}`,
    `Resume with \`mlts md --resume --output ${output}\` alone, or begin anew with --force.`,
  );
}

/** @throws MltsError E_HASH */
export function checkModel({ model }: Saved, potential: Potential): void {
  if (model.sha256 === potential.model.sha256) return;
  throw new MltsError(
    'E_HASH',
    `the checkpoint was made with ${model.name} ${model.sha256.slice(0, 12)}, this is ${potential.model.name} ${potential.model.sha256.slice(0, 12)}`,
    'Go on with the model that the run began with, or start from NAME.last.extxyz with this one.',
  );
}

/** The first setting that differs, in words. */
function difference(before: RunInput, now: RunInput): string | undefined {
  for (const name of Object.keys(before) as (keyof RunInput)[]) {
    if (FREE.has(name) || name === 'stages') continue;
    if (!same(before[name], now[name])) return told(name, before[name], now[name]);
  }
  if (before.stages.length !== now.stages.length) return told('stages', before.stages.length, now.stages.length);
  for (const [i, stage] of before.stages.entries()) {
    for (const name of Object.keys(stage) as (keyof typeof stage)[]) {
      const [then, asked] = [stage[name], now.stages[i][name]];
      if (!same(then, asked)) return told(`${name} of ${stage.name}`, then, asked);
    }
  }
  return undefined;
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
const told = (name: string, before: unknown, now: unknown) =>
  `${name} was ${JSON.stringify(before)}, now it is ${JSON.stringify(now)}`;
