import type { EnergyUnit, LengthUnit } from '../units.ts';

/** What the cards of all architectures have. Lengths and energies are in the card's own units. */
export interface CommonCard {
  readonly format: 1;
  /** As users write it: `ani-2x`. */
  readonly name: string;
  /** Symbols in the model's own order. */
  readonly elements: readonly string[];
  readonly members: number;
  readonly units: { readonly energy: EnergyUnit; readonly length: LengthUnit };
  readonly cutoff: number;
  readonly reach: number;
  readonly min_distance: number;
  readonly self_energies: Readonly<Record<string, number>>;
  readonly calibration?: { readonly sigma_force: number; readonly sigma_energy: number };
  readonly provenance?: Readonly<Record<string, unknown>>;
  readonly licence?: string;
  readonly citation?: string;
}
