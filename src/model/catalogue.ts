/**
 * The published ANI ensembles that `mlts model fetch` can get: which repository, which commit, which files.
 * Nothing of them is shipped; models/published/ holds the SHA-256 of every file (tools/published-manifests.sh).
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { MltsError } from '../errors.ts';
import { nearest } from './nearest.ts';

export interface PublishedFile {
  readonly sha256: string;
  readonly bytes: number;
  /** Relative to `PublishedSet.url`, with forward slashes. */
  readonly path: string;
}

export interface PublishedSet {
  readonly name: string;
  /** Folder of the repository at a pinned commit. */
  readonly url: string;
  /** The NeuroChem .info file among `files`. */
  readonly info: string;
  /** What the publisher says about use; `undefined` where the repository states no licence. */
  readonly licence: string | undefined;
  readonly files: readonly PublishedFile[];
}

const ASE_ANI = 'https://github.com/isayev/ASE_ANI/raw/129f8acf/ani_models/';
const MIT = 'MIT, © 2017 Justin S. Smith, Olexandr Isayev, Adrian E. Roitberg';

const SETS: Readonly<Record<string, Omit<PublishedSet, 'name' | 'files'>>> = {
  'ani-1x': { url: ASE_ANI, info: 'ani-1x_8x.info', licence: MIT },
  'ani-1ccx': { url: ASE_ANI, info: 'ani-1ccx_8x.info', licence: MIT },
  'ani-2x': { url: ASE_ANI, info: 'ani-2x_8x.info', licence: MIT },
  'ani-al': {
    url: 'https://github.com/atomistic-ml/ani-al/raw/5db4cf050d129ffc3530aacb75d5b4cfb0f41780/model/',
    info: 'model-Al-75.info',
    licence: undefined,
  },
  'ani-1xnr': {
    url: 'https://github.com/atomistic-ml/ani-1xnr/raw/7f6fedde/model/',
    info: 'ani-1xnr.info',
    licence: undefined,
  },
};

/** Names that `publishedSet` knows. */
export const publishedNames: readonly string[] = Object.keys(SETS);

/** @throws MltsError E_MODEL_NOT_FOUND with the names there are, E_FILE where the package is not complete */
export async function publishedSet(name: string): Promise<PublishedSet> {
  const set = SETS[name];
  if (set === undefined) {
    const near = nearest(name, publishedNames);
    throw new MltsError(
      'E_MODEL_NOT_FOUND',
      `no published model ${name}; there are ${publishedNames.join(', ')}`,
      near === undefined ? 'Choose one of these, or import your own with mlts model import.' : `Did you mean ${near}?`,
    );
  }
  const manifest = fileURLToPath(new URL(`../../models/published/${name}.manifest`, import.meta.url));
  const text = await readFile(manifest, 'utf8').catch((cause: Error) => {
    throw new MltsError('E_FILE', `${manifest} cannot be read (${cause.message})`, 'Install mlts again.', { cause });
  });
  return { name, ...set, files: parseManifest(text) };
}

/** Lines of `SHA-256 bytes path`. */
export function parseManifest(text: string): PublishedFile[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [sha256, bytes, path] = line.split(' ');
      return { sha256, bytes: Number(bytes), path };
    });
}
