/** What is in a data set: one pass over its frames. */
import { numberOf, symbolOf } from '../elements.ts';
import { chunksOf, type Dataset, type Frame } from './dataset.ts';
import { type Composed, fitSelfEnergies, type SelfEnergies } from './self-energies.ts';

const LABELS = ['energy', 'forces', 'virial', 'charges', 'dipole'] as const;

export interface Summary extends Composed {
  readonly frames: number;
  readonly atoms: number;
  readonly smallest: number;
  readonly largest: number;
  /** Frames with a cell along any periodic direction. */
  readonly periodic: number;
  /** Frames that have each label. */
  readonly labels: Readonly<Record<(typeof LABELS)[number], number>>;
  /** Frames by element, symbols in the order of atomic numbers. */
  readonly elements: ReadonlyMap<string, number>;
  /** Frames by level of theory; '' where none is named. */
  readonly levels: ReadonlyMap<string, number>;
  readonly groups: number;
  /** eV; NaN where there is none. */
  readonly energy: Float64Array;
  /** Largest component of each frame's forces, eV/Å; NaN where there are none. */
  readonly largestForce: Float64Array;
  /** Root mean square of all components, eV/Å; NaN where there are none. */
  readonly forceRms: number;
}

/** @param look called with every frame besides */
export function summarise(
  set: Dataset,
  progress: (frames: number) => void,
  look?: (frame: Frame, index: number) => void,
): Summary {
  const n = set.length;
  const natoms = new Uint32Array(n);
  const composition = new Uint32Array(n);
  const compositions: Map<string, number>[] = [];
  const numbered = new Map<string, number>();
  const energy = new Float64Array(n).fill(Number.NaN);
  const largestForce = new Float64Array(n).fill(Number.NaN);
  const labels = { energy: 0, forces: 0, virial: 0, charges: 0, dipole: 0 };
  const levels = new Map<string, number>();
  const groups = new Set<string>();
  const totals = { periodic: 0, squares: 0, components: 0 };
  let i = 0;
  for (const frames of chunksOf(set)) {
    for (const frame of frames) {
      natoms[i] = frame.numbers.length;
      composition[i] = compositionOf(frame.numbers, numbered, compositions);
      if (frame.energy !== undefined) energy[i] = frame.energy;
      if (frame.forces !== undefined) {
        largestForce[i] = frame.forces.reduce((most, component) => Math.max(most, Math.abs(component)), 0);
        for (const component of frame.forces) {
          if (!Number.isFinite(component)) continue;
          totals.squares += component * component;
          totals.components++;
        }
      }
      for (const label of LABELS) if (frame[label] !== undefined) labels[label]++;
      levels.set(frame.level ?? '', (levels.get(frame.level ?? '') ?? 0) + 1);
      if (frame.group !== undefined) groups.add(frame.group);
      if (frame.cell !== undefined && frame.pbc?.includes(true)) totals.periodic++;
      look?.(frame, i);
      i++;
    }
    progress(i);
  }
  return {
    ...{ frames: n, natoms, composition, compositions, labels, levels, energy, largestForce },
    atoms: natoms.reduce((sum, count) => sum + count, 0),
    smallest: natoms.reduce((least, count) => Math.min(least, count)),
    largest: natoms.reduce((most, count) => Math.max(most, count)),
    periodic: totals.periodic,
    elements: elementsOf(composition, compositions),
    groups: groups.size,
    forceRms: Math.sqrt(totals.squares / totals.components),
  };
}

/** Per-element energies by least squares; undefined where no frame has a finite energy. */
export function selfEnergiesOf(summary: Summary): SelfEnergies | undefined {
  const frames = Int32Array.from(summary.energy.keys()).filter((i) => Number.isFinite(summary.energy[i]));
  if (frames.length === 0) return undefined;
  const present = new Set([...frames].flatMap((i) => [...summary.compositions[summary.composition[i]].keys()]));
  return fitSelfEnergies(
    summary,
    summary.energy,
    frames,
    [...summary.elements.keys()].filter((one) => present.has(one)),
  );
}

/** The entry of a composition, which is added where it is new. */
function compositionOf(
  numbers: Int32Array,
  numbered: Map<string, number>,
  compositions: Map<string, number>[],
): number {
  const sorted = Int32Array.from(numbers).sort();
  const key = sorted.join();
  const known = numbered.get(key);
  if (known !== undefined) return known;
  const counts = new Map<string, number>();
  for (const number of sorted) counts.set(symbolOf(number), (counts.get(symbolOf(number)) ?? 0) + 1);
  numbered.set(key, compositions.length);
  return compositions.push(counts) - 1;
}

function elementsOf(
  composition: Uint32Array,
  compositions: readonly ReadonlyMap<string, number>[],
): Map<string, number> {
  const frames = compositions.map(() => 0);
  for (const k of composition) frames[k]++;
  const found = new Map<string, number>();
  for (const [k, counts] of compositions.entries()) {
    for (const symbol of counts.keys()) found.set(symbol, (found.get(symbol) ?? 0) + frames[k]);
  }
  return new Map([...found].sort(([a], [b]) => numberOf(a)! - numberOf(b)!));
}
