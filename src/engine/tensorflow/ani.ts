/** ANI on the device: blocks of centres, one synchronisation each. docs/maths.md, eq. 1–16. */
import type { AniModel } from '../../model/model.ts';
import { DeviceDescriptor } from './descriptor.ts';
import type { DeviceFamily, Wanted } from './family.ts';
import { forcesOf } from './forces.ts';
import type { Job } from './job.ts';
import { type Centre, ListBuilder, type Lists } from './lists.ts';
import { Budget } from './memory.ts';
import { DeviceNetworks } from './networks.ts';
import type { Tensor, TensorFlow } from './operations.ts';

/** Slots of triples, and centres, of one block: some hundred MB with eight members. */
const BLOCK = { gpu: 1 << 17, processor: 1 << 13 };
/** A centre costs as much as so many slots. */
const CENTRE = 2;

export class DeviceAni implements DeviceFamily {
  readonly #tf: TensorFlow;
  readonly #model: AniModel;
  readonly #lists: ListBuilder;
  readonly #descriptor: DeviceDescriptor;
  readonly #networks: readonly DeviceNetworks[];
  readonly #budget: Budget;

  constructor(tf: TensorFlow, model: AniModel) {
    this.#tf = tf;
    this.#model = model;
    this.#lists = new ListBuilder(model);
    this.#descriptor = new DeviceDescriptor(tf, model.descriptor);
    this.#networks = model.networks.map((network) => new DeviceNetworks(tf, network, model.members, model.celuAlpha));
    this.#budget = new Budget(tf.backend().isUsingGpuDevice ? BLOCK.gpu : BLOCK.processor);
  }

  evaluate(jobs: readonly Job[], wanted: Wanted, checkCancelled: () => void): void {
    let block: Centre[] = [];
    let cost = 0;
    const flush = () => {
      checkCancelled();
      if (block.length > 0) this.#budget.run(block, cost, (part) => this.#run(part, wanted));
      block = [];
      cost = 0;
    };
    for (const job of jobs) {
      for (let i = 0; i < job.owned; i++) {
        const seen = job.neighbours(i);
        if (seen === undefined || job.failed) continue;
        const centre = this.#lists.centre(job, i, seen);
        block.push(centre);
        cost += centre.tripleSlots + CENTRE;
        if (cost >= this.#budget.limit) flush();
      }
    }
    flush();
  }

  get bytes(): number {
    return this.#networks.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  close(): void {
    this.#descriptor.close();
    for (const networks of this.#networks) networks.close();
  }

  #run(centres: readonly Centre[], wanted: Wanted): void {
    const lists = this.#lists.build(centres);
    const values = this.#tf.tidy(() => this.#compute(lists, wanted).dataSync());
    const { members, energyScale, selfEnergies } = this.#model;
    let at = 0;
    for (const { element, first, count } of lists.ranges) {
      for (let m = 0; m < members; m++) {
        for (let row = first; row < first + count; row++, at++) {
          if (lists.centreOf[row] < 0) continue;
          const { job, atom } = centres[lists.centreOf[row]];
          job.addEnergy(m, atom, values[at] * energyScale, selfEnergies[element]);
        }
      }
    }
    if (wanted.gradient === 'none') return;
    const count = wanted.gradient === 'members' ? members : 1;
    const virials = wanted.virials ? values : undefined;
    // One entry more than there are atoms: what padding adds.
    const firstVirial = at + 3 * count * (lists.touched.length + 1);
    for (const [index, { job, atom }] of lists.touched.entries())
      job.sums.addForces(atom, values, at + 3 * count * index, count, virials, firstVirial + 9 * index);
  }

  /** Energies of the ranges [M, count], forces [atoms + 1, M or 1, 3] and virials [atoms + 1, 9], one after the other. */
  #compute(lists: Lists, wanted: Wanted): Tensor {
    const tf = this.#tf;
    const device = this.#descriptor.upload(lists);
    const [G, trace] = this.#descriptor.forward(device);
    const columns = this.#columnsOf(lists.present);
    const results = lists.ranges.map(({ element, first, count }) =>
      this.#networks[element].run(
        tf.slice(G, [first, 0], [count, columns.length]),
        columns,
        wanted.gradient,
        this.#model.energyScale,
      ),
    );
    const parts = results.map(({ energies }) => energies.reshape([-1]));
    if (wanted.gradient !== 'none') {
      const g = tf.concat(
        results.map(({ gradient }) => gradient!),
        1,
      );
      const ends = {
        vectors: device.units.mul(device.distances),
        centres: device.pairCentres,
        neighbours: device.pairNeighbours,
        atoms: device.atoms,
      };
      parts.push(...forcesOf(tf, ends, this.#descriptor.backward(device, trace, g), wanted.virials));
    }
    return tf.concat(parts, 0);
  }

  /** Columns of G that neighbours of these elements can make non-zero (eq. 6–8). */
  #columnsOf(present: readonly number[]): Int32Array {
    const { radial, angular } = this.#model.descriptor;
    const S = this.#model.elements.length;
    const nr = radial.shifts.length;
    const na = angular.shifts.length * angular.sections.length;
    const columns: number[] = [];
    for (const s of present) for (let k = 0; k < nr; k++) columns.push(s * nr + k);
    for (const [index, s] of present.entries()) {
      for (const t of present.slice(index)) {
        const pair = s * S - (s * (s - 1)) / 2 + (t - s);
        for (let k = 0; k < na; k++) columns.push(S * nr + pair * na + k);
      }
    }
    return Int32Array.from(columns);
  }
}
