/** The reference backend against numbers of hippynn itself, in double precision, weights not rounded. */
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/engine/potential.ts';
import { ReferencePotential } from '../../../src/engine/reference/reference.ts';
import type { Affine, HipnnBlock, HipnnModel } from '../../../src/model/model.ts';
import { expectClose } from '../../support/close.ts';
import { NOT_RUN, publishedFolder, publishedReference } from '../../support/published.ts';

type Nested = readonly (number | Nested)[];

/** The network of one file, its float64 weights where a model has float32: nothing in the equations cares. */
function modelOf({ config, state_dict: state }: ReturnType<typeof publishedReference>): HipnnModel {
  const found = (suffix: string): [string, Nested] | undefined =>
    Object.entries<Nested>(state).find(([name]) => name.endsWith(suffix));
  const wide = (suffix: string) =>
    Float64Array.from((found(suffix) ?? expect.fail(suffix))[1].flat(3) as number[]) as unknown as Float32Array;
  const affine = (name: string): Affine => ({ weights: wide(`${name}.weight`), biases: wide(`${name}.bias`) });
  const blocks = Array.from({ length: config.n_interaction_layers }, (_, b): HipnnBlock => {
    const at = `blocks.${b}.0`;
    return {
      inputs: b === 0 ? config.possible_species.length - 1 : config.n_features,
      mu: wide(`${at}.base_layer.sensitivity.mu`),
      sigma: wide(`${at}.base_layer.sensitivity.sigma`),
      interaction: wide(`${at}.base_layer.int_weights`),
      self: affine(`${at}.base_layer.selfint`),
      residual: affine(`${at}.res_layer`),
      ...(found(`${at}.base_layer.vecscales`) && { vectorScales: wide(`${at}.base_layer.vecscales`) }),
      ...(found(`${at}.base_layer.quadscales`) && { quadraticScales: wide(`${at}.base_layer.quadscales`) }),
      ...(found(`${at}.adjust_layer.weight`) && { adjust: wide(`${at}.adjust_layer.weight`) }),
      atomLayers: Array.from({ length: config.n_atom_layers }, (_, l) => ({
        ...affine(`blocks.${b}.${l + 1}.base_layer`),
        residual: affine(`blocks.${b}.${l + 1}.res_layer`),
      })),
    };
  });
  return {
    ...{ name: 'hippynn', sha256: '', architecture: 'hipnn', members: 1, energyScale: 1, blocks },
    ...{ elements: config.possible_species.slice(1), order: config.tensor_order, minDistance: 0.1 },
    cusp: Number(Object.entries(state).find(([name]) => name.endsWith('_extra_state'))?.[1] ?? 0),
    ...{ cutoff: config.dist_hard_max, reach: config.dist_hard_max * blocks.length },
    ...{ features: config.n_features, sensitivities: config.n_sensitivities },
    heads: blocks.map((_, b) => affine(`layers.${b + 1}`)),
    selfEnergies: new Float64Array(wide('layers.0.weight')),
  };
}

if (publishedFolder === undefined) {
  it.skip(NOT_RUN, () => undefined);
} else {
  describe('HIP-NN as hippynn computes it', () => {
    it.each([0, 1, 2])('of order %i: energies, forces and hierarchicality', async (order) => {
      const reference = publishedReference(`hipnn_random_order${order}.json`);
      const numbers = Int32Array.from(reference.Z);
      const positions = Float64Array.from(reference.positions.flat());
      const want = new Set(['forces', 'energies', 'hierarchicality'] as const);
      const [outcome] = await new ReferencePotential(modelOf(reference)).evaluate([{ numbers, positions }], want);
      const { energy, energies, forces, hierarchicality } = outcome as Result;
      expectClose([energy], [reference.energy], 1e-12, 'energy');
      expectClose(energies!, reference.atom_energy.flat(), 1e-12, 'energies');
      expectClose(forces!, reference.forces.flat(), 1e-12, 'forces');
      const total = hierarchicality!.reduce((sum, value) => sum + value, 0);
      expectClose([total], [reference.hierarchicality], 1e-12, 'hierarchicality');
    });
  });
}
