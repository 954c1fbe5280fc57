/** Eq. 17–24 of docs/maths.md: HIP-NN and HIP-NN-TS, member after member, block after block. */
import type { HipnnBlock, HipnnModel } from '../../model/model.ts';
import type { Outcome, System, Want } from '../potential.ts';
import { resultFault } from '../validate.ts';
import { checkDistances, type Family } from './family.ts';
import { type Interaction, InteractionLayer } from './interaction.ts';
import { type Neighbourhood, NeighbourSearch } from './neighbours.ts';
import { addProduct, addResidual, addTransposed, affine, residualSlope } from './residual.ts';
import { Sums } from './sums.ts';

/** Features of one atom in one block, with what the reverse needs. */
interface Trace extends Interaction {
  /** Pre-activations of the atom layers. */
  readonly t: readonly Float64Array[];
}

/** One system with what does not depend on the member. */
interface Surroundings {
  readonly numbers: Int32Array;
  readonly owned: number;
  /** Blocks in which an atom's features matter to the owned energies: all for owned atoms, fewer for ghosts further out. */
  readonly depth: Int32Array;
  /** Of atoms with a depth. */
  readonly neighbours: ReadonlyMap<number, Neighbourhood>;
}

export class Hipnn implements Family {
  readonly #model: HipnnModel;
  readonly #layers: readonly InteractionLayer[];
  readonly #elementOf = new Map<number, number>();

  constructor(model: HipnnModel) {
    this.#model = model;
    this.#layers = model.blocks.map((block) => new InteractionLayer(block, model));
    for (const [index, number] of model.elements.entries()) this.#elementOf.set(number, index);
  }

