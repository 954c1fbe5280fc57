/** Frames in the trainer's memory: all of them where they fit, else one window after another from the data set. */
import type { MltsError } from '../errors.ts';
import type { Trainer, TrainingFrame } from './engine.ts';

const CHUNK = 512;

export class FrameStore {
  readonly #trainer: Trainer;
  readonly #read: (frames: Int32Array) => Promise<TrainingFrame[]>;
  /** The trainer's id of each frame; −1: not in memory. */
  readonly #ids: Int32Array;
  /** Frames that may be in memory at once. */
  #capacity = Infinity;
  /** The window that is being loaded, if one is. */
  #loading: Promise<void> = Promise.resolve();

  constructor(trainer: Trainer, length: number, read: (frames: Int32Array) => Promise<TrainingFrame[]>) {
    this.#trainer = trainer;
    this.#read = read;
    this.#ids = new Int32Array(length).fill(-1);
  }

  /** Frames of a window; Infinity where all fit. */
  get window(): number {
    return this.#capacity === Infinity ? Infinity : Math.max(1, Math.floor(this.#capacity / 2));
  }

  /**
   * Takes frames in for the first time: those that fit into `bytes` stay.
   * @param window that of the training which is taken up again
   * @returns frames that the trainer cannot use, and why
   */
  async admit(
    frames: Int32Array,
    bytes: number,
    window: number | undefined,
    signal: AbortSignal,
  ): Promise<{ frame: number; error: MltsError }[]> {
    const refused: { frame: number; error: MltsError }[] = [];
    let most = 0;
    for (let at = 0; at < frames.length; at += CHUNK) {
      signal.throwIfAborted();
      const chunk = frames.subarray(at, at + CHUNK);
      const before = this.#trainer.frameBytes();
      for (const [i, answer] of (await this.#trainer.load(await this.#read(chunk))).entries()) {
        if (typeof answer === 'number') this.#ids[chunk[i]] = answer;
        else refused.push({ frame: chunk[i], error: answer });
      }
      most = Math.max(most, (this.#trainer.frameBytes() - before) / chunk.length);
      if (this.#capacity === Infinity && this.#trainer.frameBytes() > bytes) {
        this.#capacity = 0;
        await this.drop(frames.subarray(0, at));
      }
      if (this.#capacity === 0) await this.drop(chunk);
    }
    if (this.#capacity === 0) this.#capacity = Math.max(2, Math.floor(bytes / most));
    if (window !== undefined) this.#capacity = window === Infinity ? Infinity : 2 * window;
    return refused;
  }

  /** Ids of frames that are in memory. */
  ids(frames: Int32Array): Int32Array {
    return frames.map((frame) => this.#ids[frame]);
  }

  /** When the trainer is not taking frames in, so that its state can be read. */
  async settled(): Promise<void> {
    await this.#loading.catch(() => undefined);
  }

  /** Parts of `frames`, each in memory while it is handed out, the next one being loaded meanwhile. */
  async *windows(frames: Int32Array): AsyncGenerator<Int32Array> {
    const size = Math.min(this.window, Math.max(1, frames.length));
    const part = (k: number) => frames.subarray(k * size, (k + 1) * size);
    const count = Math.ceil(frames.length / size);
    const load = (k: number) => {
      this.#loading = this.#hold(part(k));
      // A failure is told where the window is wanted.
      this.#loading.catch(() => undefined);
    };
    try {
      if (count > 0) load(0);
      for (let k = 0; k < count; k++) {
        await this.#loading;
        if (k + 1 < count) load(k + 1);
        yield part(k);
        if (this.#capacity !== Infinity) await this.drop(part(k));
      }
    } finally {
      await this.settled();
      if (this.#capacity !== Infinity) await this.drop(frames);
    }
  }

  async drop(frames: Int32Array): Promise<void> {
    const there = frames.filter((frame) => this.#ids[frame] >= 0);
    if (there.length === 0) return;
    const ids = this.ids(there);
    for (const frame of there) this.#ids[frame] = -1;
    await this.#trainer.unload(ids);
  }

  async #hold(frames: Int32Array): Promise<void> {
    const absent = frames.filter((frame) => this.#ids[frame] < 0);
    for (let at = 0; at < absent.length; at += CHUNK) {
      const chunk = absent.subarray(at, at + CHUNK);
      for (const [i, answer] of (await this.#trainer.load(await this.#read(chunk))).entries()) {
        if (typeof answer !== 'number') throw answer;
        this.#ids[chunk[i]] = answer;
      }
    }
  }
}
