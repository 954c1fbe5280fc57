/**
 * The one module through which units pass. Inside mlts and on the wire: Å, eV, fs, amu, K, e.
 * Source: CODATA 2018 (https://physics.nist.gov/cuu/Constants/).
 */

/** 1 Hartree in eV. */
export const HARTREE = 27.211386245988;
/** 1 bohr in Å. */
export const BOHR = 0.529177210903;
/** 1 kcal/mol (thermochemical) in eV: 4184 J/mol over N_A e. */
export const KCAL_PER_MOL = 4184 / (6.02214076e23 * 1.602176634e-19);
/** Boltzmann constant in eV/K. */
export const BOLTZMANN = 8.617333262145e-5;
/** Planck constant in eV s. */
export const PLANCK = 6.62607015e-34 / 1.602176634e-19;
/** Speed of light in m/s. */
export const SPEED_OF_LIGHT = 299_792_458;
/** 1 eV/Å³ in GPa. */
export const EV_PER_ANGSTROM3_IN_GPA = 160.2176634;
/** 1 amu/Å³ in g/cm³. */
export const AMU_PER_ANGSTROM3_IN_G_PER_CM3 = 1.6605390666;
/** 1 amu Å²/fs² in eV. */
export const AMU_ANGSTROM2_PER_FS2 = 1.6605390666e-27 / 1.602176634e-19 / 1e-10;

const ENERGY = { eV: 1, hartree: HARTREE, 'kcal/mol': KCAL_PER_MOL } as const;
const LENGTH = { angstrom: 1, bohr: BOHR } as const;

export type EnergyUnit = keyof typeof ENERGY;
export type LengthUnit = keyof typeof LENGTH;

export const isEnergyUnit = (unit: string): unit is EnergyUnit => Object.hasOwn(ENERGY, unit);
export const isLengthUnit = (unit: string): unit is LengthUnit => Object.hasOwn(LENGTH, unit);
/** Factor that turns `unit` into eV. */
export const inElectronVolt = (unit: EnergyUnit): number => ENERGY[unit];
/** Factor that turns `unit` into Å. */
export const inAngstrom = (unit: LengthUnit): number => LENGTH[unit];
