/**
 * A `.mlts` file becomes a validated model: units converted once, tensors as views into the file's bytes.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { MltsError, systemReason } from '../errors.ts';
import { aniModel } from './ani.ts';
import { type Card, parseCard, promisedTensors } from './card.ts';
import type { AniCard } from './card-ani.ts';
import type { HipnnCard } from './card-hipnn.ts';
import { hipnnModel } from './hipnn.ts';
import type { AniModel, HipnnModel, Model } from './model.ts';
import { type Container, readSafetensors, type Tensor } from './safetensors.ts';

/** A model with the card it was read from, as `mlts model show` prints it, and the tensors in the card's units. */
export type LoadedModel = { readonly tensors: ReadonlyMap<string, Tensor> } & (
  | { readonly model: AniModel; readonly card: AniCard }
  | { readonly model: HipnnModel; readonly card: HipnnCard }
);

/**
 * Reads, hashes and validates a `.mlts` file.
 * @throws MltsError E_FILE, E_MODEL
 */
export async function loadModel(path: string): Promise<Model> {
  return (await loadModelAndCard(path)).model;
}

/** As `loadModel`, with the card. @throws MltsError E_FILE, E_MODEL */
export async function loadModelAndCard(path: string): Promise<LoadedModel> {
  const bytes = await readFile(path).catch((cause: Error) => {
    throw new MltsError(
      'E_FILE',
      `${path} cannot be read (${systemReason(cause)})`,
      'Give the path of a .mlts file that you may read.',
      { cause },
    );
  });
  return modelFromBytes(bytes, path);
}

/**
 * The model in the bytes of a `.mlts` file; they are borrowed: its tensors are views into them.
 * @param file named in errors
 * @throws MltsError E_MODEL
 */
export function modelFromBytes(bytes: Uint8Array, file: string): LoadedModel {
  const container = readSafetensors(bytes, file);
  const json = container.metadata.mlts;
  if (json === undefined) {
    throw new MltsError(
      'E_MODEL',
      `${file}: __metadata__.mlts is missing, it must hold the card`,
      'Convert the weights with mlts model import.',
    );
  }
  const card = parseCard(json, file);
  checkTensors(card, container, file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const fail = (what: string) => refuse(file, what);
  const { tensors } = container;
  return card.architecture === 'ani'
    ? { card, tensors, model: aniModel(card, tensors, sha256) }
    : { card, tensors, model: hipnnModel(card, tensors, sha256, fail) };
}

function refuse(file: string, what: string): never {
  throw new MltsError(
    'E_MODEL',
    `${file}: ${what}`,
    'The card contradicts its tensors: fetch or import the model again.',
  );
}

function checkTensors(card: Card, { tensors }: Container, file: string): void {
  const fail: (what: string) => never = (what) => refuse(file, what);
  const promised = promisedTensors(card);
  for (const [name, shape] of promised) {
    const tensor = tensors.get(name);
    if (tensor === undefined) fail(`tensor ${name} is missing, the card promises it with shape [${shape}]`);
    if (tensor.shape.join() !== shape.join())
      fail(`tensor ${name} has shape [${tensor.shape}], the card promises [${shape}]`);
    const bad = firstNonFinite(tensor.data);
    if (bad >= 0) fail(`tensor ${name} holds ${tensor.data[bad]} at index ${bad}, all values must be finite`);
  }
  for (const name of tensors.keys()) if (!promised.has(name)) fail(`tensor ${name} is not one that the card promises`);
}

/** Index of the first NaN or infinity, or −1. On the bits: an exponent of all ones. */
function firstNonFinite(data: Float32Array): number {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  for (let i = 0; i < bits.length; i++) if ((bits[i] & 0x7f800000) === 0x7f800000) return i;
  return -1;
}
