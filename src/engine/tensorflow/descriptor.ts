/** The ANI descriptor and its gradient on the device, float32; equation numbers are those of docs/maths.md. */
import type { AniDescriptor } from '../../model/model.ts';
import { SLOT } from './buckets.ts';
import type { Lists } from './lists.ts';
import type { Tensor, TensorFlow } from './operations.ts';

/** Keeps the cosine off ±1, where arccos has no derivative (eq. 4). */
const DAMPING = 0.95;

/** Lists on the device. */
export interface DeviceLists {
  readonly present: number;
  readonly rows: number;
  readonly atoms: number;
  /** [P,3] û */
  readonly units: Tensor;
  /** [P,1] Å */
  readonly distances: Tensor;
  /** [P,1] 1, or 0 for padding */
  readonly real: Tensor;
  readonly pairGroups: Tensor;
  readonly pairCentres: Tensor;
  readonly pairNeighbours: Tensor;
  readonly first: Tensor;
  readonly second: Tensor;
  readonly tripleGroups: Tensor;
}

/** What the forward pass leaves to the reverse: factors of pairs [P,…] and triples [T,…]. */
export interface Trace {
  /** [P, n_r] of eq. 9 */
  readonly radialSlopes: Tensor;
  /** û, r, f, f′ of both pairs of a triple, [T,1] but û [T,3] */
  readonly u: Leg;
  readonly v: Leg;
  /** [T,1] û·v̂ */
  readonly cosine: Tensor;
  /** [T, n_z] */
  readonly f1: Tensor;
  readonly df1: Tensor;
  /** [T, n_a] */
  readonly f2: Tensor;
  readonly df2: Tensor;
}

interface Leg {
  readonly unit: Tensor;
  readonly r: Tensor;
  readonly f: Tensor;
  readonly df: Tensor;
}

export class DeviceDescriptor {
  readonly #tf: TensorFlow;
  readonly #model: AniDescriptor;
  readonly #radialShifts: Tensor;
  readonly #angularShifts: Tensor;
  readonly #cosines: Tensor;
  readonly #sines: Tensor;

  constructor(tf: TensorFlow, model: AniDescriptor) {
    this.#tf = tf;
    this.#model = model;
    const row = (values: Float64Array) => tf.keep(tf.tensor(Float32Array.from(values), [1, values.length], 'float32'));
    const { radial, angular } = model;
    this.#radialShifts = row(radial.shifts);
    this.#angularShifts = row(angular.shifts);
    this.#cosines = row(angular.sections.map(Math.cos));
    this.#sines = row(angular.sections.map(Math.sin));
  }

  close(): void {
    this.#tf.dispose([this.#radialShifts, this.#angularShifts, this.#cosines, this.#sines]);
  }

  upload(lists: Lists): DeviceLists {
    const tf = this.#tf;
    const pairs = lists.pairCentres.length;
    const geometry = tf.tensor(lists.geometry, [pairs, 5], 'float32');
    const whole = (values: Int32Array) => tf.tensor(values, [values.length], 'int32');
    return {
      present: lists.present.length,
      rows: lists.rows,
      atoms: lists.touched.length,
      units: tf.slice(geometry, [0, 0], [pairs, 3]),
      distances: tf.slice(geometry, [0, 3], [pairs, 1]),
      real: tf.slice(geometry, [0, 4], [pairs, 1]),
      pairGroups: whole(lists.pairGroups),
      pairCentres: whole(lists.pairCentres),
      pairNeighbours: whole(lists.pairNeighbours),
      first: whole(lists.first),
      second: whole(lists.second),
      tripleGroups: whole(lists.tripleGroups),
    };
  }

