/** The candidate becomes the campaign's model where no guarded metric got worse, and is put where a daemon finds it. */
import { FILES } from '../folder.ts';
import type { Assessment, Measured } from '../held-out.ts';
import type { Stage } from '../stage.ts';
import { worse } from '../suite/guard.ts';
import type { Metric } from '../suite/metric.ts';
import { publish } from '../suite/publish.ts';

export interface Promotion {
  readonly promoted: boolean;
  readonly why: string;
  /** Of the candidate, relative to the folder. */
  readonly model: string;
  readonly sha256: string;
  /** Guarded metrics that got worse. */
  readonly worse: readonly string[];
}

export const promote: Stage = {
  name: 'promote',
  inputs: ({ folder, round }) => [folder.of(round, FILES.assessment), folder.of(round, FILES.model)],
  run: async ({ config, folder, round }) => {
    const assessment = folder.json<Assessment>(folder.of(round, FILES.assessment));
    const before = assessment.current;
    const faults = before === null ? [] : worse(metricsOf(assessment), metricsOf(before), config.guard);
    const promoted = faults.length === 0;
    const model = folder.of(round, FILES.model);
    const output = folder.of(round, FILES.promotion);
    if (promoted && config.publish !== undefined) publish(folder.at(model), config.publish);
    folder.writeJson(output, {
      promoted,
      why:
        before === null ? 'the first model' : promoted ? 'no guarded metric got worse' : `worse: ${faults.join('; ')}`,
      ...{ model, sha256: folder.sha256(model), worse: faults },
    } satisfies Promotion);
    return { outputs: [output], counts: { promoted: Number(promoted), worse: faults.length } };
  },
};

/** Held-out errors are guarded like the metrics of the suite. */
export const metricsOf = ({ errors, metrics }: Measured): Metric[] => [
  { name: 'held-out: energy', value: errors.all.energy_rmse_mev_per_atom, unit: 'meV/atom' },
  { name: 'held-out: forces', value: errors.all.force_rmse, unit: 'eV/Å' },
  ...metrics.map((metric) => ({ ...metric, value: metric.value ?? Infinity })),
];
