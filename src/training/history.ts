/** What each epoch came to, as rows of NAME.csv. */
import type { EpochErrors } from './sums.ts';

/** One member in one epoch; plain JSON, in the checkpoint. Energies in eV per atom, forces in eV/Å, root mean squares. */
export interface EpochRow {
  readonly epoch: number;
  readonly member: number;
  readonly learning_rate: number;
  readonly batch: number;
  readonly train_loss: number;
  readonly train_energy: number | undefined;
  readonly train_forces: number | undefined;
  readonly validation_loss: number;
  readonly validation_energy: number | undefined;
  readonly validation_forces: number | undefined;
  /** Whether its weights are the best so far. */
  readonly best: boolean;
}

export function epochRow(
  at: Pick<EpochRow, 'epoch' | 'member' | 'learning_rate' | 'batch' | 'best'>,
  train: EpochErrors,
  validation: EpochErrors,
): EpochRow {
  const { best, ...rest } = at;
  return {
    ...rest,
    train_loss: train.loss,
    train_energy: train.energy,
    train_forces: train.forces,
    validation_loss: validation.loss,
    validation_energy: validation.energy,
    validation_forces: validation.forces,
    best,
  };
}

const COLUMNS = [
  'epoch',
  'member',
  'learning_rate',
  'batch',
  'train_loss',
  'train_energy',
  'train_forces',
  'validation_loss',
  'validation_energy',
  'validation_forces',
  'best',
] as const satisfies readonly (keyof EpochRow)[];

export const historyLines = (rows: readonly EpochRow[]): string =>
  rows.map((row) => `${COLUMNS.map((name) => row[name] ?? '').join(',')}\n`).join('');

export const historyCsv = (rows: readonly EpochRow[]): string => `${COLUMNS.join(',')}\n${historyLines(rows)}`;
