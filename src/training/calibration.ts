/** Whether σ says how large errors are. */
import { rms, type Scatter } from './assessment.ts';

export interface Bin {
  /** Root mean squares over the bin. */
  readonly sigma: number;
  readonly error: number;
}

const BINS = 12;

/** Equal numbers of points each, by rising σ. */
export function reliability({ sigma, error }: Scatter): readonly Bin[] {
  const order = sigma.map((_, i) => i).sort((a, b) => sigma[a] - sigma[b]);
  const bins = Math.min(BINS, order.length);
  return Array.from({ length: bins }, (_, k) => {
    const part = order.slice(Math.floor((k * order.length) / bins), Math.floor(((k + 1) * order.length) / bins));
    return { sigma: rms(part.map((i) => sigma[i])), error: rms(part.map((i) => error[i])) };
  });
}
