/** Structures of the I/O layer as labelled frames, and frames as structures: the names that labels have in extended XYZ. */
import { type AtomArray, type InfoValue, type Structure, volumeOf } from '../io/structure.ts';
import type { Frame } from './dataset.ts';

/**
 * Labels are `energy` eV, `forces` [n,3] eV/Å, `virial` [3,3] eV (−∂E/∂ε) or `stress` [3,3] or xx yy zz yz xz xy, eV/Å³ (positive:
 * under tension), `charges` [n] e and `dipole` [3] e Å; `level` names the level of theory, `group` frames that belong together.
 */
export function frameOf({ numbers, positions, cell, pbc, info, arrays }: Structure): Frame {
  const forces = arrays.forces ?? arrays.force;
  const { charges } = arrays;
  const { energy, level, group } = info;
  const virial =
    realsOf(info.virial, 9) ?? (cell && virialOf(cell, realsOf(info.stress, 9) ?? realsOf(info.stress, 6)));
  const dipole = realsOf(info.dipole, 3);
  return {
    numbers,
    positions,
    pbc,
    ...(cell !== undefined && { cell }),
    // What is there and no number, like nan, is a label that cannot be used, and not none at all.
    ...(energy !== undefined && { energy: typeof energy === 'number' ? energy : Number.NaN }),
    ...(forces?.kind === 'real' && forces.columns === 3 && { forces: forces.data }),
    ...(virial !== undefined && { virial }),
    ...(charges?.kind === 'real' && charges.columns === 1 && { charges: charges.data }),
    ...(dipole !== undefined && { dipole }),
    ...(level !== undefined && { level: String(level) }),
    ...(group !== undefined && { group: String(group) }),
  };
}

function realsOf(value: InfoValue | undefined, length: number): Float64Array | undefined {
  return Array.isArray(value) && value.length === length && typeof value[0] === 'number'
    ? Float64Array.from(value as number[])
    : undefined;
}

/** W = −V σ. @param stress nine components, or six in the order of Voigt */
export function virialOf(cell: Float64Array, stress: Float64Array | undefined): Float64Array | undefined {
  if (stress === undefined) return undefined;
  const volume = Math.abs(volumeOf(cell));
  const full = stress.length === 9 ? stress : Float64Array.from([0, 5, 4, 5, 1, 3, 4, 3, 2], (k) => stress[k]);
  return full.map((component) => -volume * component);
}

const reals = (columns: number, data: Float64Array): AtomArray => ({ kind: 'real', columns, data });

/** What `frameOf` gives back to the last bit. */
export function structureOf(frame: Frame): Structure {
  const { numbers, positions, cell, pbc = [false, false, false], energy, forces, virial, charges, dipole } = frame;
  return {
    numbers,
    positions,
    cell,
    pbc,
    info: {
      ...(energy !== undefined && { energy }),
      ...(virial !== undefined && { virial: [...virial] }),
      ...(dipole !== undefined && { dipole: [...dipole] }),
      ...(frame.level !== undefined && { level: frame.level }),
      ...(frame.group !== undefined && { group: frame.group }),
    },
    arrays: {
      ...(forces !== undefined && { forces: reals(3, forces) }),
      ...(charges !== undefined && { charges: reals(1, charges) }),
    },
  };
}
