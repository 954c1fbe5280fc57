/**
 * Members of an ensemble as tasks of an executor: a manifest with the recipe, a checkpoint for each member, and a record that
 * appears when it has ended. The recipe's files must be within reach of the nodes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Code, MltsError, systemReason } from '../errors.ts';
import { writeWhole } from '../io/write.ts';
import type { Recipe } from '../training/config/recipe.ts';
import { openLabelled } from '../training/files.ts';
import type { TrainingHost } from '../training/host.ts';
import { trainMember } from '../training/run.ts';
import { checkpointOf, memberOutput } from '../training/saved.ts';
import { createTrainer } from '../training/trainer.ts';

interface Members {
  readonly version: 1;
  readonly recipe: Recipe;
  readonly members: number;
}

/** `member-0.json` … beside the manifest. */
export interface MemberRecord {
  readonly id: string;
  /** Wall time, s. */
  readonly seconds: number;
  /** Why there is none. */
  readonly failure?: { readonly code: Code; readonly what: string };
}

export const memberId = (member: number): string => `member-${member}`;

/** @param folder an existing one @returns the manifest's path @throws MltsError E_DISK */
export function writeMembers(folder: string, recipe: Recipe, members: number): string {
  const manifest = join(folder, 'members.json');
  write(manifest, { version: 1, recipe, members } satisfies Members);
  return manifest;
}

/** @throws MltsError E_FILE, E_VERSION */
export function readMembers(manifest: string): Members {
  const members = read(manifest) as Members;
  if (members.version === 1) return members;
  const what = `${manifest} has version ${String(members.version)}`;
  throw new MltsError('E_VERSION', what, 'Use the mlts that wrote it.');
}

const recordFile = (manifest: string, id: string): string => join(dirname(manifest), `${id}.json`);

export function readMember(manifest: string, id: string): MemberRecord | undefined {
  const file = recordFile(manifest, id);
  return existsSync(file) ? (read(file) as MemberRecord) : undefined;
}

/** @throws MltsError E_DISK */
export function writeMember(
  manifest: string,
  id: string,
  failure?: MemberRecord['failure'],
  seconds = 0,
): MemberRecord {
  const record = { id, seconds: Number(seconds.toFixed(3)), ...(failure && { failure }) };
  write(recordFile(manifest, id), record);
  return record;
}

/**
 * Trains a member, from its checkpoint where it has one, and leaves its record: also where it diverged.
 * @throws MltsError E_CANCELLED; whatever another seed would not mend
 */
export async function workMember(
  manifest: string,
  member: number,
  host: TrainingHost,
  signal: AbortSignal,
): Promise<string> {
  const id = memberId(member);
  if (existsSync(recordFile(manifest, id))) return id;
  const { recipe } = readMembers(manifest);
  const start = performance.now();
  const spent = () => (performance.now() - start) / 1000;
  const tools = { open: openLabelled, createTrainer };
  const begin = (resume: boolean) => trainMember(recipe, member, tools, { resume, force: !resume, host, signal });
  try {
    await takingUp(checkpointOf(memberOutput(recipe.output, member)), begin);
    writeMember(manifest, id, undefined, spent());
  } catch (error) {
    if (!(error instanceof MltsError && error.code === 'E_UNSTABLE')) throw error;
    writeMember(manifest, id, { code: error.code, what: error.what }, spent());
  }
  return id;
}

/** From the checkpoint if there is one; anew where it is that of an attempt with another seed, which was given up. */
export async function takingUp<T>(checkpoint: string, begin: (resume: boolean) => Promise<T>): Promise<T> {
  try {
    return await begin(existsSync(checkpoint));
  } catch (error) {
    if (!(error instanceof MltsError && error.code === 'E_HASH')) throw error;
    return begin(false);
  }
}

function read(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new MltsError('E_FILE', `${file} cannot be read (${systemReason(cause)})`, 'Check the path.', { cause });
  }
}

const write = (path: string, content: unknown): void => writeWhole(path, `${JSON.stringify(content, undefined, 1)}\n`);
