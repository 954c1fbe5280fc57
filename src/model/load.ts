/**
 * A `.mlts` file becomes a validated model: units converted once, tensors as views into the file's bytes.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { numberOf } from '../elements.ts';
import { MltsError, systemReason } from '../errors.ts';
import { inAngstrom, inElectronVolt } from '../units.ts';
import { type Card, parseCard, promisedTensors } from './card.ts';
import type { AniModel, ElementNetwork, Model } from './model.ts';
import { type Container, readSafetensors, type Tensor } from './safetensors.ts';

/** A model with the card it was read from, as `mlts model show` prints it. */
export interface LoadedModel {
  readonly model: Model;
  readonly card: Card;
}

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
  return { card, model: toModel(card, container, sha256) };
}

function checkTensors(card: Card, { tensors }: Container, file: string): void {
  const fail: (what: string) => never = (what) => {
    throw new MltsError(
      'E_MODEL',
      `${file}: ${what}`,
      'The card contradicts its tensors: fetch or import the model again.',
    );
  };
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

function toModel(card: Card, { tensors }: Container, sha256: string): AniModel {
  const length = inAngstrom(card.units.length);
  const energy = inElectronVolt(card.units.energy);
  const { radial, angular, cutoff_function: cutoffFunction } = card.descriptor;
  const tensor = (name: string) => tensors.get(name) as Tensor;
  const networks = card.elements.map(
    (element): ElementNetwork => ({
      layers: card.layers[element].map((outputs, layer) => ({
        inputs: tensor(`${element}.${layer}.weight`).shape[2],
        outputs,
        weights: tensor(`${element}.${layer}.weight`).data,
        biases: tensor(`${element}.${layer}.bias`).data,
      })),
    }),
  );
  return {
    name: card.name,
    sha256,
    architecture: card.architecture,
    elements: card.elements.map((element) => numberOf(element) as number),
    members: card.members,
    cutoff: card.cutoff * length,
    reach: card.reach * length,
    minDistance: card.min_distance * length,
    ...(card.calibration && {
      calibration: { sigmaForce: card.calibration.sigma_force, sigmaEnergy: card.calibration.sigma_energy },
    }),
    descriptor: {
      cutoffFunction,
      radial: {
        cutoff: radial.cutoff * length,
        eta: radial.eta / length ** 2,
        shifts: Float64Array.from(radial.shifts, (shift) => shift * length),
      },
      angular: {
        cutoff: angular.cutoff * length,
        eta: angular.eta / length ** 2,
        zeta: angular.zeta,
        shifts: Float64Array.from(angular.shifts, (shift) => shift * length),
        sections: Float64Array.from(angular.sections),
      },
    },
    celuAlpha: card.activation.alpha,
    networks,
    selfEnergies: Float64Array.from(card.elements, (element) => card.self_energies[element] * energy),
    energyScale: energy,
  };
}
