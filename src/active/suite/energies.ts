/** Energies relative to each other, and forces, on structures with known ones: cold curves, torsions, paths, reactions. */
import { frameOf } from '../../dataset/structures.ts';
import { MltsError } from '../../errors.ts';
import { readStructures } from '../../io/read.ts';
import { parseFrameIndex } from '../../io/slice.ts';
import type { MeasureContext, Measurement, Metric } from './metric.ts';

/**
 * RMS error in meV per atom of energies per atom less that of the frame whose label is lowest, and of force components where
 * they are labelled. @param file labelled structures
 */
export const energies = (name: string, file: string): Measurement => ({
  name,
  measure: async ({ potential, signal }: MeasureContext): Promise<readonly Metric[]> => {
    const frames = Array.from(readStructures(file, parseFrameIndex(':')), ({ frame }) => frameOf(frame));
    if (frames.length < 2 || frames.some(({ energy }) => energy === undefined)) {
      const what = `${file} has no two structures with energies, or some without`;
      throw new MltsError('E_EMPTY', what, 'Give extended XYZ with energy= in each header.');
    }
    const outcomes = await potential.evaluate(frames, new Set(['forces']), { precision: 'double', signal });
    const failed = outcomes.some((outcome) => outcome instanceof MltsError);
    const labels = frames.map(({ energy, numbers }) => energy! / numbers.length);
    const lowest = labels.indexOf(Math.min(...labels));
    const found = outcomes.map((outcome, i) =>
      outcome instanceof MltsError ? Number.NaN : outcome.energy / frames[i].numbers.length,
    );
    const errors = labels.map((label, i) => found[i] - found[lowest] - (label - labels[lowest]));
    const forceErrors = outcomes.flatMap((outcome, i) => {
      const { forces } = frames[i];
      if (outcome instanceof MltsError || forces === undefined) return [];
      return Array.from(forces, (label, k) => outcome.forces![k] - label);
    });
    return [
      { name: `${name}: energies`, value: failed ? Infinity : 1e3 * rms(errors), unit: 'meV/atom' },
      ...(forceErrors.length > 0 ? [{ name: `${name}: forces`, value: rms(forceErrors), unit: 'eV/Å' }] : []),
    ];
  },
});

const rms = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
