/** What is wrong with a data set: as a whole, and frame by frame. */
import type { Dataset, Frame } from '../dataset.ts';
import { type Summary, selfEnergiesOf, summarise } from '../summary.ts';
import { closestBelow } from './closest.ts';
import { type Consistency, energyUnit, ForceCheck } from './units.ts';

/** Frames with one fault, which a clean data set leaves out. */
export interface Fault {
  readonly reason: string;
  count: number;
  /** Number of the first of them. */
  readonly first: number;
}

export interface Report {
  readonly frames: number;
  /** Frames without any fault, ascending. */
  readonly clean: Int32Array;
  readonly faults: readonly Fault[];
  /** What is wrong with all of them: units, sign, levels. */
  readonly problems: readonly string[];
  /** What was found out, and what could not be. */
  readonly remarks: readonly string[];
  readonly consistency: Consistency | undefined;
}

export interface Limits {
  /** Å */
  readonly closest: number;
  /** |ΣF| over the root of the number of atoms, eV/Å */
  readonly netForce: number;
  /** Robust standard deviations of an energy from what its composition explains, and of a largest force from the median. */
  readonly outlier: number;
}

export const LIMITS: Limits = { closest: 0.5, netForce: 0.05, outlier: 20 };

/** @throws MltsError E_FILE where the data set is damaged */
export function checkDataset(set: Dataset, limits: Limits, progress: (frames: number) => void): Report {
  const why = new Array<string | undefined>(set.length);
  const forces = new ForceCheck();
  const seen = new Map<string, { readonly energy: number | undefined; readonly level: string | undefined }>();
  const summary = summarise(set, progress, (frame, i) => {
    why[i] = faultOf(frame, limits) ?? repeats(seen, set.structure(i), frame);
    forces.add(frame);
  });
  const faultless = () => Int32Array.from(why.keys()).filter((i) => why[i] === undefined);
  for (const i of energyOutliers(summary, faultless(), limits.outlier))
    why[i] = 'an energy far from all others of like composition';
  for (const i of outliersOf(summary.largestForce, faultless(), limits.outlier))
    why[i] ??= 'a force far above all others';
  const faults = new Map<string, Fault>();
  for (const [first, reason] of why.entries()) {
    if (reason === undefined) continue;
    const known = faults.get(reason);
    if (known === undefined) faults.set(reason, { reason, count: 1, first });
    else known.count++;
  }
  const consistency = forces.result();
  const { problems, remarks } = verdicts(summary, consistency);
  return { frames: set.length, clean: faultless(), faults: [...faults.values()], problems, remarks, consistency };
}

function faultOf(frame: Frame, { closest, netForce }: Limits): string | undefined {
  const { numbers, positions, cell, energy, forces, virial } = frame;
  const isBad = (values: Float64Array | undefined) => values?.every(Number.isFinite) === false;
  if (isBad(positions) || isBad(cell)) return 'a position or cell that is not finite';
  if (energy === undefined && forces === undefined) return 'neither energy nor forces';
  if (energy !== undefined && !Number.isFinite(energy)) return 'an energy that is not finite';
  if (isBad(forces)) return 'forces that are not finite';
  if (isBad(virial)) return 'a virial that is not finite';
  if (closestBelow(closest, frame) < closest) return `atoms closer than ${closest} Å`;
  if (forces !== undefined && netOf(forces) > netForce * Math.sqrt(numbers.length)) {
    return `a net force above ${netForce} eV/Å √atoms`;
  }
  return undefined;
}

function netOf(forces: Float64Array): number {
  const sum = [0, 0, 0];
  for (const [k, component] of forces.entries()) sum[k % 3] += component;
  return Math.hypot(...sum);
}

function repeats(
  seen: Map<string, { readonly energy: number | undefined; readonly level: string | undefined }>,
  structure: string,
  { energy, level }: Frame,
): string | undefined {
  const first = seen.get(structure);
  if (first === undefined) {
    seen.set(structure, { energy, level });
    return undefined;
  }
  const isSame = first.energy === energy && first.level === level;
  return isSame
    ? 'the same structure as an earlier frame'
    : 'the same structure as an earlier frame, with another label';
}

function energyOutliers(summary: Summary, frames: Int32Array, sigmas: number): number[] {
  const fit = selfEnergiesOf(summary);
  if (fit === undefined) return [];
  const left = summary.energy.map((energy, i) => {
    const counts = summary.compositions[summary.composition[i]];
    const explained = [...counts].reduce(
      (sum, [symbol, count]) => sum + count * (fit.energies[symbol] ?? Number.NaN),
      0,
    );
    return (energy - explained) / summary.natoms[i];
  });
  return outliersOf(left, frames, sigmas);
}

/** 1.4826 × the median absolute deviation is the standard deviation of what is normally distributed. */
const NORMAL = 1.4826;

/** Frames whose value is further from the median; those of NaN are none. */
function outliersOf(values: Float64Array, frames: Int32Array, sigmas: number): number[] {
  const known = frames.filter((i) => Number.isFinite(values[i]));
  if (known.length < 10) return [];
  const median = (of: Float64Array) => of.sort()[Math.floor(of.length / 2)];
  const middle = median(Float64Array.from(known, (i) => values[i]));
  const spread = NORMAL * median(Float64Array.from(known, (i) => Math.abs(values[i] - middle)));
  return [...known].filter((i) => Math.abs(values[i] - middle) > sigmas * spread && spread > 0);
}

const SAME = 1.3;

function verdicts(summary: Summary, consistency: Consistency | undefined): { problems: string[]; remarks: string[] } {
  const problems: string[] = [];
  const remarks: string[] = [];
  const { frames, labels, levels } = summary;
  if (levels.size > 1) {
    const named = [...levels].map(([level, count]) => `${count} of ${level || 'no named level'}`).join(', ');
    problems.push(`several levels of theory: ${named}`);
  }
  for (const label of ['energy', 'forces'] as const) {
    if (labels[label] < frames) remarks.push(`${frames - labels[label]} of ${frames} frames have no ${label}`);
  }
  const unit = labels.energy > 0 ? energyUnit(summary) : undefined;
  if (unit === 'eV') remarks.push('energies are total ones in eV');
  else if (unit !== undefined)
    problems.push(`energies have the size of total ones in ${unit}, not eV: import again with --energy-unit`);
  else if (labels.energy > 0)
    remarks.push('energies are no total ones with all electrons, so their size does not tell their unit');
  if (labels.forces > 0) checkForces(consistency, problems, remarks);
  return { problems, remarks };
}

function checkForces(consistency: Consistency | undefined, problems: string[], remarks: string[]): void {
  if (consistency === undefined) {
    remarks.push('no neighbouring frames or bonds tell the sign of the forces');
    return;
  }
  const { pairs, correlation, slope } = consistency;
  const shown = `correlation ${correlation.toFixed(2)} over ${pairs} pairs`;
  if (correlation < 0) {
    problems.push(`forces have the sign of +∂E/∂R (${shown}): import again with --gradient`);
  } else if (Number.isNaN(slope)) {
    remarks.push(`forces have the right sign, by bonds (${shown})`);
  } else if (slope > SAME || slope < 1 / SAME) {
    problems.push(`energies change by ${slope.toPrecision(3)} × the work of the forces (${shown}): their units differ`);
  } else {
    remarks.push(`forces are −∂E/∂R in the units of the energies: ΔE = ${slope.toFixed(3)} × work (${shown})`);
  }
}
