/**
 * Neighbours and triples of a block of centres as the device takes them. Entries of one centre that go to the same
 * columns of the descriptor lie side by side in slots of eight; a slot that is not full is filled up with entries that
 * count nothing, and the arrays with slots that belong to a row which no atom has.
 */
import type { AniModel } from '../../model/model.ts';
import type { Neighbourhood } from '../reference/neighbours.ts';
import { bucket, SLOT, slots } from './buckets.ts';
import type { Job } from './job.ts';

/** An atom whose energy is computed, with its neighbours. */
export interface Centre {
  readonly job: Job;
  readonly atom: number;
  readonly element: number;
  readonly seen: Neighbourhood;
  /** Element of each neighbour. */
  readonly elements: Uint8Array;
  /** Slots of its triples: the measure of its cost. */
  readonly tripleSlots: number;
}

/** Rows of the descriptor that belong to one element. */
export interface RowRange {
  readonly element: number;
  readonly first: number;
  /** Padding included. */
  readonly count: number;
}

/** An atom that a block touches, as centre or as neighbour. */
export interface Touched {
  readonly job: Job;
  readonly atom: number;
}

/** S slots of P = 8 S pairs, S′ slots of T = 8 S′ triples, R rows. */
export interface Lists {
  /** Neighbour elements, ascending; at least one. The others' columns are 0. */
  readonly present: readonly number[];
  readonly rows: number;
  readonly ranges: readonly RowRange[];
  /** [rows] index of the centre in the block, −1 for padding. */
  readonly centreOf: Int32Array;
  /** [P,5] û, r in Å, and 1, or 0 for padding. */
  readonly geometry: Float32Array;
  /** [S] row × present elements + element */
  readonly pairGroups: Int32Array;
  /** [P] atom at the centre and at the end of D, of `touched`; its length for padding. */
  readonly pairCentres: Int32Array;
  readonly pairNeighbours: Int32Array;
  /** [T] the two pairs of a triple. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  /** [S′] row × pairs of present elements + pair */
  readonly tripleGroups: Int32Array;
  readonly touched: readonly Touched[];
}

export class ListBuilder {
  readonly #angularCutoff: number;
  readonly #elementOf = new Uint8Array(256);
  readonly #elements: number;
  readonly #near: Int32Array;

  constructor(model: AniModel) {
    this.#angularCutoff = model.descriptor.angular.cutoff;
    this.#elements = model.elements.length;
    this.#near = new Int32Array(this.#elements);
    for (const [index, number] of model.elements.entries()) this.#elementOf[number] = index;
  }

