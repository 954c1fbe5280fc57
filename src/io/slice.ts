import { MltsError } from '../errors.ts';

/** Which frames of a file: one index, or Python's `start:stop:step`. Negative numbers count from the end. */
export type FrameIndex =
  | { readonly kind: 'one'; readonly at: number }
  | {
      readonly kind: 'slice';
      readonly start: number | undefined;
      readonly stop: number | undefined;
      readonly step: number;
    };

/** Reads `3`, `-1`, `:`, `2:8`, `::10`, `::-1`. @throws MltsError E_USAGE */
export function parseFrameIndex(text: string): FrameIndex {
  const parts = text.split(':').map((part) => part.trim());
  const valid =
    parts.length <= 3 && parts.every((part) => /^[+-]?\d+$/.test(part) || (part === '' && parts.length > 1));
  const numbers = parts.map((part) => (part === '' ? undefined : Number(part)));
  const step = numbers[2] ?? 1;
  if (!valid || step === 0) {
    throw new MltsError(
      'E_USAGE',
      `the frame index '${text}' is neither a number nor start:stop:step with a step other than 0`,
      'Write it as in Python: 0, -1, :, 10:20 or ::5.',
    );
  }
  if (parts.length === 1) return { kind: 'one', at: numbers[0] ?? 0 };
  return { kind: 'slice', start: numbers[0], stop: numbers[1], step };
}

/** A frame and its place in the file. */
export interface Numbered<T> {
  readonly index: number;
  readonly frame: T;
}

/**
 * The frames that an index selects, in its order. Reads no further than it must; only a negative number makes it hold
 * the whole file.
 * @param name what to call the file in messages
 * @throws MltsError E_USAGE where a single index is outside the file
 */
export function* selectFrames<T>(frames: Iterable<T>, index: FrameIndex, name: string): Generator<Numbered<T>> {
  if (index.kind === 'one') {
    yield one(frames, index.at, name);
    return;
  }
  const { start, stop, step } = index;
  if (step > 0 && (start ?? 0) >= 0 && (stop ?? 0) >= 0) {
    let i = 0;
    if (stop === 0) return;
    for (const frame of frames) {
      if (i >= (start ?? 0) && (i - (start ?? 0)) % step === 0) yield { index: i, frame };
      if (++i === stop) return;
    }
    return;
  }
  const all = [...frames];
  const n = all.length;
  // Bounds as in CPython's PySlice_AdjustIndices.
  const [low, high] = step > 0 ? [0, n] : [-1, n - 1];
  const bound = (value: number | undefined, otherwise: number) =>
    value === undefined ? otherwise : Math.min(high, Math.max(low, value < 0 ? value + n : value));
  const first = bound(start, step > 0 ? low : high);
  const last = bound(stop, step > 0 ? high : low);
  for (let i = first; step > 0 ? i < last : i > last; i += step) yield { index: i, frame: all[i] };
}

function one<T>(frames: Iterable<T>, at: number, name: string): Numbered<T> {
  let count = 0;
  const kept: T[] = [];
  for (const frame of frames) {
    if (count === at) return { index: at, frame };
    if (at < 0) kept.push(frame);
    count++;
  }
  const frame = kept[count + at];
  if (at < 0 && frame !== undefined) return { index: count + at, frame };
  throw new MltsError('E_USAGE', `${name} has no frame ${at}: it holds ${count}`, 'Choose an index inside the file.');
}
