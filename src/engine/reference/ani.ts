/** Eq. 1–16 of docs/maths.md: ANI, one atom after the other. */
import type { AniModel } from '../../model/model.ts';
import type { Outcome, System, Want } from '../potential.ts';
import { resultFault } from '../validate.ts';
import { Descriptor, type Surroundings } from './descriptor.ts';
import { checkDistances, type Family } from './family.ts';
import { NeighbourSearch } from './neighbours.ts';
import { Network } from './network.ts';
import { Sums } from './sums.ts';

export class Ani implements Family {
  readonly #model: AniModel;
  readonly #descriptor: Descriptor;
  readonly #networks: Network[];
  readonly #elementOf = new Map<number, number>();

  constructor(model: AniModel) {
    this.#model = model;
    this.#descriptor = new Descriptor(model.descriptor, model.elements.length);
    this.#networks = model.networks.map((network) => new Network(network, model.celuAlpha));
    for (const [index, number] of model.elements.entries()) this.#elementOf.set(number, index);
  }

  async evaluate(system: System, want: ReadonlySet<Want>, pause: () => Promise<void>): Promise<Outcome> {
    const search = new NeighbourSearch(system, this.#model.cutoff);
    const owned = system.owned ?? system.numbers.length;
    const fault = await checkDistances(Array(owned).keys(), (i) => search.of(i), this.#model, pause);
    if (fault !== undefined) return fault;
    const sums = new Sums(system, want, this.#model.members);
    for (let i = 0; i < owned; i++) {
      this.#addAtom(i, system, search, sums);
      await pause();
    }
    const result = sums.result();
    return resultFault(result) ?? result;
  }

  /** Energy of atom i of every member, and its gradient with respect to the neighbours. */
  #addAtom(i: number, { numbers }: System, search: NeighbourSearch, sums: Sums): void {
    const { atoms, vectors, distances } = search.of(i);
    const seen: Surroundings = { elements: atoms.map((j) => this.#element(numbers[j])), vectors, distances };
    const element = this.#element(numbers[i]);
    const network = this.#networks[element];
    const { members, energyScale, selfEnergies } = this.#model;

    const G = this.#descriptor.forward(seen);
    const columns = this.#descriptor.columns(seen);
    const count = sums.perMember ? members : 1;
    const g = new Float64Array(count * G.length);
    for (let m = 0; m < members; m++) {
      const energy = network.forward(m, G, columns) * energyScale + selfEnergies[element];
      sums.addEnergy(m, i, energy);
      // Where only the mean force is wanted the members' gradients are averaged before the geometry is differentiated.
      if (sums.gradients && sums.perMember)
        network.backward(m, columns, energyScale, g.subarray(m * G.length, (m + 1) * G.length));
      else if (sums.gradients) network.backward(m, columns, energyScale / members, g);
    }
    if (sums.gradients) sums.addGradient(i, atoms, vectors, this.#descriptor.backward(seen, g, count));
  }

  #element(number: number): number {
    return this.#elementOf.get(number)!;
  }
}
