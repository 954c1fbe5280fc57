/** Model files of the benchmark: the published sets where they are found, else random weights of the same shapes. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Card, promisedTensors } from '../../src/model/card.ts';
import type { Tensor } from '../../src/model/safetensors.ts';
import { saveModel } from '../../src/model/save.ts';
import { ROOT, run } from './process.ts';
import { uniform } from './structures.ts';

/** What cases.json says of one model. Å, Å⁻². */
export interface Shape {
  readonly published: string;
  readonly elements: readonly string[];
  readonly members: number;
  readonly radial: { readonly cutoff: number; readonly eta: number; readonly first: number; readonly count: number };
  readonly angular: Shape['radial'] & { readonly zeta: number; readonly sections: number };
  readonly layers: Readonly<Record<string, readonly number[]>>;
}

export interface BenchModel extends Shape {
  readonly name: string;
  readonly path: string;
  readonly weights: 'published' | 'random';
}

const PUBLISHED = process.env.MLTS_PUBLISHED ?? join(ROOT, '..', 'shared', 'models');

/** Writes `folder/name.mlts` from the published set or, where that is absent, from random weights. */
export async function makeModel(
  mlts: readonly string[],
  folder: string,
  name: string,
  shape: Shape,
): Promise<BenchModel> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.mlts`);
  const source = join(PUBLISHED, shape.published);
  const published = existsSync(source);
  if (published) await run([...mlts, 'model', 'import', source, '-o', path]);
  else await saveModel(path, card(name, shape), tensors(card(name, shape)));
  return { ...shape, name, path, weights: published ? 'published' : 'random' };
}

function card(name: string, { elements, members, radial, angular, layers }: Shape): Card {
  const shifts = ({ cutoff, first, count }: Shape['radial']) =>
    Array.from({ length: count }, (_, k) => first + (k * (cutoff - first)) / count);
  const sections = Array.from({ length: angular.sections }, (_, z) => ((z + 0.5) * Math.PI) / angular.sections);
  return {
    format: 1,
    name,
    architecture: 'ani',
    elements,
    members,
    units: { energy: 'hartree', length: 'angstrom' },
    cutoff: radial.cutoff,
    reach: radial.cutoff,
    min_distance: 0.5,
    descriptor: {
      cutoff_function: 'cosine',
      radial: { cutoff: radial.cutoff, eta: radial.eta, shifts: shifts(radial) },
      angular: { cutoff: angular.cutoff, eta: angular.eta, zeta: angular.zeta, shifts: shifts(angular), sections },
    },
    activation: { name: 'celu', alpha: 0.1 },
    layers,
    self_energies: Object.fromEntries(elements.map((element) => [element, 0])),
  };
}

/** Weights uniform in ±√(3/inputs), so that every layer's outputs are of order one; biases zero. */
function tensors(model: Card): Map<string, Tensor> {
  const random = uniform(3);
  const all = new Map<string, Tensor>();
  for (const [name, shape] of promisedTensors(model)) {
    const scale = name.endsWith('bias') ? 0 : Math.sqrt(3 / (shape.at(-1) as number));
    const size = shape.reduce((product, length) => product * length, 1);
    all.set(name, { shape, data: Float32Array.from({ length: size }, () => scale * (2 * random() - 1)) });
  }
  return all;
}

/**
 * Bytes of weights that one evaluation of these elements has to read, both orientations of the columns that can be
 * non-zero: the floor of a small system, which reads all of them for a few rows.
 */
export function weightBytes(model: BenchModel, symbols: ReadonlySet<string>): number {
  const present = model.elements.filter((element) => symbols.has(element));
  const s = present.length;
  const columns = s * model.radial.count + ((s * (s + 1)) / 2) * model.angular.count * model.angular.sections;
  let weights = 0;
  for (const element of present) {
    let inputs = columns;
    for (const outputs of model.layers[element]) {
      weights += inputs * outputs;
      inputs = outputs;
    }
  }
  return 2 * 4 * model.members * weights;
}
