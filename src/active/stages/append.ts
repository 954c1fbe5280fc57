/**
 * Labels become training data, data to know by when to stop training, and data that no training sees: by content, a share of
 * what each sampler brought.
 */
import { structureOf } from '../../dataset/structures.ts';
import type { Structure } from '../../io/structure.ts';
import type { LabelRecord } from '../executor.ts';
import { FILES, LABELS } from '../folder.ts';
import type { Stage } from '../stage.ts';
import { readRecord } from '../work.ts';
import type { Labelled } from './label.ts';

/** Share of the labels by which a training knows when to stop. */
const VALIDATION = 0.1;

export const append: Stage = {
  name: 'append',
  inputs: ({ folder, round }) => [folder.of(round, FILES.selected), folder.of(round, FILES.labelled)],
  run: async ({ config, folder, round }) => {
    const { labelled } = folder.json<Labelled>(folder.of(round, FILES.labelled));
    const known = new Set(labelled);
    const bySampler = new Map<string, Structure[]>();
    let wild = 0;
    for (const structure of folder.structures(folder.of(round, FILES.selected))) {
      const id = String(structure.info.id);
      if (!known.has(id)) continue;
      const record = (await readRecord(folder.at(LABELS), id)) as LabelRecord & { status: 'labelled' };
      if (largest(record.forces) > config.label.maxForce) {
        wild++;
        continue;
      }
      const sampler = String(structure.info.sampler);
      const frame = frameOf(structure, record);
      bySampler.set(sampler, [...(bySampler.get(sampler) ?? []), frame]);
    }
    const parts = { train: [] as Structure[], validation: [] as Structure[], test: [] as Structure[] };
    for (const frames of bySampler.values()) {
      // Ids are hashes: their order has nothing to do with the structures'.
      const ordered = [...frames].sort((a, b) => (String(a.info.id) < String(b.info.id) ? -1 : 1));
      const some = (share: number) => (frames.length > 2 ? Math.ceil(share * frames.length) : 0);
      const held = some(config.holdOut);
      const judging = held + some(VALIDATION);
      parts.test.push(...ordered.slice(0, held));
      parts.validation.push(...ordered.slice(held, judging));
      parts.train.push(...ordered.slice(judging));
    }
    const counts: Record<string, number> = wild > 0 ? { 'forces too large': wild } : {};
    const outputs = Object.entries(parts).map(([name, frames]) => {
      const file = folder.of(round, FILES[name as keyof typeof parts]);
      folder.writeStructures(file, frames);
      counts[name] = frames.length;
      return file;
    });
    return { outputs, counts };
  },
};

const largest = (forces: readonly (readonly [number, number, number])[]): number =>
  forces.reduce((most, force) => Math.max(most, Math.hypot(...force)), 0);

function frameOf(
  structure: Structure,
  { energy, forces, virial, level }: LabelRecord & { status: 'labelled' },
): Structure {
  const { numbers, positions, cell, pbc, info } = structure;
  const labelled = structureOf({
    ...{ numbers, positions, pbc, energy, level },
    ...(cell !== undefined && { cell }),
    forces: Float64Array.from(forces.flat()),
    ...(virial !== undefined && { virial: Float64Array.from(virial) }),
  });
  return { ...labelled, info: { ...labelled.info, id: info.id, sampler: info.sampler } };
}
