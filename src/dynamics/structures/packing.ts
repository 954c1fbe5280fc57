/** Atoms and molecules at random in a box with right angles. */
import { massOf } from '../../elements.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import { AMU_PER_ANGSTROM3_IN_G_PER_CM3 } from '../../units.ts';
import { covalentRadius } from './radii.ts';

/** Rigid pieces of one kind: an atom or a molecule. */
export interface Piece {
  readonly numbers: Int32Array;
  /** [n,3] Å */
  readonly positions: Float64Array;
  readonly count: number;
}

export interface PackingOptions {
  readonly pieces: readonly Piece[];
  /** g/cm³ */
  readonly density: number;
  /** Shortest distance between atoms of different pieces, Å; default by `contact`. */
  readonly minDistance?: number | undefined;
  /** Edges of the box against each other; default a cube. */
  readonly shape?: readonly [number, number, number] | undefined;
  /** Uniform in [0,1). */
  readonly random: () => number;
}

/** Trials for one piece before the packing is given up. */
const TRIALS = 20_000;

/** How close atoms of different pieces may come: 0.9 of the covalent bond where pieces are atoms, 2 Å between molecules. */
function contact(pieces: readonly Piece[]): (a: number, b: number) => number {
  if (pieces.some(({ numbers }) => numbers.length > 1)) return () => 2;
  return (a, b) => 0.9 * (covalentRadius(a) + covalentRadius(b));
}

/**
 * Pieces placed one after another where they fit, each turned at random. Larger pieces come first in the search and keep
 * their order in the result.
 * @throws MltsError E_LIMIT where the next piece finds no room
 */
export function packing({ pieces, density, minDistance, shape = [1, 1, 1], random }: PackingOptions): Structure {
  const nearest = minDistance === undefined ? contact(pieces) : () => minDistance;
  const numbers = pieces.flatMap((piece) => Array.from({ length: piece.count }, () => [...piece.numbers]).flat());
  const mass = numbers.reduce((sum, number) => sum + (massOf(number) ?? 0), 0);
  const unit = Math.cbrt((mass * AMU_PER_ANGSTROM3_IN_G_PER_CM3) / density / (shape[0] * shape[1] * shape[2]));
  const edges = shape.map((edge) => edge * unit);
  const kinds = [...new Set(numbers)];
  const reach = Math.max(...kinds.flatMap((a) => kinds.map((b) => nearest(a, b))));
  const room = new Room(edges, reach, nearest);
  const placed = pieces.map((): number[] => []);
  const order = pieces.map((_, kind) => kind).sort((a, b) => pieces[b].numbers.length - pieces[a].numbers.length);
  for (const kind of order) {
    for (let copy = 0; copy < pieces[kind].count; copy++) placed[kind].push(...place(pieces[kind], room, random, copy));
  }
  return {
    numbers: Int32Array.from(numbers),
    positions: Float64Array.from(placed.flat()),
    cell: Float64Array.of(edges[0], 0, 0, 0, edges[1], 0, 0, 0, edges[2]),
    pbc: [true, true, true],
    info: {},
    arrays: {},
  };
}

function place(piece: Piece, room: Room, random: () => number, copy: number): Float64Array {
  const n = piece.numbers.length;
  const centre = [0, 1, 2].map((axis) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += piece.positions[3 * i + axis];
    return sum / n;
  });
  const trial = new Float64Array(3 * n);
  for (let attempt = 0; attempt < TRIALS; attempt++) {
    const at = [random(), random(), random()].map((x, k) => x * room.edges[k]);
    const turn = n > 1 ? rotation(random) : [1, 0, 0, 0, 1, 0, 0, 0, 1];
    for (let i = 0; i < 3 * n; i += 3) {
      for (let k = 0; k < 3; k++) {
        trial[i + k] = at[k];
        for (let m = 0; m < 3; m++) trial[i + k] += turn[3 * k + m] * (piece.positions[i + m] - centre[m]);
      }
    }
    if (room.isFree(trial, piece.numbers)) {
      room.add(trial, piece.numbers);
      return trial;
    }
  }
  const what = n === 1 ? 'atom' : 'molecule';
  throw new MltsError(
    'E_LIMIT',
    `no room for ${what} ${copy} after ${TRIALS} trials: ${room.count} atoms stand in a box of ${room.edges.map((edge) => edge.toFixed(2)).join(' × ')} Å`,
    'Ask for a lower density or a shorter minimum distance, and relax what comes out.',
  );
}

