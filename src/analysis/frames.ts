/** What analyses take from a trajectory, one frame in memory at a time. */
import { symbolOf } from '../elements.ts';
import { MltsError } from '../errors.ts';
import { readStructures } from '../io/read.ts';
import { type FrameIndex, parseFrameIndex } from '../io/slice.ts';
import type { Structure } from '../io/structure.ts';

export interface TrajectoryOptions {
  readonly index: FrameIndex;
  /** A structure with the same atoms, for files that hold no elements. */
  readonly topology?: string | undefined;
  /** fs between frames, where the file does not say. */
  readonly interval?: number | undefined;
  /** Which walker of a file of several. */
  readonly walker?: number | undefined;
}

export interface Frame extends Structure {
  /** fs, or NaN where neither the file nor the caller knows. */
  readonly time: number;
}

/**
 * Frames of one trajectory.
 * @throws MltsError E_SHAPE where the atoms change, E_USAGE where several walkers are mixed, E_EMPTY where nothing is selected
 */
export function* readFrames(file: string, options: TrajectoryOptions): Generator<Frame> {
  const { index, topology, interval, walker } = options;
  const numbers = topology === undefined ? undefined : firstFrame(topology).numbers;
  let first: Structure | undefined;
  let count = 0;
  for (const { index: at, frame } of readStructures(file, index, numbers)) {
    if (walker !== undefined && frame.info.walker !== walker) continue;
    first ??= frame;
    if (frame.info.walker !== first.info.walker) {
      throw new MltsError('E_USAGE', `${file} holds several walkers`, 'Choose one with --walker.');
    }
    checkAtoms(file, at, frame, first);
    const { time } = frame.info;
    yield { ...frame, time: interval !== undefined ? count * interval : typeof time === 'number' ? time : Number.NaN };
    count++;
  }
  if (count === 0) throw new MltsError('E_EMPTY', `${file}: no frames are selected`, 'Check the file and --index.');
}

/** The first frame of a file. @throws MltsError E_USAGE where it is empty */
export function firstFrame(file: string): Structure {
  const [{ frame }] = readStructures(file, parseFrameIndex('0'));
  return frame;
}

function checkAtoms(file: string, at: number, { numbers }: Structure, first: Structure): void {
  const [n, m] = [numbers.length, first.numbers.length];
  const atom = n === m ? numbers.findIndex((number, i) => number !== first.numbers[i]) : -1;
  if (n === m && atom < 0) return;
  const what = n === m ? `atom ${atom} is ${symbolOf(numbers[atom])}` : `${n} atoms`;
  const before = n === m ? symbolOf(first.numbers[atom]) : m;
  throw new MltsError(
    'E_SHAPE',
    `frame ${at} of ${file}: ${what} where the first has ${before}`,
    'Give frames of the same atoms in the same order.',
  );
}

/** Elements of a system: which there are, ascending, which each atom is, and how many of each. */
export interface Species {
  readonly numbers: readonly number[];
  /** [n] index into `numbers` */
  readonly of: Int32Array;
  readonly counts: readonly number[];
}

export function speciesOf(numbers: Int32Array): Species {
  const kinds = [...new Set(numbers)].sort((a, b) => a - b);
  const of = numbers.map((number) => kinds.indexOf(number));
  return { numbers: kinds, of, counts: kinds.map((_, kind) => of.reduce((sum, k) => sum + (k === kind ? 1 : 0), 0)) };
}

/** @throws MltsError E_CELL unless the frame is periodic in all directions */
export function needCell(frame: Structure): Float64Array {
  if (frame.cell !== undefined && !frame.pbc.includes(false)) return frame.cell;
  throw new MltsError(
    'E_CELL',
    'the structure is not periodic in all three directions, so it has no density',
    'Give frames with a cell and pbc="T T T".',
  );
}

/** The time between frames that come at equal intervals. */
export class Interval {
  #previous = Number.NaN;
  #interval = Number.NaN;

  /** @throws MltsError E_USAGE where the time is unknown, or this frame came late or early */
  add({ time }: Frame): void {
    if (Number.isNaN(time)) {
      throw new MltsError(
        'E_USAGE',
        'the frames do not say their time',
        'Give the time between frames with --interval.',
      );
    }
    const step = time - this.#previous;
    this.#previous = time;
    if (Number.isNaN(step)) return;
    if (Number.isNaN(this.#interval)) this.#interval = step;
    if (step > 0 && Math.abs(step - this.#interval) <= 1e-3 * this.#interval) return;
    throw new MltsError(
      'E_USAGE',
      `frames come ${this.#interval} fs apart and then ${step} fs`,
      'Select frames at equal intervals with --index, or give their interval with --interval.',
    );
  }

  /** fs. @throws MltsError E_EMPTY where there were fewer than two frames */
  get value(): number {
    if (this.#interval > 0) return this.#interval;
    throw new MltsError('E_EMPTY', 'one frame says nothing about time', 'Select two frames or more.');
  }
}
