/** Where `mlts eval` gets its results from: this process, or a server. */
import { Client } from '../client/client.ts';
import type { Outcome, Precision, System, Want } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { openModel } from './options.ts';

export interface Evaluator {
  readonly model: string;
  readonly sha256: string;
  /** What computes; a server does not tell. */
  readonly backend: string;
  evaluate(systems: readonly System[]): Promise<Outcome[]>;
  close(): void;
}

export interface Source {
  readonly model?: string;
  readonly connect?: string;
  readonly keys?: string;
}

/** @throws MltsError E_USAGE where neither a model nor a server is named */
export async function openEvaluator(
  source: Source,
  want: readonly Want[],
  precision: Precision,
  signal: AbortSignal,
): Promise<Evaluator> {
  if (source.connect !== undefined) return connect(source.connect, source, want, precision);
  if (source.model === undefined) {
    throw new MltsError('E_USAGE', 'neither a model nor a server is named', 'Add --model M or --connect ENDPOINT.');
  }
  const { model, potential } = await openModel(source.model);
  return {
    model: model.name,
    sha256: model.sha256,
    backend: potential.backend,
    evaluate: (systems) => potential.evaluate(systems, new Set(want), { precision, signal }),
    close: () => potential.close(),
  };
}

async function connect(
  endpoint: string,
  { model: name, keys }: Source,
  want: readonly Want[],
  precision: Precision,
): Promise<Evaluator> {
  const client = await Client.connect(endpoint, keys === undefined ? {} : { keys });
  try {
    const models = await client.models();
    const model = name === undefined && models.length === 1 ? models[0] : models.find((one) => one.name === name);
    if (model === undefined) {
      const names = models.map((one) => one.name).join(', ');
      throw new MltsError(
        'E_MODEL_NOT_FOUND',
        `${endpoint} serves ${names}, not ${name ?? 'one model'}`,
        'Choose one of them with --model.',
      );
    }
    return {
      model: model.name,
      sha256: model.sha256,
      backend: 'server',
      evaluate: (systems) => client.evaluateMany(systems, { model: model.name, precision, want }),
      close: () => client.close(),
    };
  } catch (error) {
    client.close();
    throw error;
  }
}
