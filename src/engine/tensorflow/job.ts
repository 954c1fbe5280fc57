/** One system under evaluation: its neighbours, what its atoms add up to, or its fault. */
import type { MltsError } from '../../errors.ts';
import type { ModelInfo } from '../../model/model.ts';
import type { Outcome, System, Want } from '../potential.ts';
import { hierarchicality } from '../reference/hipnn.ts';
import { MAX_NEIGHBOURS, type Neighbourhood, NeighbourSearch } from '../reference/neighbours.ts';
import { Sums } from '../reference/sums.ts';
import { crowded, overlap, resultFault } from '../validate.ts';

/** Of real atoms, eV, with a wide margin; the same as in the native backend. */
const LARGEST = 20;

export class Job {
  readonly system: System;
  readonly owned: number;
  readonly sums: Sums;
  readonly #search: NeighbourSearch;
  readonly #model: ModelInfo;
  readonly #hierarchy: Float64Array | undefined;
  #closest = Number.POSITIVE_INFINITY;
  #fault: MltsError | undefined;

  /** @param system valid */
  constructor(system: System, want: ReadonlySet<Want>, model: ModelInfo) {
    this.system = system;
    this.owned = system.owned ?? system.numbers.length;
    this.sums = new Sums(system, want, model.members);
    this.#search = new NeighbourSearch(system, model.cutoff);
    this.#model = model;
    const hasLayers = model.architecture === 'hipnn' && want.has('hierarchicality');
    this.#hierarchy = hasLayers ? new Float64Array(system.numbers.length) : undefined;
  }

  /** Whether a network energy is so large that float32 may round it by more than 1e-5 eV: to be evaluated in double. */
  coarse = false;
  /** Whether the system cannot be evaluated: what is computed of it is thrown away. */
  get failed(): boolean {
    return this.#fault !== undefined;
  }

  fail(fault: MltsError): void {
    this.#fault ??= fault;
  }

  /** @param network energy of the networks, self energy beside it, eV */
  addEnergy(member: number, atom: number, network: number, self: number): void {
    if (Math.abs(network) > LARGEST) this.coarse = true;
    this.sums.addEnergy(member, atom, network + self);
  }

  /** Adds one member's part of R_i (eq. 22). @param energies of the orders 0, 1 …, eV */
  addHierarchy(atom: number, energies: readonly number[], members: number): void {
    if (this.#hierarchy !== undefined) this.#hierarchy[atom] += hierarchicality(energies) / members;
  }

  /** Neighbours of an atom, or undefined where some are too close or too many: the system has failed then. */
  neighbours(i: number): Neighbourhood | undefined {
    const found = this.#search.of(i);
    const { atoms, distances } = found;
    if (distances.length > MAX_NEIGHBOURS) this.fail(crowded(i, MAX_NEIGHBOURS, this.#model));
    let usable = distances.length <= MAX_NEIGHBOURS;
    for (let k = 0; k < distances.length; k++) {
      const distance = distances[k];
      if (distance >= this.#model.minDistance && distance > 0) continue;
      usable = false;
      if (distance >= this.#closest) continue;
      this.#closest = distance;
      const [first, second] = [Math.min(i, atoms[k]), Math.max(i, atoms[k])];
      this.#fault = overlap(first, second, distance, this.#model);
    }
    return usable ? found : undefined;
  }

  outcome(): Outcome {
    if (this.#fault !== undefined) return this.#fault;
    const result = this.sums.result();
    if (this.#hierarchy !== undefined) result.hierarchicality = this.#hierarchy;
    return resultFault(result) ?? result;
  }
}
