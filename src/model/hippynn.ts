/**
 * Importer for networks trained by hippynn (https://github.com/lanl/hippynn), as tools/hippynn_to_safetensors.py writes
 * them: one file a network, several make an ensemble. A pure function of the files' bytes and the name.
 */
import { readFile } from 'node:fs/promises';
import { symbolOf } from '../elements.ts';
import { MltsError, systemReason } from '../errors.ts';
import { type EnergyUnit, inAngstrom, type LengthUnit } from '../units.ts';
import { checkCard } from './card.ts';
import { type HipnnCard, hipnnTensors } from './card-hipnn.ts';
import { Entry } from './entry.ts';
import { parseObject, readSafetensors, type Tensor } from './safetensors.ts';

/** Nearer than this no training set has atoms, Å. */
const MIN_DISTANCE = 0.5;

interface Settings {
  readonly species: readonly number[];
  /** In the order of `species`, in the network's own unit. */
  readonly selfEnergies: readonly number[];
  readonly cusp: number;
  readonly cutoff: number;
  readonly energy: EnergyUnit;
  readonly length: LengthUnit;
}

interface Network {
  readonly file: string;
  readonly settings: Settings;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/**
 * Reads the networks of an ensemble. Their per-element energies are averaged where they differ.
 * @param files at least one
 * @throws MltsError E_FILE, E_MODEL
 */
export async function importHippynn(
  files: readonly string[],
  name: string,
): Promise<{ readonly card: HipnnCard; readonly tensors: ReadonlyMap<string, Tensor> }> {
  const networks: Network[] = [];
  for (const file of files) networks.push(await readNetwork(file));
  for (const network of networks.slice(1)) checkAlike(networks[0], network);
  const card = cardOf(networks, name);
  checkCard(card, files[0]);
  const promised = hipnnTensors(card);
  const known = new Set([...promised.keys()].map(sourceOf));
  for (const source of networks[0].tensors.keys())
    if (!known.has(source)) fail(files[0], `tensor ${source} is not one of a network that mlts has`);
  const tensors = new Map<string, Tensor>();
  for (const [target, shape] of promised) {
    const size = shape.slice(1).reduce((product, count) => product * count, 1);
    const data = new Float32Array(networks.length * size);
    for (const [member, network] of networks.entries()) data.set(part(network, target, size), member * size);
    tensors.set(target, { shape, data });
  }
  return { card, tensors };
}

function fail(file: string, what: string): never {
  throw new MltsError('E_MODEL', `${file}: ${what}`, 'Convert the network with tools/hippynn_to_safetensors.py.');
}

async function readNetwork(file: string): Promise<Network> {
  const bytes = await readFile(file).catch((cause: Error) => {
    throw new MltsError('E_FILE', `${file} cannot be read (${systemReason(cause)})`, 'Give a file that you may read.', {
      cause,
    });
  });
  const { metadata, tensors } = readSafetensors(bytes, file);
  if (metadata.hippynn === undefined) fail(file, '__metadata__.hippynn is missing, it must hold the settings');
  const refuse = (what: string) => fail(file, what);
  const entry = new Entry(parseObject(metadata.hippynn, 'the settings', refuse), 'settings', refuse);
  const species = entry.at('species').list((number) => number.count(1));
  const selfEnergies = entry.at('self_energies').list((energy) => energy.number());
  if (selfEnergies.length !== species.length) entry.at('self_energies').must(`have ${species.length} entries`);
  const settings: Settings = {
    ...{ species, selfEnergies, cusp: entry.at('cusp').number(), cutoff: entry.at('cutoff').positive() },
    ...{ energy: entry.at('energy').string() as EnergyUnit, length: entry.at('length').string() as LengthUnit },
  };
  return { file, settings, tensors };
}

/** What members of one ensemble must share. */
function checkAlike(first: Network, other: Network): void {
  const shared = ({ settings: { selfEnergies: _, ...rest }, tensors }: Network) =>
    JSON.stringify([rest, [...tensors].map(([name, { shape }]) => [name, shape])]);
  if (shared(first) !== shared(other)) fail(other.file, `its settings or shapes are not those of ${first.file}`);
}

function cardOf(networks: readonly Network[], name: string): HipnnCard {
  const { file, settings, tensors } = networks[0];
  const { cutoff, cusp, energy, length } = settings;
  const weights = tensors.get('blocks.0.0.base_layer.int_weights');
  if (weights?.shape.length !== 3) fail(file, 'tensor blocks.0.0.base_layer.int_weights must have 3 axes');
  const [sensitivities, features] = weights.shape;
  const count = (pattern: RegExp) => [...tensors.keys()].filter((key) => pattern.test(key)).length;
  const blocks = count(/^blocks\.\d+\.0\.base_layer\.int_weights$/);
  const has = (kind: string) => tensors.has(`blocks.0.0.base_layer.${kind}`);
  const order = has('quadscales') ? 2 : has('vecscales') ? 1 : 0;
  const elements = settings.species.map(symbolOf);
  const spread = networks.flatMap((network) =>
    network.settings.selfEnergies.map((value, k) => Math.abs(value - settings.selfEnergies[k])),
  );
  const widest = Math.max(...spread);
  return {
    format: 1,
    name,
    architecture: 'hipnn',
    elements,
    members: networks.length,
    units: { energy, length },
    cutoff,
    reach: cutoff * blocks,
    min_distance: MIN_DISTANCE / inAngstrom(length),
    interaction: { order, sensitivities, cusp },
    features,
    blocks,
    atom_layers: count(/^blocks\.0\.[1-9]\d*\.base_layer\.weight$/),
    self_energies: Object.fromEntries(
      elements.map((element, k) => [
        element,
        networks.reduce((sum, network) => sum + network.settings.selfEnergies[k] / networks.length, 0),
      ]),
    ),
    provenance: {
      source: 'hippynn',
      ...(widest > 0 && {
        self_energies: `mean over members, which differ by up to ${widest.toPrecision(3)} ${energy}`,
      }),
    },
  };
}

/** Values of one network for a tensor of the card, `1.atom.2.residual.weight` say. */
function part({ file, tensors }: Network, target: string, size: number): Float32Array {
  const source = sourceOf(target);
  const tensor = tensors.get(source);
  if (tensor === undefined) fail(file, `tensor ${source} is missing`);
  if (tensor.data.length !== size) fail(file, `tensor ${source} has shape [${tensor.shape}], must have ${size} values`);
  return tensor.data;
}

const INTERACTION: Readonly<Record<string, string>> = {
  mu: 'base_layer.sensitivity.mu',
  sigma: 'base_layer.sensitivity.sigma',
  interaction: 'base_layer.int_weights',
  'self.weight': 'base_layer.selfint.weight',
  'self.bias': 'base_layer.selfint.bias',
  vector_scales: 'base_layer.vecscales',
  quadratic_scales: 'base_layer.quadscales',
  'residual.weight': 'res_layer.weight',
  'residual.bias': 'res_layer.bias',
  adjust: 'adjust_layer.weight',
};

/** hippynn's name of a tensor. */
function sourceOf(target: string): string {
  const [block, ...rest] = target.split('.');
  const kind = rest.at(-1);
  if (rest[0] === 'head') return `layers.${Number(block) + 1}.${kind}`;
  if (rest[0] !== 'atom') return `blocks.${block}.0.${INTERACTION[rest.join('.')]}`;
  return `blocks.${block}.${Number(rest[1]) + 1}.${rest[2] === 'residual' ? 'res_layer' : 'base_layer'}.${kind}`;
}
