/** Labelled structures with arbitrary labels, for tests of the training engine. */
import type { AniModel } from '../../src/model/model.ts';
import type { TrainingFrame } from '../../src/training/engine.ts';
import { randomNumbers } from './systems.ts';

/** Hydrogen and oxygen without order: atoms on a jittered grid 1.1 Å wide, in a cell if `periodic`. */
export function labelledFrame(seed: number, atoms: number, periodic: boolean) {
  const random = randomNumbers(seed);
  const numbers = Int32Array.from({ length: atoms }, () => (random() < 0.6 ? 1 : 8));
  const edge = Math.ceil(Math.cbrt(atoms));
  const positions = new Float64Array(3 * atoms);
  for (let i = 0; i < atoms; i++) {
    const site = [i % edge, Math.floor(i / edge) % edge, Math.floor(i / edge / edge)];
    for (let k = 0; k < 3; k++) positions[3 * i + k] = 1.3 * site[k]! + 0.5 * random();
  }
  const a = 1.3 * edge + 0.4;
  return {
    numbers,
    positions,
    cell: Float64Array.of(a, 0, 0, 0.3, a + 0.2, 0, -0.2, 0.4, a + 0.1),
    pbc: [periodic, periodic, periodic] as const,
    energy: 4 * random() - 10 * atoms,
    forces: Float64Array.from(positions, () => 2 * random() - 1),
    virial: Float64Array.from({ length: 9 }, () => 3 * random() - 1.5),
    weight: 0.5 + random(),
  } satisfies TrainingFrame;
}

/** The model with weights of its own kind for every element whose network has no hidden layers. */
export function withHiddenLayers(model: AniModel): AniModel {
  const deep = model.networks.find(({ layers }) => layers.length > 1)!;
  return { ...model, networks: model.networks.map((network) => (network.layers.length > 1 ? network : deep)) };
}
