/** Inputs of pw.x: https://www.quantum-espresso.org/Doc/INPUT_PW.html */
import { massOf, symbolOf } from '../../../elements.ts';
import { volumeOf } from '../../../io/structure.ts';
import type { EspressoSettings, Namelist } from './settings.ts';

export interface Crystal {
  readonly numbers: Int32Array;
  /** [n,3] Å */
  readonly positions: Float64Array;
  /** [3,3] Å */
  readonly cell: Float64Array;
}

/** Points along each reciprocal vector, so that no two neighbours are further apart than `spacing` (1/Å, 2π included). */
export function kpointGrid(cell: Float64Array, spacing: number): readonly [number, number, number] {
  const volume = Math.abs(volumeOf(cell));
  const along = (i: number): number => {
    const [a, b] = [3 * ((i + 1) % 3), 3 * ((i + 2) % 3)];
    const cross = [0, 1, 2].map((k) => {
      const [u, v] = [(k + 1) % 3, (k + 2) % 3];
      return cell[a + u] * cell[b + v] - cell[a + v] * cell[b + u];
    });
    const length = (2 * Math.PI * Math.hypot(...cross)) / volume;
    // Rounding must not add a point where spacing divides the length.
    return Math.max(1, Math.ceil(length / spacing - 1e-9));
  };
  return [along(0), along(1), along(2)];
}

const value = (given: string | number | boolean): string =>
  typeof given === 'boolean'
    ? `.${given}.`
    : typeof given === 'number'
      ? String(given)
      : `'${given.replace(/'/g, "''")}'`;

const namelist = (name: string, keys: Namelist): string =>
  [`&${name}`, ...Object.entries(keys).map(([key, given]) => `  ${key} = ${value(given)}`), '/'].join('\n');

const row = (list: Float64Array, at: number): string =>
  [0, 1, 2].map((k) => list[at + k].toFixed(12).padStart(20)).join('');

/**
 * Energy, forces and stress of one structure.
 * @param electrons keys of &ELECTRONS of this attempt @param seconds after which pw.x ends by itself
 */
export function formatPwInput(
  { numbers, positions, cell }: Crystal,
  { pseudopotentials, pseudo_folder, ecutwfc, kpoint_spacing, system }: EspressoSettings,
  electrons: Namelist,
  seconds: number,
): string {
  const species = [...new Set(numbers)];
  const control = {
    ...{ calculation: 'scf', pseudo_dir: pseudo_folder, outdir: './', disk_io: 'none' },
    ...{ tprnfor: true, tstress: true, max_seconds: seconds },
  };
  return [
    namelist('CONTROL', control),
    namelist('SYSTEM', { ibrav: 0, nat: numbers.length, ntyp: species.length, ecutwfc, ...system }),
    namelist('ELECTRONS', electrons),
    'ATOMIC_SPECIES',
    ...species.map((z) => `  ${symbolOf(z)} ${massOf(z) ?? 1} ${pseudopotentials[symbolOf(z)]}`),
    'CELL_PARAMETERS angstrom',
    ...[0, 3, 6].map((at) => row(cell, at)),
    'ATOMIC_POSITIONS angstrom',
    ...Array.from(numbers, (z, i) => `  ${symbolOf(z).padEnd(2)} ${row(positions, 3 * i)}`),
    'K_POINTS automatic',
    `  ${kpointGrid(cell, kpoint_spacing).join(' ')} 0 0 0`,
    '',
  ].join('\n');
}
