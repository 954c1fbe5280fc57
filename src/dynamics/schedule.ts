/** Temperatures, pressures and densities that change with time. */

export interface Schedule {
  readonly from: number;
  readonly to: number;
  readonly amplitude: number;
  /** fs; 0 where there is no cycle */
  readonly period: number;
}

export const constant = (value: number): Schedule => ({ from: value, to: value, amplitude: 0, period: 0 });

/**
 * X(t) = from + (to − from)·t/t_end + amplitude·sin²(π·t/period); after t_end it stays at what the ramp reached.
 * Source: doi:10.1038/s41467-021-21376-0, eq. 1.
 * @param time fs since the beginning @param end t_end, fs
 */
export function valueAt({ from, to, amplitude, period }: Schedule, time: number, end: number): number {
  const part = end > 0 ? Math.min(1, time / end) : 1;
  const cycle = amplitude !== 0 && period > 0 ? amplitude * Math.sin((Math.PI * time) / period) ** 2 : 0;
  return from + (to - from) * part + cycle;
}
