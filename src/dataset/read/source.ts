/** What every reader is told, and what it has to tell beside its frames. */
import { type EnergyUnit, inAngstrom, inElectronVolt, type LengthUnit } from '../../units.ts';
import type { Frame } from '../dataset.ts';

export const QUANTITIES = [
  ...(['numbers', 'positions', 'cell', 'pbc', 'energy', 'forces', 'virial', 'charges', 'dipole'] as const),
] as const;
export type Quantity = (typeof QUANTITIES)[number];

export interface Conventions {
  readonly energy: EnergyUnit;
  readonly length: LengthUnit;
  /** What the file calls forces is +∂E/∂R. */
  readonly gradient: boolean;
}

/** Of what the user says; the rest is as the format has it. */
export interface ReadOptions extends Partial<Conventions> {
  /** Of the labels of ANI-1x files: wb97x_dz, wb97x_tz, ccsd(t)_cbs … */
  readonly labels?: string;
  /** Arrays of a file by what they are. */
  readonly names?: Partial<Record<Quantity, string>>;
  /** Level of theory, for frames whose file names none. */
  readonly level?: string;
}

/** What a user should know of an import. */
export class Account {
  /** Frames left out, by reason. */
  readonly excluded = new Map<string, { count: number; readonly example: string }>();
  /** How files were understood. */
  readonly notes = new Set<string>();

  exclude(reason: string, example: string, count = 1): void {
    const known = this.excluded.get(reason);
    if (known === undefined) this.excluded.set(reason, { count, example });
    else known.count += count;
  }
}

/** The same frame in Å and eV; what is in these already stays as it is, to the last bit. */
export function inOurUnits(frame: Frame, { energy, length, gradient }: Conventions): Frame {
  const [perEnergy, perLength] = [inElectronVolt(energy), inAngstrom(length)];
  const times = (values: Float64Array | undefined, factor: number) =>
    factor === 1 || values === undefined ? values : values.map((value) => factor * value);
  const force = (gradient ? -perEnergy : perEnergy) / perLength;
  const { positions, cell, forces, virial, dipole } = frame;
  const scaled = {
    positions: times(positions, perLength),
    cell: times(cell, perLength),
    energy: frame.energy === undefined || perEnergy === 1 ? frame.energy : perEnergy * frame.energy,
    forces: times(forces, force),
    virial: times(virial, perEnergy),
    dipole: times(dipole, perLength),
  };
  return { ...frame, ...defined(scaled) } as Frame;
}

/** Without the keys that have no value. */
export const defined = <T extends object>(record: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as never;