  async evaluate(system: System, want: ReadonlySet<Want>, pause: () => Promise<void>): Promise<Outcome> {
    const search = new NeighbourSearch(system, this.#model.cutoff);
    const depth = new Int32Array(system.numbers.length);
    const neighbours = new Map<number, Neighbourhood>();
    const owned = system.owned ?? system.numbers.length;
    let centres: number[] = Array.from({ length: owned }, (_, i) => i);
    for (let blocks = this.#model.blocks.length; blocks > 0; blocks--) {
      for (const i of centres) neighbours.set(i, search.of(i));
      const fault = await checkDistances(centres, (i) => neighbours.get(i)!, this.#model, pause);
      if (fault !== undefined) return fault;
      for (const i of centres) depth[i] = blocks;
      centres = [...new Set(centres.flatMap((i) => neighbours.get(i)!.atoms))].filter((j) => depth[j] === 0);
    }
    const surroundings = { numbers: system.numbers, owned, depth, neighbours };
    const sums = new Sums(system, want, this.#model.members);
    const hierarchy = new Float64Array(system.numbers.length);
    const gradients = new Map<number, Float64Array>();
    if (sums.gradients) {
      const count = sums.perMember ? this.#model.members : 1;
      for (const [i, { atoms }] of neighbours) gradients.set(i, new Float64Array(count * atoms.length * 3));
    }
    for (let m = 0; m < this.#model.members; m++)
      await this.#addMember(m, surroundings, sums, hierarchy, gradients, pause);
    for (const [i, gradient] of gradients) {
      const { atoms, vectors } = neighbours.get(i)!;
      sums.addGradient(i, atoms, vectors, gradient);
    }
    const result = sums.result();
    if (want.has('hierarchicality')) result.hierarchicality = hierarchy;
    return resultFault(result) ?? result;
  }

  async #addMember(
    m: number,
    surroundings: Surroundings,
    sums: Sums,
    hierarchy: Float64Array,
    gradients: ReadonlyMap<number, Float64Array>,
    pause: () => Promise<void>,
  ): Promise<void> {
    const { numbers, owned } = surroundings;
    const { blocks, elements, heads, energyScale, selfEnergies } = this.#model;
    const elementOf = (i: number) => this.#elementOf.get(numbers[i])!;
    /** z[n] of all atoms: element as one-hot vector, then the features after each block. */
    const z: Float64Array[][] = [
      Array.from(numbers, (_, i) => new Float64Array(elements.length).fill(1, elementOf(i), elementOf(i) + 1)),
    ];
    const traces: Map<number, Trace>[] = [];
    for (const n of blocks.keys()) {
      const [after, traced] = await this.#forward(m, n, surroundings, z[n], pause);
      z.push(after);
      traces.push(traced);
    }
    for (let i = 0; i < owned; i++) {
      const energies = [selfEnergies[elementOf(i)]];
      for (const [n, head] of heads.entries()) energies.push(affine(head, m, z[n + 1][i], 1)[0] * energyScale);
      for (const energy of energies) sums.addEnergy(m, i, energy);
      hierarchy[i] += hierarchicality(energies) / this.#model.members;
    }
    if (!sums.gradients) return;

    let slopes: Float64Array[] = z[blocks.length].map((features) => new Float64Array(features.length));
    for (let n = blocks.length - 1; n >= 0; n--) {
      for (let i = 0; i < owned; i++) addTransposed(heads[n].weights, m, Float64Array.of(energyScale), slopes[i]);
      slopes = await this.#backward(m, n, surroundings, z[n], traces[n], slopes, sums, gradients, pause);
    }
  }

  /** Features after block n of the atoms whose features matter there (the others keep 0), and their traces. */
  async #forward(
    m: number,
    n: number,
    { depth, neighbours }: Surroundings,
    z: readonly Float64Array[],
    pause: () => Promise<void>,
  ): Promise<[Float64Array[], Map<number, Trace>]> {
    const { features } = this.#model;
    const block = this.#model.blocks[n];
    const after = z.map(() => new Float64Array(features));
    const traces = new Map<number, Trace>();
    for (const [i, seen] of neighbours) {
      if (depth[i] <= n) continue;
      const interaction = this.#layers[n].forward(m, i, seen, z);
      const out = after[i];
      if (block.adjust) addProduct(block.adjust, m, z[i], out);
      else out.set(z[i]);
      addResidual(block.residual, m, interaction.y, out);
      const t = block.atomLayers.map((layer) => {
        const pre = affine(layer, m, out, features);
        addResidual(layer.residual, m, pre, out);
        return pre;
      });
      traces.set(i, { ...interaction, t });
      await pause();
    }
    return [after, traces];
  }

  /** ∂E/∂z before block n from that after it; adds to the gradients of the pairs. */
  async #backward(
    m: number,
    n: number,
    { neighbours }: Surroundings,
    z: readonly Float64Array[],
    traces: ReadonlyMap<number, Trace>,
    after: readonly Float64Array[],
    sums: Sums,
    gradients: ReadonlyMap<number, Float64Array>,
    pause: () => Promise<void>,
  ): Promise<Float64Array[]> {
    const block: HipnnBlock = this.#model.blocks[n];
    const before = z.map((features) => new Float64Array(features.length));
    for (const [i, { y, M, t }] of traces) {
      const slope = after[i];
      for (let l = t.length - 1; l >= 0; l--) {
        const { weights, residual } = block.atomLayers[l];
        addTransposed(weights, m, residualSlope(residual, m, t[l], slope), slope);
      }
      if (block.adjust) addTransposed(block.adjust, m, slope, before[i]);
      else for (let b = 0; b < slope.length; b++) before[i][b] += slope[b];
      const gy = residualSlope(block.residual, m, y, slope);
      const gradient = gradients.get(i)!;
      const size = 3 * neighbours.get(i)!.atoms.length;
      const own = sums.perMember ? gradient.subarray(m * size, (m + 1) * size) : gradient;
      const scale = sums.perMember ? 1 : 1 / this.#model.members;
      this.#layers[n].backward(m, i, neighbours.get(i)!, z, M, gy, before, scale, own);
      await pause();
    }
    return before;
  }
}

/** R_i = Σ_n (E^n)² / [(E^n)² + (E^{n−1})²]; a term 0/0 counts 0. */
export function hierarchicality(energies: readonly number[]): number {
  let sum = 0;
  for (let n = 1; n < energies.length; n++) {
    const square = energies[n] ** 2;
    if (square > 0) sum += square / (square + energies[n - 1] ** 2);
  }
  return sum;
}