/** A uniformly random rotation from a unit quaternion. Source: Shoemake, Graphics Gems III (1992). */
function rotation(random: () => number): number[] {
  const [u, v, w] = [random(), 2 * Math.PI * random(), 2 * Math.PI * random()];
  const [a, b] = [Math.sqrt(1 - u), Math.sqrt(u)];
  const [x, y, z, s] = [a * Math.sin(v), a * Math.cos(v), b * Math.sin(w), b * Math.cos(w)];
  return [
    ...[1 - 2 * (y * y + z * z), 2 * (x * y - s * z), 2 * (x * z + s * y)],
    ...[2 * (x * y + s * z), 1 - 2 * (x * x + z * z), 2 * (y * z - s * x)],
    ...[2 * (x * z - s * y), 2 * (y * z + s * x), 1 - 2 * (x * x + y * y)],
  ];
}

/** A periodic box that knows in which of its compartments each atom sits. */
class Room {
  /** Å */
  readonly edges: readonly number[];
  count = 0;
  readonly #nearest: (a: number, b: number) => number;
  /** Compartments along each edge. */
  readonly #sides: readonly number[];
  readonly #compartments: Map<number, { x: number; y: number; z: number; number: number }[]> = new Map();

  constructor(edges: readonly number[], reach: number, nearest: (a: number, b: number) => number) {
    this.edges = edges;
    this.#sides = edges.map((edge) => Math.max(1, Math.floor(edge / reach)));
    this.#nearest = nearest;
  }

  isFree(positions: Float64Array, numbers: Int32Array): boolean {
    for (const [i, number] of numbers.entries()) {
      const [x, y, z] = positions.subarray(3 * i, 3 * i + 3);
      for (const key of this.#around(x, y, z)) {
        for (const other of this.#compartments.get(key) ?? []) {
          const least = this.#nearest(number, other.number);
          const [dx, dy, dz] = [x - other.x, y - other.y, z - other.z].map(
            (d, k) => d - this.edges[k] * Math.round(d / this.edges[k]),
          );
          if (dx * dx + dy * dy + dz * dz < least * least) return false;
        }
      }
    }
    return true;
  }

  add(positions: Float64Array, numbers: Int32Array): void {
    for (const [i, number] of numbers.entries()) {
      const [x, y, z] = positions.subarray(3 * i, 3 * i + 3);
      const key = this.#key(this.#bin(x, 0), this.#bin(y, 1), this.#bin(z, 2));
      const list = this.#compartments.get(key);
      if (list === undefined) this.#compartments.set(key, [{ x, y, z, number }]);
      else list.push({ x, y, z, number });
      this.count++;
    }
  }

  #bin(x: number, axis: number): number {
    const inside = x / this.edges[axis] - Math.floor(x / this.edges[axis]);
    return Math.min(this.#sides[axis] - 1, Math.floor(inside * this.#sides[axis]));
  }

  #key(i: number, j: number, k: number): number {
    const [u, v, w] = [i, j, k].map((bin, axis) => (bin + this.#sides[axis]) % this.#sides[axis]);
    return (u * this.#sides[1] + v) * this.#sides[2] + w;
  }

  #around(x: number, y: number, z: number): Set<number> {
    const [i, j, k] = [this.#bin(x, 0), this.#bin(y, 1), this.#bin(z, 2)];
    const keys = new Set<number>();
    for (const a of [-1, 0, 1]) {
      for (const b of [-1, 0, 1]) for (const c of [-1, 0, 1]) keys.add(this.#key(i + a, j + b, k + c));
    }
    return keys;
  }
}
