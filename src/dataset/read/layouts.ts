/**
 * How published HDF5 files of the ANI family name and sign what they hold. Sources: the readers beside ANI-1
 * (doi:10.1038/sdata.2017.193), ANI-1x and ANI-1ccx (doi:10.1038/s41597-020-0473-z), COMP6 (doi:10.1063/1.5023802) and ANI-Al
 * (doi:10.1038/s41467-021-21376-0); the last two store +∂E/∂R as forces.
 */
import { MltsError } from '../../errors.ts';
import type { EnergyUnit } from '../../units.ts';
import type { Quantity } from './source.ts';

export interface Layout {
  readonly name: string;
  readonly energy: EnergyUnit;
  readonly gradient: boolean;
  readonly names?: Partial<Record<Quantity, readonly string[]>>;
  readonly level?: string;
  /** Which of several sets of labels. */
  readonly labels?: string;
  /** NaN stands for labels that were not computed. */
  readonly missing: boolean;
  /** Frames beside the others that are not to be learnt. */
  readonly excluded?: string;
}

/** Levels of theory behind the names of ANI-1x's labels. */
const LEVELS: Readonly<Record<string, string>> = {
  wb97x_dz: 'wB97X/6-31G*',
  wb97x_tz: 'wB97X/def2-TZVPP',
  'ccsd(t)_cbs': 'CCSD(T)*/CBS',
};

/** @param keys names in a group that holds coordinates @throws MltsError E_USAGE where it lacks the labels asked for */
export function layoutOf(keys: ReadonlySet<string>, labels: string | undefined, place: string): Layout {
  const available = [...keys].flatMap((key) => /^(.+)\.energy$/.exec(key)?.[1] ?? []).sort();
  if (available.length > 0) return ani1x(available, labels, place);
  if (labels !== undefined) {
    throw new MltsError(
      'E_USAGE',
      `${place} has one set of labels, so --labels ${labels} chooses nothing`,
      'Leave it out.',
    );
  }
  const exact = { energy: 'hartree', gradient: false, missing: false } as const;
  if (keys.has('Jnames')) return { ...exact, name: 'ANI-Al', gradient: true };
  if (['lot', 'hirdipole', 'spindensities'].some((key) => keys.has(key))) {
    return { ...exact, name: 'COMP6', gradient: true };
  }
  if (keys.has('energiesHE')) return { ...exact, name: 'ANI-1', level: LEVELS.wb97x_dz, excluded: 'energiesHE' };
  if (keys.has('energies')) return { ...exact, name: 'ANI' };
  return { ...exact, name: 'HDF5', energy: 'eV' };
}

function ani1x(available: readonly string[], wanted: string | undefined, place: string): Layout {
  const labels = wanted ?? 'wb97x_dz';
  if (!available.includes(labels)) {
    const what = `${place} has no labels ${labels}`;
    throw new MltsError('E_USAGE', what, `Choose with --labels: ${available.join(', ')}.`);
  }
  return {
    name: `ANI-1x, labels ${labels}`,
    energy: 'hartree',
    gradient: false,
    missing: true,
    labels,
    level: LEVELS[labels] ?? labels,
    names: {
      energy: [`${labels}.energy`],
      forces: [`${labels}.forces`],
      charges: [`${labels}.cm5_charges`, `${labels}.mbis_charges`],
      dipole: [`${labels}.dipole`],
    },
  };
}
