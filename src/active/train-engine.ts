/**
 * What makes a model of a round's data. mlts itself, or any program that reads extended XYZ and writes a `.mlts` file
 * (docs/model-format.md): it is started as the config says, with
 *
 *     {train}   extended XYZ with all frames to learn from: energy, forces, virial, level (docs/datasets.md)
 *     {validation}   the same to know by when to stop
 *     {model}   the file to write
 *     {seed}    a whole number
 *     {name}    what the model is to be called
 *
 * ends with 0 when the file is there, and with anything else when the training failed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { MltsError, systemReason } from '../errors.ts';
import { OutputFile } from '../io/write.ts';
import { loadModelAndCard } from '../model/load.ts';
import { findModel } from '../model/registry.ts';
import { openLabelled } from '../training/files.ts';
import type { TrainingHost } from '../training/host.ts';
import { joinMembers, train } from '../training/run.ts';
import { checkpointOf, memberOutput } from '../training/saved.ts';
import { createTrainer } from '../training/trainer.ts';
import type { Config, OutsideTrainer, TrainingFiles } from './config.ts';
import type { SlurmSettings } from './executors/settings.ts';
import { SlurmExecutor } from './executors/slurm.ts';
import { type MemberRecord, takingUp, writeMembers } from './members.ts';
import type { Host } from './stage.ts';

export interface TrainRequest {
  readonly data: TrainingFiles;
  /** Without `.mlts`. */
  readonly output: string;
  readonly seed: number;
  readonly host: Host;
  readonly signal: AbortSignal;
}

/** Writes OUTPUT.mlts. @throws MltsError E_UNSTABLE where the training diverged; E_CANCELLED */
export function trainModel({ name, training, trainOn }: Config, request: TrainRequest): Promise<void> {
  if (typeof training !== 'function') return trainOutside(name, training, request);
  return trainOn === undefined ? trainHere(training, request) : trainByTasks(training, trainOn, request);
}

async function trainHere(
  recipeOf: Exclude<Config['training'], OutsideTrainer>,
  { data, output, seed, host, signal }: TrainRequest,
): Promise<void> {
  const recipe = recipeOf(data, output, seed);
  const checkpoint = checkpointOf(output);
  await takingUp(checkpoint, (resume) => train(recipe, TOOLS, { resume, force: !resume, host: watch(host), signal }));
  rmSync(checkpoint, { force: true });
}

/** A task for each member, the ensemble of them here. */
async function trainByTasks(
  recipeOf: Exclude<Config['training'], OutsideTrainer>,
  settings: SlurmSettings,
  { data, output, seed, host, signal }: TrainRequest,
): Promise<void> {
  const recipe = recipeOf(data, output, seed);
  const members = recipe.members ?? (await loadModelAndCard(await findModel(recipe.init!))).card.members;
  const folder = `${output}.members-${seed}`;
  mkdirSync(folder, { recursive: true });
  const manifest = writeMembers(folder, recipe, members);
  const records: MemberRecord[] = [];
  host.progress(0, members, 'members');
  await new SlurmExecutor(settings).train(manifest, {
    onResult: (record) => {
      records.push(record);
      host.progress(records.length, members, 'members');
    },
    say: (text) => host.say(text),
    signal,
  });
  const failure = records.find((record) => record.failure !== undefined)?.failure;
  if (failure !== undefined) throw new MltsError(failure.code, failure.what, `See ${folder}.`);
  await joinMembers(recipe, TOOLS, { resume: false, force: true, host: watch(host), signal });
  rmSync(folder, { recursive: true, force: true });
  for (let member = 0; member < members; member++) {
    for (const ending of ['checkpoint', 'csv']) rmSync(`${memberOutput(output, member)}.${ending}`, { force: true });
  }
  rmSync(checkpointOf(output), { force: true });
}

const TOOLS = { open: openLabelled, createTrainer };

const watch = (host: Host): TrainingHost => ({
  say: () => undefined,
  warn: (text) => host.warn(text),
  epoch: () => undefined,
  progress: ({ epoch, epochs }) => host.progress(epoch, epochs, 'epochs'),
});

async function trainOutside(
  name: string,
  { command }: OutsideTrainer,
  { data, output, seed, host, signal }: TrainRequest,
): Promise<void> {
  const model = `${output}.mlts`;
  const [all, judged] = [`${output}.train.extxyz`, `${output}.validation.extxyz`];
  join(data.train, all);
  join(data.validation, judged);
  const values: Readonly<Record<string, string>> = { train: all, validation: judged, model, seed: String(seed), name };
  const [program, ...rest] = command.map((word) => word.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all));
  const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'pipe'], signal });
  let last = '';
  child.stderr.on('data', (text) => {
    last = `${last}${text}`.slice(-2000);
  });
  host.progress(0, 1, program);
  const [code] = await once(child, 'close').catch((cause) => {
    if (signal.aborted) throw new MltsError('E_CANCELLED', 'the training was interrupted', 'Go on with --resume.');
    const what = `${program} cannot be started (${systemReason(cause)})`;
    throw new MltsError('E_UNAVAILABLE', what, "Correct training's command.", { cause });
  });
  if (code === 0 && existsSync(model)) return;
  const words = last.trim().split('\n').at(-1) || 'it said nothing';
  throw new MltsError('E_UNSTABLE', `${program} ended with ${code} and no model: ${words}`, 'Correct the program.');
}

function join(files: readonly string[], to: string): void {
  const all = new OutputFile(to);
  try {
    for (const file of files) all.write(readFileSync(file));
    all.commit();
  } finally {
    all.discard();
  }
}
