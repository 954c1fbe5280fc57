/** Whether σ says how large errors are. */

/** σ and the error of the same, one for each atom or structure. */
export interface Scatter {
  readonly sigma: readonly number[];
  readonly error: readonly number[];
}

export interface Bin {
  /** Root mean squares over the bin. */
  readonly sigma: number;
  readonly error: number;
}

const BINS = 12;

export const rms = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

/** Equal numbers of points each, by rising σ. */
export function reliability({ sigma, error }: Scatter): readonly Bin[] {
  const order = sigma.map((_, i) => i).sort((a, b) => sigma[a] - sigma[b]);
  const bins = Math.min(BINS, order.length);
  return Array.from({ length: bins }, (_, k) => {
    const part = order.slice(Math.floor((k * order.length) / bins), Math.floor(((k + 1) * order.length) / bins));
    return { sigma: rms(part.map((i) => sigma[i])), error: rms(part.map((i) => error[i])) };
  });
}

/** The factor by which σ is too small; undefined without errors or σ. */
export function calibrationOf({ sigma, error }: Scatter): number | undefined {
  const ratio = rms(error) / rms(sigma);
  return Number.isFinite(ratio) && ratio > 0 ? ratio : undefined;
}
