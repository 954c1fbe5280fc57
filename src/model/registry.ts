/**
 * Models by name: which folders are searched, what lies there, which file a name means.
 */
import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, delimiter, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asMltsError, MltsError } from '../errors.ts';
import { type LoadedModel, loadModelAndCard } from './load.ts';
import { nearest } from './nearest.ts';

const SUFFIX = '.mlts';

/** A file in one of the model folders. */
export interface RegistryEntry {
  /** The file's name without its suffix: what users write. */
  readonly name: string;
  readonly path: string;
  /** A folder that is searched earlier has a model of this name: that one is used. */
  readonly shadowed: boolean;
}

/** An entry with what is in it, or why it cannot be used. */
export type ListedModel = RegistryEntry & (LoadedModel | { readonly error: MltsError });

/** The per-user folder where `mlts model fetch` puts models. */
export function userModelFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'mlts', 'models');
}

/** Folders in the order of search: ./models, those of $MLTS_MODELS, the per-user one, the package's own. */
export function modelFolders(env: NodeJS.ProcessEnv = process.env): string[] {
  const named = (env.MLTS_MODELS ?? '').split(delimiter).filter((folder) => folder !== '');
  const embedded = fileURLToPath(new URL('../../models', import.meta.url));
  const folders = ['models', ...named, userModelFolder(env), embedded];
  return [...new Set(folders.map((folder) => resolve(folder)))];
}

/** Every `.mlts` file of the folders, in the order of search, unread. */
export async function registeredModels(folders: readonly string[] = modelFolders()): Promise<RegistryEntry[]> {
  const entries: RegistryEntry[] = [];
  const seen = new Set<string>();
  for (const folder of folders) {
    const files = await readdir(folder).catch(() => [] as string[]);
    for (const file of files.filter((file) => file.endsWith(SUFFIX)).sort()) {
      const name = basename(file, SUFFIX);
      entries.push({ name, path: join(folder, file), shadowed: seen.has(name) });
      seen.add(name);
    }
  }
  return entries;
}

/** Every model of the folders, read and hashed; a file that is not valid is listed with its error. */
export async function listModels(folders: readonly string[] = modelFolders()): Promise<ListedModel[]> {
  const listed: ListedModel[] = [];
  for (const entry of await registeredModels(folders)) {
    try {
      listed.push({ ...entry, ...(await loadModelAndCard(entry.path)) });
    } catch (error) {
      listed.push({ ...entry, error: asMltsError(error) });
    }
  }
  return listed;
}

/**
 * The path that `M` of the command line means: a `.mlts` file, or a name from the model folders.
 * @throws MltsError E_MODEL_NOT_FOUND with what there is and the nearest name
 */
export async function findModel(nameOrPath: string, folders: readonly string[] = modelFolders()): Promise<string> {
  if (nameOrPath.endsWith(SUFFIX) || nameOrPath.includes(sep) || nameOrPath.includes('/')) return nameOrPath;
  const entries = await registeredModels(folders);
  const found = entries.find(({ name }) => name === nameOrPath);
  if (found !== undefined) return found.path;
  const names = [...new Set(entries.map(({ name }) => name))];
  if ((await stat(nameOrPath).catch(() => undefined))?.isFile()) {
    throw new MltsError(
      'E_MODEL_NOT_FOUND',
      `${nameOrPath} is a file, but not a ${SUFFIX} model`,
      '`mlts model import` makes one out of a NeuroChem set.',
    );
  }
  const near = nearest(nameOrPath, names);
  const there = names.length === 0 ? 'there are none' : `there are ${names.join(', ')}`;
  throw new MltsError(
    'E_MODEL_NOT_FOUND',
    `no model ${nameOrPath} in ${folders.join(', ')}; ${there}`,
    near === undefined ? 'Give a .mlts file, or get a published model with mlts model fetch.' : `Did you mean ${near}?`,
  );
}
