import { numberOf } from '../elements.ts';
import { inAngstrom, inElectronVolt } from '../units.ts';
import type { CommonCard } from './card-common.ts';
import type { ModelInfo } from './model.ts';

/** What every model has, in Å and eV. @param sha256 of the file */
export function commonOf(
  card: CommonCard,
  sha256: string,
): Omit<ModelInfo, 'architecture'> & { readonly selfEnergies: Float64Array; readonly energyScale: number } {
  const length = inAngstrom(card.units.length);
  const energy = inElectronVolt(card.units.energy);
  return {
    name: card.name,
    sha256,
    elements: card.elements.map((element) => numberOf(element) as number),
    members: card.members,
    cutoff: card.cutoff * length,
    reach: card.reach * length,
    minDistance: card.min_distance * length,
    ...(card.calibration && {
      calibration: { sigmaForce: card.calibration.sigma_force, sigmaEnergy: card.calibration.sigma_energy },
    }),
    selfEnergies: Float64Array.from(card.elements, (element) => card.self_energies[element] * energy),
    energyScale: energy,
  };
}
