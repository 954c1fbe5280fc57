/**
 * The reference backend: scalar float64 in the order of the papers, to be read beside docs/maths.md. The truth that
 * other backends answer to, and what runs where no compiler is.
 */
import { MltsError } from '../../errors.ts';
import type { AniModel } from '../../model/model.ts';
import type { EvaluateOptions, Outcome, Potential, System, Trajectory, Want } from '../potential.ts';
import { crowded, overlap, resultFault, validateSystem } from '../validate.ts';
import { Descriptor, type Surroundings } from './descriptor.ts';
import { MAX_NEIGHBOURS, NeighbourSearch } from './neighbours.ts';
import { Network } from './network.ts';
import { Sums } from './sums.ts';

/** Time after which the event loop gets its turn, ms. */
const SLICE = 20;
/** Overlapping pairs after which the search for the closest one ends. */
const ENOUGH_OVERLAPS = 1000;

/** An ANI ensemble evaluated in TypeScript, always in double precision. */
export class ReferencePotential implements Potential {
  readonly backend = 'reference';
  readonly model: AniModel;
  readonly #descriptor: Descriptor;
  readonly #networks: Network[];
  readonly #elementOf = new Map<number, number>();
  #closed = false;

  constructor(model: AniModel) {
    this.model = model;
    this.#descriptor = new Descriptor(model.descriptor, model.elements.length);
    this.#networks = model.networks.map((network) => new Network(network, model.celuAlpha));
    for (const [index, number] of model.elements.entries()) this.#elementOf.set(number, index);
  }

  async evaluate(
    batch: readonly System[],
    want: ReadonlySet<Want>,
    { signal }: EvaluateOptions = {},
  ): Promise<Outcome[]> {
    if (this.#closed) throw new MltsError('E_UNAVAILABLE', 'this potential is closed', 'Open the model again.');
    if (batch.length === 0) throw new MltsError('E_EMPTY', 'a batch of no systems', 'Send at least one system.');
    const pause = pauses(signal);
    const outcomes: Outcome[] = [];
    for (const system of batch) {
      await pause();
      outcomes.push(validateSystem(system, this.model) ?? (await this.#evaluate(system, want, pause)));
    }
    return outcomes;
  }

  createTrajectory(): Trajectory {
    return { close: () => undefined };
  }

  memoryBytes(): number {
    const layers = this.model.networks.flatMap((network) => network.layers);
    return layers.reduce((bytes, { weights, biases }) => bytes + weights.byteLength + biases.byteLength, 0);
  }

  close(): void {
    this.#closed = true;
  }

  async #evaluate(system: System, want: ReadonlySet<Want>, pause: () => Promise<void>): Promise<Outcome> {
    const search = new NeighbourSearch(system, this.model.cutoff);
    const fault = await this.#checkDistances(system, search, pause);
    if (fault !== undefined) return fault;
    const sums = new Sums(system, want, this.model.members);
    const owned = system.owned ?? system.numbers.length;
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
    const { members, energyScale, selfEnergies } = this.model;

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

  /** The closest pair where it is too close; where an atom has neighbours beyond number, that. */
  async #checkDistances(
    { numbers, owned = numbers.length }: System,
    search: NeighbourSearch,
    pause: () => Promise<void>,
  ): Promise<MltsError | undefined> {
    let closest = { first: -1, second: -1, distance: Number.POSITIVE_INFINITY };
    let overlaps = 0;
    let full = -1;
    for (let i = 0; i < owned && overlaps < ENOUGH_OVERLAPS && full < 0; i++) {
      await pause();
      const { atoms, distances } = search.of(i);
      if (distances.length > MAX_NEIGHBOURS) full = i;
      for (const [k, distance] of distances.entries()) {
        if (distance >= this.model.minDistance && distance > 0) continue;
        overlaps++;
        if (distance < closest.distance)
          closest = { first: Math.min(i, atoms[k]), second: Math.max(i, atoms[k]), distance };
      }
    }
    if (overlaps > 0) return overlap(closest.first, closest.second, closest.distance, this.model);
    return full < 0 ? undefined : crowded(full, MAX_NEIGHBOURS, this.model);
  }
}

/** Gives the event loop its turn now and then. @throws E_CANCELLED once the signal has fired */
function pauses(signal: AbortSignal | undefined): () => Promise<void> {
  let last = performance.now();
  const check = () => {
    if (signal?.aborted)
      throw new MltsError('E_CANCELLED', 'the evaluation was cancelled', 'Ask again if it is still wanted.');
  };
  check();
  return async () => {
    if (performance.now() - last < SLICE) return;
    await new Promise((resolve) => setImmediate(resolve));
    last = performance.now();
    check();
  };
}
