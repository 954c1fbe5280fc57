/**
 * Small ensembles with weights from a counter-based hash, the same that tools/vectors.py draws: every shape that a
 * card allows, and no published weights needed.
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Card, promisedTensors } from '../../src/model/card.ts';
import type { AniCard } from '../../src/model/card-ani.ts';
import { modelFromBytes } from '../../src/model/load.ts';
import type { AniModel, Model } from '../../src/model/model.ts';
import type { Tensor } from '../../src/model/safetensors.ts';
import { encodeModel } from '../../src/model/save.ts';
import { vectorFolder } from './vectors.ts';

export interface TestModel {
  readonly card: Card;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The `.mlts` file. */
  readonly bytes: Uint8Array;
  readonly model: Model;
  /** Writes the file into a temporary folder, once, and says where it is. */
  readonly path: () => string;
}

interface Spec {
  readonly seed: number;
  readonly card: Card;
}

const specs: Spec[] = JSON.parse(readFileSync(join(vectorFolder, 'models.json'), 'utf8')).models;
const made = new Map<string, TestModel>();

export const testModelNames: readonly string[] = specs.map(({ card }) => card.name);

/** The synthetic model of this name (tools/vectors_models.py). */
export function testModel(name: string): TestModel {
  const known = made.get(name);
  if (known !== undefined) return known;
  const spec = specs.find(({ card }) => card.name === name);
  if (spec === undefined) throw new Error(`no test model ${name}; there are ${testModelNames.join(', ')}`);
  const model = build(spec.card, drawTensors(spec));
  made.set(name, model);
  return model;
}

/** The same of an ANI ensemble. */
export function aniTestModel(name: string): TestModel & { readonly card: AniCard; readonly model: AniModel } {
  const found = testModel(name);
  const { card, model } = found;
  if (card.architecture !== 'ani' || model.architecture !== 'ani') throw new Error(`${name} is no ANI model`);
  return { ...found, card, model };
}

/** A model of any card and tensors, through the file format and back. */
export function build(card: Card, tensors: ReadonlyMap<string, Tensor>): TestModel {
  const bytes = encodeModel(card, tensors);
  let path: string | undefined;
  return {
    card,
    tensors,
    bytes,
    model: modelFromBytes(bytes, card.name).model,
    path: () => {
      if (path === undefined) {
        path = join(mkdtempSync(join(tmpdir(), 'mlts-')), `${card.name}.mlts`);
        writeFileSync(path, bytes);
      }
      return path;
    },
  };
}

/** Weights u·√(3/inputs), biases u/10, u uniform in ±1: tools/vectors_ani.py and vectors_hipnn.py draw the same. */
function drawTensors({ card, seed }: Spec): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  let ordinal = 0;
  for (const [name, shape] of promisedTensors(card)) {
    const { scale, offset } = range(name, shape, card.cutoff);
    const start = Math.imul(seed, 0x9e3779b1) + Math.imul(ordinal++, 0x85ebca77);
    const size = shape.reduce((product, count) => product * count, 1);
    const data = Float32Array.from({ length: size }, (_, i) => ((2 * mixed(start + i)) / 2 ** 32 - 1) * scale + offset);
    tensors.set(name, { shape, data });
  }
  return tensors;
}

function range(name: string, shape: readonly number[], cutoff: number): { scale: number; offset: number } {
  const inputs = shape.at(-1) as number;
  switch (name.split('.').at(-1)) {
    case 'mu':
      return { scale: 0.35 * cutoff, offset: 0.55 * cutoff };
    case 'sigma':
      return { scale: 0.5 * cutoff, offset: cutoff };
    case 'interaction':
      return { scale: Math.sqrt(3 / (inputs * shape[1])), offset: 0 };
    case 'weight':
    case 'adjust':
      return { scale: Math.sqrt(3 / inputs), offset: 0 };
    case 'bias':
      return { scale: 0.1, offset: 0 };
    default:
      return { scale: 1, offset: 0 };
  }
}

/** Murmur3's finaliser on 32-bit integers. */
function mixed(index: number): number {
  let x = index >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
