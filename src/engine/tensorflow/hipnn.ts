/**
 * HIP-NN and HIP-NN-TS on the device, member after member; the reverse pass is TensorFlow.js's own. Equation numbers are
 * those of docs/maths.md.
 */
import type { HipnnModel } from '../../model/model.ts';
import type { DeviceFamily, Wanted } from './family.ts';
import { forcesOf } from './forces.ts';
import { type Graph, graphOf, type Member, memberOf } from './graph.ts';
import { HipnnLayers, type Nodes } from './hipnn-layers.ts';
import type { Job } from './job.ts';
import { Budget } from './memory.ts';
import type { Tensor, TensorFlow } from './operations.ts';

/** Slots of pairs on the device at once. */
const BLOCK = { gpu: 1 << 15, processor: 1 << 12 };

export class DeviceHipnn implements DeviceFamily {
  readonly #tf: TensorFlow;
  readonly #model: HipnnModel;
  readonly #members: readonly HipnnLayers[];
  readonly #elementOf = new Uint8Array(256);
  readonly #budget: Budget;

  constructor(tf: TensorFlow, model: HipnnModel) {
    this.#tf = tf;
    this.#model = model;
    this.#members = Array.from({ length: model.members }, (_, m) => new HipnnLayers(tf, model, m));
    for (const [index, number] of model.elements.entries()) this.#elementOf[number] = index;
    this.#budget = new Budget(tf.backend().isUsingGpuDevice ? BLOCK.gpu : BLOCK.processor);
  }

  evaluate(jobs: readonly Job[], wanted: Wanted, checkCancelled: () => void): void {
    let block: Member[] = [];
    let cost = 0;
    const flush = () => {
      checkCancelled();
      if (block.length > 0) this.#budget.run(block, cost, (part) => this.#run(part, wanted));
      block = [];
      cost = 0;
    };
    for (const job of jobs) {
      const member = memberOf(job, this.#model.blocks.length);
      if (member === undefined) continue;
      if (cost + member.slots > this.#budget.limit) flush();
      block.push(member);
      cost += member.slots;
    }
    flush();
  }

  get bytes(): number {
    return this.#members.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  close(): void {
    for (const member of this.#members) member.close();
  }

  #run(systems: readonly Member[], wanted: Wanted): void {
    const graph = graphOf(systems, this.#elementOf);
    const values = this.#tf.tidy(() => this.#compute(graph, wanted).dataSync());
    const { members, heads, energyScale, selfEnergies } = this.#model;
    const orders = heads.length;
    const firstForce = members * graph.nodes * orders;
    const count = wanted.gradient === 'members' ? members : 1;
    const firstVirial = firstForce + 3 * count * graph.nodes;
    const virials = wanted.virials ? values : undefined;
    let node = 0;
    for (const { job } of systems) {
      for (let i = 0; i < job.system.numbers.length; i++, node++) {
        if (i < job.owned) {
          const self = selfEnergies[graph.elements[node]];
          for (let m = 0; m < members; m++) {
            const start = (m * graph.nodes + node) * orders;
            const energies = Array.from(values.subarray(start, start + orders), (energy) => energy * energyScale);
            job.addEnergy(
              m,
              i,
              energies.reduce((sum, energy) => sum + energy, 0),
              self,
            );
            job.addHierarchy(i, [self, ...energies], members);
          }
        }
        if (wanted.gradient !== 'none')
          job.sums.addForces(i, values, firstForce + 3 * count * node, count, virials, firstVirial + 9 * node);
      }
    }
  }

  /** Energies of each order [M, N, orders], forces [N, M or 1, 3] and virials [N, 9], one after the other. */
  #compute(graph: Graph, wanted: Wanted): Tensor {
    const tf = this.#tf;
    const pairs = graph.centres.length;
    const geometry = tf.tensor(graph.geometry, [pairs, 4], 'float32');
    const whole = (values: Int32Array) => tf.tensor(values, [values.length], 'int32');
    const nodes: Nodes = {
      count: graph.nodes,
      elements: whole(graph.elements),
      real: tf.slice(geometry, [0, 3], [pairs, 1]),
      slotCentres: whole(graph.slotCentres),
      neighbours: whole(graph.neighbours),
    };
    const vectors = tf.slice(geometry, [0, 0], [pairs, 3]);
    const counted = tf.tensor(graph.counted, [graph.nodes, 1], 'float32').mul(this.#model.energyScale);
    const energies: Tensor[] = [];
    const gradients: Tensor[] = [];
    for (const member of this.#members) {
      if (wanted.gradient === 'none') {
        energies.push(member.energies(vectors, nodes).reshape([-1]));
        continue;
      }
      // Held beyond the tape, which frees all but the gradient.
      let held: Tensor | undefined;
      const [slope] = tf.grads((D) => {
        const atomic = member.energies(D, nodes);
        held = tf.keep(atomic.reshape([-1]));
        return tf.sum(atomic.mul(counted));
      })([vectors]);
      if (held !== undefined) {
        energies.push(held.mul(1));
        held.dispose();
      }
      gradients.push(slope);
    }
    const parts = [...energies];
    if (wanted.gradient !== 'none') {
      const stacked = gradients.map((slope) => slope.reshape([-1, 1, 3]));
      const v = wanted.gradient === 'members' ? tf.concat(stacked, 1) : mean(stacked);
      const ends = { vectors, centres: whole(graph.centres), neighbours: nodes.neighbours, atoms: graph.nodes - 1 };
      parts.push(...forcesOf(tf, ends, v, wanted.virials));
    }
    return tf.concat(parts, 0);
  }
}

const mean = (tensors: readonly Tensor[]): Tensor =>
  tensors.reduce((sum, tensor) => sum.add(tensor)).mul(1 / tensors.length);
