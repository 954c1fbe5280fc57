/** What a run says of its steps: rows of a CSV file, and the same for people. */
import { AMU_PER_ANGSTROM3_IN_G_PER_CM3, EV_PER_ANGSTROM3_IN_GPA } from '../../units.ts';
import type { Observables } from '../walker.ts';

/** One walker at one step. */
export interface LogRow extends Observables {
  readonly step: number;
  /** fs since the stage began */
  readonly time: number;
  readonly walker: number;
  /** amu */
  readonly mass: number;
}

interface Column {
  readonly name: string;
  readonly value: (row: LogRow) => number | undefined;
}

const COLUMNS: readonly Column[] = [
  { name: 'step', value: ({ step }) => step },
  { name: 'time_fs', value: ({ time }) => time },
  { name: 'walker', value: ({ walker }) => walker },
  { name: 'temperature_K', value: ({ temperature }) => temperature },
  { name: 'potential_eV', value: ({ potential }) => potential },
  { name: 'kinetic_eV', value: ({ kinetic }) => kinetic },
  { name: 'conserved_eV', value: ({ conserved }) => conserved },
  { name: 'pressure_GPa', value: ({ pressure }) => pressure && pressure * EV_PER_ANGSTROM3_IN_GPA },
  { name: 'volume_A3', value: ({ volume }) => volume },
  { name: 'density_g_cm3', value: densityOf },
  { name: 'sigma_energy_eV', value: ({ sigmaEnergy }) => sigmaEnergy },
  { name: 'rho_eV', value: ({ rho }) => rho },
  { name: 'max_sigma_force_eV_A', value: ({ maxSigmaForce }) => maxSigmaForce },
  { name: 'mean_sigma_force_eV_A', value: ({ meanSigmaForce }) => meanSigmaForce },
];

function densityOf({ mass, volume }: LogRow): number | undefined {
  return volume && (mass / volume) * AMU_PER_ANGSTROM3_IN_G_PER_CM3;
}

export const CSV_HEADER = `${COLUMNS.map(({ name }) => name).join(',')}\n`;

/** One line of the CSV file, numbers to the last bit; empty where there is none. */
export const csvRow = (row: LogRow): string => `${COLUMNS.map(({ value }) => value(row) ?? '').join(',')}\n`;

const WIDTHS = [9, 10, 9, 16, 16, 11, 9, 9, 10, 10] as const;
const TITLES = [
  'step',
  'time/ps',
  'T/K',
  'E_pot/eV',
  'conserved/eV',
  'p/GPa',
  'ρ/(g/cm³)',
  'σ_E/√N/eV',
  'max σ_F',
  'mean σ_F',
];

/** The header of the table for people. */
export const TABLE_HEADER = `${TITLES.map((title, k) => title.padStart(WIDTHS[k])).join(' ')}\n`;

/** One line for all walkers of a step: means, and the largest of the largest σ_F. */
export function tableRow(rows: readonly LogRow[]): string {
  const mean = (value: (row: LogRow) => number | undefined) => {
    const values = rows.map(value).filter((one) => one !== undefined);
    return values.length === 0 ? undefined : values.reduce((sum, one) => sum + one, 0) / values.length;
  };
  const [{ step, time }] = rows;
  const largest = rows.reduce((most, { maxSigmaForce = 0 }) => Math.max(most, maxSigmaForce), 0);
  const cells = [
    String(step),
    (time / 1000).toFixed(4),
    mean((row) => row.temperature)?.toFixed(1),
    mean((row) => row.potential)?.toFixed(5),
    mean((row) => row.conserved)?.toFixed(5),
    mean((row) => row.pressure && row.pressure * EV_PER_ANGSTROM3_IN_GPA)?.toFixed(3),
    mean(densityOf)?.toFixed(4),
    mean((row) => row.rho)?.toFixed(5),
    largest.toFixed(4),
    mean((row) => row.meanSigmaForce)?.toFixed(4),
  ].map((cell) => cell ?? '—');
  return `${cells.map((cell, k) => cell.padStart(WIDTHS[k])).join(' ')}\n`;
}
