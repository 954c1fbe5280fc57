/**
 * Importer for NeuroChem ensembles (the format in which ANI-1x, ANI-1ccx, ANI-2x, ANI-Al and ANI-1xnr were
 * published): a pure function of the files' bytes and the name.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MltsError } from '../errors.ts';
import { checkCard } from './card.ts';
import { type AniCard, aniTensors, descriptorLength } from './card-ani.ts';
import { type NnfLayer, parseNnf } from './neurochem-nnf.ts';
import { type Info, parseInfo, parseParams, parseSelfEnergies } from './neurochem-text.ts';
import { publishedFacts } from './published.ts';
import type { Tensor } from './safetensors.ts';

/** What `encodeModel` and `saveModel` take. */
export interface Imported {
  readonly card: AniCard;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** ANI has no short-range wall: nearer than this its answer is not physics, Å. */
const MIN_DISTANCE = 0.5;
/** α of NeuroChem's CELU, activation code 9. */
const CELU_ALPHA = 0.1;
const MAX_TEXT = 1024 * 1024;

/**
 * Reads a NeuroChem set.
 * @param source the `.info` file, or the set's folder (with its `.info` inside or beside it, or without one)
 * @param name of the model, as users will write it
 * @throws MltsError E_FILE, E_MODEL naming file and remedy
 */
export async function importNeuroChem(source: string, name: string): Promise<Imported> {
  const { info, folder } = await locate(source);
  const paramsFile = join(folder, info.params);
  const { elements, radial, angular } = parseParams(await readText(paramsFile), paramsFile);
  const saeFile = join(folder, info.selfEnergies);
  const selfEnergies = parseSelfEnergies(await readText(saeFile), elements, saeFile);
  const draft: AniCard = {
    format: 1,
    name,
    architecture: 'ani',
    elements,
    members: info.members,
    units: { energy: 'hartree', length: 'angstrom' },
    cutoff: radial.cutoff,
    reach: radial.cutoff,
    min_distance: MIN_DISTANCE,
    descriptor: { cutoff_function: 'cosine', radial, angular },
    activation: { name: 'celu', alpha: CELU_ALPHA },
    layers: Object.fromEntries(elements.map((element) => [element, [1]])),
    self_energies: selfEnergies,
  };
  checkCard(draft, paramsFile);

  const described: Record<string, NnfLayer[]> = {};
  for (const element of elements) described[element] = await readLayers(folder, info, element, descriptorLength(draft));
  const card: AniCard = {
    ...draft,
    layers: Object.fromEntries(
      Object.entries(described).map(([element, layers]) => [element, layers.map(({ outputs }) => outputs)]),
    ),
  };
  const tensors = await readTensors(folder, info, card, described);
  const { provenance, ...facts } = publishedFacts(tensors);
  return { card: { ...card, provenance: { source: 'NeuroChem', ...provenance }, ...facts }, tensors };
}

/** The layers of one element's network, which all members must share. */
async function readLayers(folder: string, info: Info, element: string, inputs: number): Promise<NnfLayer[]> {
  let first: NnfLayer[] | undefined;
  for (let member = 0; member < info.members; member++) {
    const file = join(networks(folder, info, member), `ANN-${element}.nnf`);
    const layers = parseNnf(await read(file), element, inputs, file);
    first ??= layers;
    if (JSON.stringify(layers) !== JSON.stringify(first)) {
      const sizes = (of: NnfLayer[]) => of.map(({ outputs }) => outputs).join('-');
      const what = `${file}: layers ${sizes(layers)}, member 0 has ${sizes(first)}`;
      throw new MltsError(
        'E_MODEL',
        what,
        'All members of an ensemble must have equal layers: import them as separate models.',
      );
    }
  }
  return first as NnfLayer[];
}

/** Headerless little-endian float32 files, weights with the output index slow, stacked over members. */
async function readTensors(
  folder: string,
  info: Info,
  card: AniCard,
  described: Record<string, NnfLayer[]>,
): Promise<Map<string, Tensor>> {
  const tensors = new Map<string, Tensor>();
  for (const [name, shape] of aniTensors(card)) {
    const [element, layer, kind] = name.split('.') as [string, string, 'weight' | 'bias'];
    const { weights, biases } = described[element][Number(layer)];
    const size = shape.slice(1).reduce((product, count) => product * count, 1);
    const data = new Float32Array(info.members * size);
    for (let member = 0; member < info.members; member++) {
      const file = join(networks(folder, info, member), kind === 'weight' ? weights : biases);
      const bytes = await read(file, 4 * size);
      data.set(new Float32Array(bytes.buffer, bytes.byteOffset, size), member * size);
      const bad = data.subarray(member * size, (member + 1) * size).findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        throw new MltsError(
          'E_MODEL',
          `${file}: value ${bad} is ${data[member * size + bad]}, all must be finite`,
          'Get the set again from its publisher.',
        );
      }
    }
    tensors.set(name, { shape, data });
  }
  return tensors;
}

const networks = (folder: string, info: Info, member: number): string =>
  join(folder, `${info.prefix}${member}`, 'networks');

/** Where a set lies: its .info, or what a folder without one must contain. */
async function locate(source: string): Promise<{ info: Info; folder: string }> {
  const about = await stat(source).catch((cause: Error) => {
    throw new MltsError(
      'E_FILE',
      `${source} cannot be read (${cause.message})`,
      'Give a NeuroChem .info file or the folder of the set.',
      { cause },
    );
  });
  if (!about.isDirectory()) return fromInfo(source);
  const folder = source.replace(/\/+$/, '');
  const names = (await readdir(folder)).sort();
  const infos = names.filter((name) => name.endsWith('.info'));
  if (infos.length === 1) return fromInfo(join(folder, infos[0]));
  if (await exists(`${folder}.info`)) return fromInfo(`${folder}.info`);
  const params = names.filter((name) => name.endsWith('.params'));
  const members = names.filter((name) => /^train\d+$/.test(name)).length;
  if (infos.length > 1 || params.length !== 1 || members === 0) {
    const what = `${folder} has ${infos.length} .info files, ${params.length} .params files and ${members} folders train0, train1, …`;
    throw new MltsError('E_MODEL', what, 'Give the .info file of the set.');
  }
  const info = { params: params[0], selfEnergies: 'sae_linfit.dat', prefix: 'train', members };
  return { info, folder };
}

async function fromInfo(file: string): Promise<{ info: Info; folder: string }> {
  return { info: parseInfo(await readText(file), file), folder: dirname(file) };
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const readText = async (file: string): Promise<string> => new TextDecoder().decode(await read(file));

/** The bytes of a file of the set: exactly `size` of them, or a small file. */
async function read(file: string, size?: number): Promise<Uint8Array> {
  try {
    const found = (await stat(file)).size;
    if (size !== undefined ? found !== size : found > MAX_TEXT) {
      const bound = size === undefined ? `at most ${MAX_TEXT}` : `${size}`;
      throw new MltsError(
        'E_MODEL',
        `${file} has ${found} bytes, must have ${bound}`,
        'Get the set again from its publisher.',
      );
    }
    return Uint8Array.from(await readFile(file));
  } catch (cause) {
    if (cause instanceof MltsError) throw cause;
    const what = `${file} cannot be read (${(cause as Error).message})`;
    throw new MltsError('E_MODEL', what, 'The NeuroChem set is not complete: get it again from its publisher.', {
      cause,
    });
  }
}