  /** G [rows, columns of the present elements], radial columns first (eq. 6–8). */
  forward(lists: DeviceLists): [Tensor, Trace] {
    const tf = this.#tf;
    const { radial } = this.#model;
    const [fr, dfr] = this.#cutoff(lists.distances, radial.cutoff, lists.real);
    const w = lists.distances.sub(this.#radialShifts);
    const bell = tf.exp(tf.square(w).mul(-radial.eta)).mul(0.25);
    const terms = bell.mul(fr).reshape([-1, SLOT, radial.shifts.length]);
    const groups = lists.rows * lists.present;
    const G = tf.unsortedSegmentSum(tf.sum(terms, 1), lists.pairGroups, groups); // (3)
    const radialSlopes = bell.mul(dfr.sub(w.mul(fr).mul(2 * radial.eta))); // (9)
    const [angular, trace] = this.#triples(lists);
    return [tf.concat([G.reshape([lists.rows, -1]), angular], 1), { radialSlopes, ...trace }];
  }

  #triples(lists: DeviceLists): [Tensor, Omit<Trace, 'radialSlopes'>] {
    const tf = this.#tf;
    const { eta, zeta, cutoff, shifts, sections } = this.#model.angular;
    const pairs = tf.concat([lists.units, lists.distances, ...this.#cutoff(lists.distances, cutoff, lists.real)], 1);
    const [u, v] = [legOf(tf, tf.gather(pairs, lists.first)), legOf(tf, tf.gather(pairs, lists.second))];
    const cosine = tf.sum(u.unit.mul(v.unit), 1).reshape([-1, 1]);
    const x = cosine.mul(DAMPING);
    const sine = tf.sqrt(tf.square(x).neg().add(1));
    // cos(θ − Z) by the addition theorem: no arccos
    const h = x.mul(this.#cosines).add(sine.mul(this.#sines)).add(1).mul(0.5);
    const power = this.#power(h, zeta - 1);
    const f1 = power.mul(h);
    const df1 = power.mul(this.#cosines.sub(x.div(sine).mul(this.#sines))).mul(0.5 * DAMPING * zeta); // (10)
    const w = u.r.add(v.r).mul(0.5).sub(this.#angularShifts);
    const f2 = tf.exp(tf.square(w).mul(-eta));
    const df2 = w.mul(f2).mul(-eta); // (11)
    const weighted = f2.mul(u.f.mul(v.f).mul(2)).reshape([-1, SLOT, shifts.length]);
    const slots = tf.matMul(weighted, f1.reshape([-1, SLOT, sections.length]), true); // (5), summed over a slot
    const groups = (lists.rows * lists.present * (lists.present + 1)) / 2;
    const columns = shifts.length * sections.length;
    const G = tf.unsortedSegmentSum(slots.reshape([-1, columns]), lists.tripleGroups, groups);
    return [G.reshape([lists.rows, -1]), { u, v, cosine, f1, df1, f2, df2 }];
  }

  /**
   * v_D of eq. 15 for every pair, from gradients of the energy with respect to G.
   * @param g [count, rows, columns]
   * @returns [P, count, 3] eV/Å
   */
  backward(lists: DeviceLists, trace: Trace, g: Tensor): Tensor {
    const tf = this.#tf;
    const count = g.shape[0];
    const nr = this.#model.radial.shifts.length;
    const radialColumns = lists.present * nr;
    const angularColumns = g.shape[2] - radialColumns;
    const columns = this.#model.angular.shifts.length * this.#model.angular.sections.length;
    /** Of the groups of slots: [slots, columns of a group, count]. */
    const ofSlots = (first: number, width: number, group: number, groups: Tensor) => {
      const part = tf.slice(g, [0, 0, first], [count, lists.rows, width]).reshape([count, -1, group]);
      return tf.gather(tf.transpose(part, [1, 2, 0]), groups);
    };
    const gr = ofSlots(0, radialColumns, nr, lists.pairGroups);
    const alongRadial = tf.matMul(trace.radialSlopes.reshape([-1, SLOT, nr]), gr).reshape([-1, count]);

    const ga = ofSlots(radialColumns, angularColumns, columns, lists.tripleGroups);
    const { u, v, cosine, f1, df1, f2, df2 } = trace;
    /** Σ g F1 F2 over shifts and sections, [T, count] */
    const contract = (a: Tensor, z: Tensor) => {
      const outer = a.reshape([-1, a.shape[1], 1]).mul(z.reshape([-1, 1, z.shape[1]]));
      return tf.matMul(outer.reshape([-1, SLOT, columns]), ga).reshape([-1, count]);
    };
    const both = contract(f2, f1);
    const inShift = contract(df2, f1).mul(u.f.mul(v.f));
    const angle = contract(f2, df1).mul(u.f.mul(v.f).mul(2));
    const alongU = both.mul(u.df.mul(v.f)).add(inShift).mul(2); // (13)
    const alongV = both.mul(u.f.mul(v.df)).add(inShift).mul(2);
    const turnU = angle.div(u.r);
    const turnV = angle.div(v.r);
    const pairs = lists.units.shape[0];
    const ends = tf.concat([lists.first, lists.second], 0);
    /** What triples give to their pairs. */
    const ofPairs = (ofU: Tensor, ofV: Tensor) =>
      tf.unsortedSegmentSum(tf.concat([ofU, ofV], 0).reshape([-1, ofU.size / ofU.shape[0]]), ends, pairs);
    const outer = (scalars: Tensor, units: Tensor) => scalars.reshape([-1, count, 1]).mul(units.reshape([-1, 1, 3]));
    // (12): along û itself, and along the other pair's.
    const along = alongRadial.add(ofPairs(alongU.sub(turnU.mul(cosine)), alongV.sub(turnV.mul(cosine))));
    const across = ofPairs(outer(turnU, v.unit), outer(turnV, u.unit)).reshape([-1, count, 3]);
    return outer(along, lists.units).add(across);
  }

  /** f(r) and f′(r) of eq. 2, 0 for padding, [P,1]. */
  #cutoff(r: Tensor, cutoff: number, real: Tensor): [Tensor, Tensor] {
    const tf = this.#tf;
    if (this.#model.cutoffFunction === 'cosine') {
      const x = r.mul(Math.PI / cutoff);
      return [
        tf.cos(x).add(1).mul(0.5).mul(real),
        tf
          .sin(x)
          .mul((-0.5 * Math.PI) / cutoff)
          .mul(real),
      ];
    }
    const y = tf.maximum(tf.square(r.div(cutoff)).neg().add(1), FLOOR);
    const inverse = tf.ones(y.shape).div(y);
    const f = tf.exp(inverse.neg().add(1)).mul(real);
    // The square of 1/y must not overflow where f is 0 already.
    const bounded = tf.minimum(inverse, STEEPEST);
    return [
      f,
      f
        .mul(r)
        .mul(tf.square(bounded))
        .mul(-2 / (cutoff * cutoff)),
    ];
  }

  /** h^p: whole powers by squaring, which is several times faster on processors. */
  #power(h: Tensor, p: number): Tensor {
    if (!Number.isInteger(p)) return this.#tf.pow(h, p);
    let result: Tensor | undefined;
    let square = h;
    for (let rest = p; rest > 0; rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) result = result === undefined ? square : result.mul(square);
      if (rest > 1) square = this.#tf.square(square);
    }
    return result ?? this.#tf.ones(h.shape);
  }
}

/** The exponent of the smooth cutoff is held where 1 − (r/R)² would be less than this. */
const FLOOR = 1e-10;
/** exp(1 − 1/y) is 0 in float32 long before. */
const STEEPEST = 1e6;

/** Columns of [T,6]: û, r, f, f′. */
function legOf(tf: TensorFlow, pairs: Tensor): Leg {
  const size = pairs.shape[0];
  const column = (k: number) => tf.slice(pairs, [0, k], [size, 1]);
  return { unit: tf.slice(pairs, [0, 0], [size, 3]), r: column(3), f: column(4), df: column(5) };
}
