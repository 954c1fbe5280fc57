/** Whole systems as one graph for models that pass messages: atoms, and pairs in slots of one centre each. */
import type { Neighbourhood } from '../reference/neighbours.ts';
import { bucket, SLOT, slots } from './buckets.ts';
import type { Job } from './job.ts';

/** A system with the neighbours of all atoms whose features its energy depends on. */
export interface Member {
  readonly job: Job;
  readonly seen: ReadonlyMap<number, Neighbourhood>;
  /** Slots of its pairs: the measure of its cost. */
  readonly slots: number;
}

/** N nodes, the last one of no atom; S slots of P = 8 S pairs. */
export interface Graph {
  readonly nodes: number;
  /** [N] */
  readonly elements: Int32Array;
  /** [N] 1 where the energy counts: owned atoms. */
  readonly counted: Float32Array;
  /** [P,4] D in Å, and 1, or 0 for padding. */
  readonly geometry: Float32Array;
  /** [S] node */
  readonly slotCentres: Int32Array;
  /** [P] nodes at the centre and at the end of D; the last node for padding. */
  readonly centres: Int32Array;
  readonly neighbours: Int32Array;
}

/** Neighbours of the atoms that matter, block after block outwards from the owned ones; undefined where the system fails. */
export function memberOf(job: Job, blocks: number): Member | undefined {
  const seen = new Map<number, Neighbourhood>();
  let count = 0;
  let centres: number[] = Array.from({ length: job.owned }, (_, i) => i);
  for (let block = blocks; block > 0; block--) {
    const next = new Set<number>();
    for (const i of centres) {
      const found = job.neighbours(i);
      if (found === undefined) continue;
      seen.set(i, found);
      count += slots(found.atoms.length);
      for (const j of found.atoms) next.add(j);
    }
    if (job.failed) return undefined;
    centres = [...next].filter((j) => !seen.has(j));
  }
  return { job, seen, slots: count };
}

/** The atoms of all members, one system after the other. */
export function graphOf(members: readonly Member[], elementOf: ArrayLike<number>): Graph {
  const atoms = members.reduce((sum, { job }) => sum + job.system.numbers.length, 0);
  const nodes = bucket(atoms + 1);
  const slotCount = bucket(members.reduce((sum, { slots: own }) => sum + own, 0) + 1);
  const P = SLOT * slotCount;
  const elements = new Int32Array(nodes);
  const counted = new Float32Array(nodes);
  const geometry = new Float32Array(4 * P);
  for (let p = 0; p < P; p++) geometry[4 * p] = 1;
  const slotCentres = new Int32Array(slotCount).fill(nodes - 1);
  const centres = new Int32Array(P).fill(nodes - 1);
  const neighbours = new Int32Array(P).fill(nodes - 1);
  let first = 0;
  let slot = 0;
  for (const { job, seen } of members) {
    const { numbers } = job.system;
    for (let i = 0; i < numbers.length; i++) elements[first + i] = elementOf[numbers[i]];
    counted.fill(1, first, first + job.owned);
    for (const [i, { atoms: ends, vectors }] of seen) {
      let p = SLOT * slot;
      for (let k = 0; k < ends.length; k++, p++) {
        for (let x = 0; x < 3; x++) geometry[4 * p + x] = vectors[3 * k + x];
        geometry[4 * p + 3] = 1;
        centres[p] = first + i;
        neighbours[p] = first + ends[k];
      }
      slotCentres.fill(first + i, slot, slots(p));
      slot = slots(p);
    }
    first += numbers.length;
  }
  return { nodes, elements, counted, geometry, slotCentres, centres, neighbours };
}
