/** Frames of one or more walkers, in one of three formats. */

import { formatExtxyz } from '../../io/extxyz.ts';
import type { Structure } from '../../io/structure.ts';
import { DCD_COUNT_OFFSET, dcdFrame, dcdHeader } from '../../io/write-dcd.ts';
import { formatDump } from '../../io/write-dump.ts';
import { AppendFile } from './append-file.ts';

export const TRAJECTORY_FORMATS = ['extxyz', 'dump', 'dcd'] as const;
export type TrajectoryFormat = (typeof TRAJECTORY_FORMATS)[number];

/** Where a trajectory stands, for a checkpoint: bytes of each of its files, and frames of each. */
export interface TrajectoryPlace {
  readonly files: readonly { readonly bytes: number; readonly frames: number }[];
}

export interface TrajectoryOptions {
  /** Without its suffix. */
  readonly name: string;
  readonly format: TrajectoryFormat;
  readonly walkers: number;
  /** fs */
  readonly timestep: number;
  /** Steps between frames. */
  readonly every: number;
  /** For formats that have room for one, at most 80 characters. */
  readonly title: string;
}

/** The files that a trajectory writes: one, or for dump and dcd, which hold one system, one a walker. */
export function trajectoryFiles({
  name,
  format,
  walkers,
}: Pick<TrajectoryOptions, 'name' | 'format' | 'walkers'>): string[] {
  if (format === 'extxyz' || walkers === 1) return [`${name}.${format}`];
  return Array.from({ length: walkers }, (_, walker) => `${name}.${walker}.${format}`);
}

/** Decimals that frames keep: beyond them there is nothing but size. Å, Å/fs, eV/Å. */
const DECIMALS: Readonly<Record<string, number>> = { velocities: 9, forces: 6, sigma_forces: 6 };
const POSITION_DECIMALS = 7;

export class TrajectoryFile {
  readonly #options: TrajectoryOptions;
  readonly #files: AppendFile[];
  readonly #frames: number[];

  /** @param place goes on from there; without it the files are made anew */
  constructor(options: TrajectoryOptions, place?: TrajectoryPlace) {
    this.#options = options;
    this.#files = [];
    this.#frames = [];
    try {
      for (const [i, file] of trajectoryFiles(options).entries()) {
        this.#files.push(new AppendFile(file, place?.files[i].bytes));
        this.#frames.push(place?.files[i].frames ?? 0);
        if (options.format === 'dcd' && place !== undefined) this.#count(i);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** One frame of one walker; `walker` is in its header where there are several. */
  write(walker: number, frame: Structure): void {
    const { format, walkers, timestep, every, title } = this.#options;
    const which = this.#files.length === 1 ? 0 : walker;
    const file = this.#files[which];
    if (format === 'dcd') {
      if (file.size === 0) {
        const times = { timestep, every, first: typeof frame.info.step === 'number' ? frame.info.step : 0 };
        file.append(dcdHeader(frame.numbers.length, times, frame.cell !== undefined, title));
      }
      file.append(dcdFrame(frame));
      this.#frames[which]++;
      this.#count(which);
      return;
    }
    const rounded = round(walkers > 1 ? { ...frame, info: { ...frame.info, walker } } : frame);
    file.append(format === 'dump' ? formatDump(rounded) : formatExtxyz(rounded));
    this.#frames[which]++;
  }

  get place(): TrajectoryPlace {
    return { files: this.#files.map(({ size }, i) => ({ bytes: size, frames: this.#frames[i] })) };
  }

  sync(): void {
    for (const file of this.#files) file.sync();
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  /** The header of a DCD says how many frames follow. */
  #count(which: number): void {
    const count = Buffer.alloc(4);
    count.writeInt32LE(this.#frames[which]);
    if (this.#files[which].size > 0) this.#files[which].patch(count, DCD_COUNT_OFFSET);
  }
}

function round(frame: Structure): Structure {
  const arrays = Object.entries(frame.arrays).map(([name, array]) => {
    if (array.kind !== 'real' || DECIMALS[name] === undefined) return [name, array] as const;
    return [name, { ...array, data: rounded(array.data, DECIMALS[name]) }] as const;
  });
  return { ...frame, positions: rounded(frame.positions, POSITION_DECIMALS), arrays: Object.fromEntries(arrays) };
}

function rounded(values: Float64Array, decimals: number): Float64Array {
  const scale = 10 ** decimals;
  return values.map((value) => Math.round(value * scale) / scale);
}
