/** Labels for what was selected, by the executor; a structure that has a record is never computed again. */
import { MltsError } from '../../errors.ts';
import type { LabelRecord } from '../executor.ts';
import { createExecutor, workersOf } from '../executors/create.ts';
import { FILES, LABELS } from '../folder.ts';
import type { FailureKind } from '../label.ts';
import type { Stage } from '../stage.ts';
import { writeManifest } from '../work.ts';

/** `labelled.json`, in the order of the selection. */
export interface Labelled {
  readonly level: string;
  readonly program: string;
  readonly labelled: readonly string[];
  readonly failed: readonly { readonly id: string; readonly kind: FailureKind; readonly what: string }[];
}

export const label: Stage = {
  name: 'label',
  inputs: ({ folder, round }) => [folder.of(round, FILES.selected)],
  run: async ({ config, folder, round, host, signal }) => {
    const structures = folder.structures(folder.of(round, FILES.selected));
    const { engine, seconds, chunk, failures } = config.label;
    const manifest = await writeManifest(folder.at(folder.of(round, 'work')), {
      ...{ structures, engine, seconds, chunkSize: chunk, labels: folder.at(LABELS) },
      workers: workersOf(config.executor),
    });
    const records = new Map<string, LabelRecord>();
    const counts: Record<string, number> = {};
    host.progress(0, structures.length, 'labels');
    await createExecutor(config.executor).run(manifest, {
      onResult: (record) => {
        records.set(record.id, record);
        if (record.status === 'failed') counts[record.kind] = (counts[record.kind] ?? 0) + 1;
        host.progress(records.size, structures.length, 'labels');
      },
      say: (text) => host.say(text),
      signal,
    });
    const ordered = structures.map(({ info }) => records.get(String(info.id))!);
    const failed = ordered.filter((record) => record.status === 'failed');
    const levels = new Set(ordered.map(({ level }) => level));
    if (levels.size > 1) {
      throw new MltsError(
        'E_USAGE',
        `labels in ${folder.at(LABELS)} are of ${levels.size} levels of theory: ${[...levels].join(', ')}`,
        'Begin a campaign of its own for another engine.',
      );
    }
    if (failed.length > failures * ordered.length) {
      const last = failed.at(-1)!;
      throw new MltsError(
        'E_LIMIT',
        `${failed.length} of ${ordered.length} labels failed, more than the share of ${failures}; the last one: ${last.what}`,
        `Mend the engine's settings, remove the failed records from ${folder.at(LABELS)}, and go on with --resume.`,
      );
    }
    const output = folder.of(round, FILES.labelled);
    folder.writeJson(output, {
      level: ordered[0]?.level ?? '',
      program: ordered[0]?.program ?? '',
      labelled: ordered.flatMap(({ id, status }) => (status === 'labelled' ? [id] : [])),
      failed: failed.map(({ id, kind, what }) => ({ id, kind, what })),
    } satisfies Labelled);
    const labelSeconds = Math.round(ordered.reduce((sum, record) => sum + record.seconds, 0));
    return {
      outputs: [output],
      counts: {
        labelled: ordered.length - failed.length,
        failed: failed.length,
        ...counts,
        label_seconds: labelSeconds,
      },
    };
  },
};
