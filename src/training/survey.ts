/** One look at every frame before training: what is labelled, what cannot be used and why, which structures are the same. */
import { keyOf, structureHash, textKeyOf } from '../dataset/dataset.ts';
import { symbolOf } from '../elements.ts';
import { type Corpus, type LabelledFrame, ROLES, type Role, theLevel } from './corpus.ts';

/** Frames left out for one reason. */
export interface Exclusion {
  readonly reason: string;
  count: number;
  /** The first of them, as messages call it. */
  readonly example: string;
}

export class Exclusions {
  readonly #byReason = new Map<string, Exclusion>();

  add(reason: string, example: string): void {
    const known = this.#byReason.get(reason);
    if (known === undefined) this.#byReason.set(reason, { reason, count: 1, example });
    else known.count++;
  }

  list(): readonly Exclusion[] {
    return [...this.#byReason.values()];
  }
}

export interface Survey {
  /** Whether a frame can be used, by number. */
  readonly usable: Uint8Array;
  /** 48-bit keys of structures; of their groups where they have one. */
  readonly content: Float64Array;
  readonly group: Float64Array;
  /** eV; NaN where there is none. */
  readonly energy: Float64Array;
  readonly natoms: Uint32Array;
  /** Symbols of each frame's composition, by its entry in `compositions`. */
  readonly composition: Uint32Array;
  readonly compositions: readonly ReadonlyMap<string, number>[];
  /** Usable frames, but for those replayed, and how many of them have which label. */
  readonly labelled: number;
  readonly withEnergy: number;
  readonly withForces: number;
  readonly withVirial: number;
  /** Level of theory of the data, where its files name it. */
  readonly level: string | undefined;
}

const CHUNK = 2048;

/**
 * @param known symbols of the model to start from; undefined: all
 * @throws MltsError E_USAGE for levels of theory that are mixed
 */
export async function survey(
  corpus: Corpus,
  known: ReadonlySet<string> | undefined,
  exclusions: Exclusions,
  signal: AbortSignal,
): Promise<Survey> {
  const n = corpus.length;
  const usable = new Uint8Array(n);
  const content = new Float64Array(n);
  const group = new Float64Array(n);
  const energy = new Float64Array(n).fill(Number.NaN);
  const natoms = new Uint32Array(n);
  const composition = new Uint32Array(n);
  const compositions: Map<string, number>[] = [];
  const numbered = new Map<string, number>();
  const levels = new Map<Role, Map<string, number>>(ROLES.map((role) => [role, new Map()]));
  const counts = { labelled: 0, withEnergy: 0, withForces: 0, withVirial: 0 };
  for (let start = 0; start < n; start += CHUNK) {
    signal.throwIfAborted();
    const frames = Int32Array.from({ length: Math.min(CHUNK, n - start) }, (_, i) => start + i);
    for (const [k, frame] of (await corpus.read(frames)).entries()) {
      const i = start + k;
      const count = compositionOf(frame.numbers);
      const reason = whyUnusable(frame, count, known);
      if (reason !== undefined) {
        exclusions.add(reason, corpus.nameOf(i));
        continue;
      }
      usable[i] = 1;
      content[i] = keyOf(structureHash(frame));
      group[i] = frame.group === undefined ? content[i] : textKeyOf(`${corpus.partOf(i).name} ${frame.group}`);
      natoms[i] = frame.numbers.length;
      if (frame.energy !== undefined) energy[i] = frame.energy;
      const formula = [...count].map(([symbol, of]) => `${symbol}${of}`).join('');
      if (!numbered.has(formula)) numbered.set(formula, compositions.push(count) - 1);
      composition[i] = numbered.get(formula)!;
      const { role } = corpus.partOf(i);
      const of = levels.get(role)!;
      of.set(frame.level ?? '', (of.get(frame.level ?? '') ?? 0) + 1);
      if (role === 'replay') continue;
      counts.labelled++;
      if (frame.energy !== undefined) counts.withEnergy++;
      if (frame.forces !== undefined) counts.withForces++;
      if (frame.virial !== undefined) counts.withVirial++;
    }
  }
  const merged = new Map<string, number>();
  for (const role of ['data', 'validation', 'test'] as const) {
    for (const [level, count] of levels.get(role)!) merged.set(level, (merged.get(level) ?? 0) + count);
  }
  theLevel('replay', levels.get('replay')!);
  const level = theLevel('the data', merged);
  return { usable, content, group, energy, natoms, composition, compositions, ...counts, level };
}

/** Atoms by symbol, by atomic number. */
function compositionOf(numbers: Int32Array): Map<string, number> {
  const counts = new Map<string, number>();
  for (const number of Int32Array.from(numbers).sort()) {
    const symbol = symbolOf(number);
    counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  }
  return counts;
}

const allFinite = (values: Float64Array): boolean => values.every(Number.isFinite);

function whyUnusable(
  { numbers, positions, energy, forces, virial }: LabelledFrame,
  counts: ReadonlyMap<string, number>,
  known: ReadonlySet<string> | undefined,
): string | undefined {
  if (numbers.length === 0) return 'no atoms';
  if (!allFinite(positions)) return 'a position that is not finite';
  if (energy === undefined && forces === undefined) return 'neither energy nor forces';
  if (energy !== undefined && !Number.isFinite(energy)) return 'an energy that is not finite';
  if (forces !== undefined && !allFinite(forces)) return 'forces that are not finite';
  if (virial !== undefined && !allFinite(virial)) return 'a virial that is not finite';
  const foreign = known === undefined ? undefined : [...counts.keys()].find((symbol) => !known.has(symbol));
  return foreign === undefined ? undefined : `${foreign}, which the model does not know`;
}