  centre(job: Job, atom: number, seen: Neighbourhood): Centre {
    const { numbers } = job.system;
    const elements = Uint8Array.from(seen.atoms, (j) => this.#elementOf[numbers[j]]);
    const near = this.#near.fill(0);
    for (let k = 0; k < elements.length; k++) if (seen.distances[k] <= this.#angularCutoff) near[elements[k]]++;
    let tripleSlots = 0;
    for (let a = 0; a < this.#elements; a++)
      for (let b = a; b < this.#elements; b++) tripleSlots += slots(triples(near[a], near[b], a === b));
    return { job, atom, element: this.#elementOf[numbers[atom]], seen, elements, tripleSlots };
  }

  build(centres: readonly Centre[]): Lists {
    const present = presentElements(centres, this.#elements);
    const { rows, ranges, centreOf } = layOutRows(centres, this.#elements);
    const placeOf = new Int32Array(this.#elements);
    for (const [place, element] of present.entries()) placeOf[element] = place;
    const E = present.length;
    const pairsOfElements = (E * (E + 1)) / 2;

    const pairSlots = bucket(1 + centres.reduce((sum, { elements }) => sum + radialSlots(elements, this.#elements), 0));
    const tripleSlots = bucket(centres.reduce((sum, centre) => sum + centre.tripleSlots, 0));
    const P = SLOT * pairSlots;
    const T = SLOT * tripleSlots;
    const touched = new TouchedAtoms();
    const geometry = new Float32Array(5 * P);
    for (let p = 0; p < P; p++) {
      geometry[5 * p] = 1;
      geometry[5 * p + 3] = 1;
    }
    const pairGroups = new Int32Array(pairSlots).fill((rows - 1) * E);
    const pairCentres = new Int32Array(P).fill(-1);
    const pairNeighbours = new Int32Array(P).fill(-1);
    // The last pair is padding always: what padded triples are made of.
    const first = new Int32Array(T).fill(P - 1);
    const second = new Int32Array(T).fill(P - 1);
    const tripleGroups = new Int32Array(tripleSlots).fill((rows - 1) * pairsOfElements);

    let pairSlot = 0;
    let tripleSlot = 0;
    const near: number[][] = present.map(() => []);
    for (let row = 0; row < rows; row++) {
      if (centreOf[row] < 0) continue;
      const { job, atom, seen, elements } = centres[centreOf[row]];
      const self = touched.indexOf(job, atom);
      for (let e = 0; e < E; e++) {
        near[e].length = 0;
        let p = pairSlot * SLOT;
        for (let k = 0; k < elements.length; k++) {
          if (elements[k] !== present[e]) continue;
          const r = seen.distances[k];
          for (let x = 0; x < 3; x++) geometry[5 * p + x] = seen.vectors[3 * k + x] / r;
          geometry[5 * p + 3] = r;
          geometry[5 * p + 4] = 1;
          pairCentres[p] = self;
          pairNeighbours[p] = touched.indexOf(job, seen.atoms[k]);
          if (r <= this.#angularCutoff) near[e].push(p);
          p++;
        }
        const end = slots(p);
        pairGroups.fill(row * E + e, pairSlot, end);
        pairSlot = end;
      }
      let pair = 0;
      for (let a = 0; a < E; a++) {
        for (let b = a; b < E; b++, pair++) {
          let t = tripleSlot * SLOT;
          for (let i = 0; i < near[a].length; i++) {
            for (let j = a === b ? i + 1 : 0; j < near[b].length; j++, t++) {
              first[t] = near[a][i];
              second[t] = near[b][j];
            }
          }
          const end = slots(t);
          tripleGroups.fill(row * pairsOfElements + pair, tripleSlot, end);
          tripleSlot = end;
        }
      }
    }
    const atoms = touched.all;
    for (const ends of [pairCentres, pairNeighbours])
      for (let p = 0; p < P; p++) if (ends[p] < 0) ends[p] = atoms.length;
    const pairs = { geometry, pairGroups, pairCentres, pairNeighbours };
    return { present, rows, ranges, centreOf, ...pairs, first, second, tripleGroups, touched: atoms };
  }
}

const triples = (a: number, b: number, same: boolean): number => (same ? (a * (a - 1)) / 2 : a * b);

function radialSlots(elements: Uint8Array, kinds: number): number {
  const counts = new Int32Array(kinds);
  for (let k = 0; k < elements.length; k++) counts[elements[k]]++;
  let sum = 0;
  for (let e = 0; e < kinds; e++) sum += slots(counts[e]);
  return sum;
}

function presentElements(centres: readonly Centre[], kinds: number): number[] {
  const there = new Uint8Array(kinds);
  for (const { elements } of centres) for (let k = 0; k < elements.length; k++) there[elements[k]] = 1;
  const present = Array.from(there.keys()).filter((element) => there[element] === 1);
  return present.length === 0 ? [0] : present;
}

/** Rows sorted by element, each element's padded; the last row of all belongs to no atom. */
function layOutRows(centres: readonly Centre[], kinds: number): Pick<Lists, 'rows' | 'ranges' | 'centreOf'> {
  const counts = new Int32Array(kinds);
  for (const { element } of centres) counts[element]++;
  const last = counts.findLastIndex((count) => count > 0);
  const ranges: RowRange[] = [];
  let rows = 0;
  for (let element = 0; element < kinds; element++) {
    if (counts[element] === 0) continue;
    const count = bucket(counts[element] + (element === last ? 1 : 0));
    ranges.push({ element, first: rows, count });
    rows += count;
  }
  const centreOf = new Int32Array(rows).fill(-1);
  const next = new Int32Array(kinds);
  for (const { element, first } of ranges) next[element] = first;
  for (const [index, { element }] of centres.entries()) centreOf[next[element]++] = index;
  return { rows, ranges, centreOf };
}

/** Numbers the atoms that a block touches in the order in which they are met. */
class TouchedAtoms {
  readonly all: Touched[] = [];
  readonly #indices = new Map<Job, Int32Array>();

  indexOf(job: Job, atom: number): number {
    let indices = this.#indices.get(job);
    if (indices === undefined) {
      indices = new Int32Array(job.system.numbers.length).fill(-1);
      this.#indices.set(job, indices);
    }
    if (indices[atom] < 0) indices[atom] = this.all.push({ job, atom }) - 1;
    return indices[atom];
  }
}
