/** LAMMPS as a client of the benchmark: decks of one structure at constant energy, and what a run of one says. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './process.ts';
import type { Context } from './section.ts';
import type { Structure } from './structures.ts';

/** Of `mlts doctor --json`. */
export interface Lammps {
  readonly executable: string;
  readonly plugin: string;
  readonly mpiexec: string;
}

/** One stretch of steps. */
export interface Stretch {
  readonly steps: number;
  /** Writes the time at each step. */
  readonly timed?: boolean;
}

const MASSES: Readonly<Record<string, number>> = { H: 1.008, C: 12.011, N: 14.007, O: 15.999, Al: 26.982 };
const BOX = 40; // Å, for a molecule

export const findLammps = async ({ mlts }: Context): Promise<Lammps> =>
  (JSON.parse(await run([...mlts, 'doctor', '--json'])) as { lammps: Lammps }).lammps;

/** Writes a deck with its data file; returns the deck's path. σ_F is asked for at every step. */
export function deck(
  { folder }: Context,
  { plugin }: Lammps,
  endpoint: string,
  model: string,
  structure: Structure,
  stretches: readonly Stretch[],
): string {
  const elements = [...new Set(structure.symbols)];
  const data = join(folder, `${structure.name}.data`);
  const input = join(folder, `${structure.name}.lmp`);
  writeFileSync(data, dataFile(structure, elements));
  const runs = stretches.map(({ steps, timed }) =>
    timed
      ? `thermo 1\nthermo_style custom step cpu\nthermo_modify format 2 %.6f\nrun ${steps}`
      : `thermo ${steps}\nrun ${steps}`,
  );
  writeFileSync(
    input,
    `plugin load ${plugin}
units metal
newton on
atom_style atomic
atom_modify map yes
boundary ${structure.cell === undefined ? 'f f f' : 'p p p'}
read_data ${data}
pair_style mlts ${endpoint} model ${model}
pair_coeff * * ${elements.join(' ')}
velocity all create 50 1
timestep 0.0001
fix 1 all nve
fix 2 all pair 1 mlts sigma_f 1
${runs.join('\n')}
`,
  );
  return input;
}

/** Seconds of the last run in what LAMMPS printed. @throws Error where it was not of so many steps and ranks */
export function loopTime(text: string, steps: number, ranks: number): number {
  const last = [...text.matchAll(/Loop time of ([\d.e+-]+) on (\d+) procs for (\d+) steps/g)].at(-1);
  if (last === undefined || Number(last[2]) !== ranks || Number(last[3]) !== steps) {
    throw new Error(`LAMMPS printed no loop time of ${steps} steps on ${ranks} ranks:\n${text.slice(-1000)}`);
  }
  return Number(last[1]);
}

/** The structure as LAMMPS data in an orthogonal box. */
function dataFile({ name, symbols, positions, cell }: Structure, elements: readonly string[]): string {
  const masses = elements.map((symbol, i) => `${i + 1} ${MASSES[symbol]}`);
  const atoms = symbols.map((symbol, i) => {
    const place = [0, 1, 2].map((axis) => positions[3 * i + axis]);
    return `${i + 1} ${elements.indexOf(symbol) + 1} ${place.join(' ')}`;
  });
  const [low, high] = cell === undefined ? [-BOX / 2, () => BOX / 2] : [0, (k: number) => cell[4 * k]];
  const box = ['x', 'y', 'z'].map((axis, k) => `${low} ${high(k)} ${axis}lo ${axis}hi`);
  const counts = `${symbols.length} atoms\n${elements.length} atom types`;
  return [name, counts, box.join('\n'), 'Masses', masses.join('\n'), 'Atoms', atoms.join('\n')]
    .join('\n\n')
    .concat('\n');
}
