/** A LAMMPS step with `pair_style mlts` against the evaluation alone, on one rank and on two. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measure } from '../lib/measure.ts';
import type { BenchModel } from '../lib/models.ts';
import { Daemon, run } from '../lib/process.ts';
import {
  type Check,
  type Context,
  chosen,
  modelFor,
  ms,
  type Outcome,
  type Row,
  type Section,
} from '../lib/section.ts';
import { median } from '../lib/statistics.ts';
import type { Structure } from '../lib/structures.ts';

/** Of `mlts doctor --json`. */
interface Lammps {
  readonly executable: string;
  readonly plugin: string;
  readonly mpiexec: string;
}

const MASSES: Readonly<Record<string, number>> = { H: 1.008, C: 12.011, N: 14.007, O: 15.999, Al: 26.982 };

export const lammps = (names: readonly string[]): Section => ({
  name: 'lammps',
  title: 'A LAMMPS step through the daemon',
  async run(context): Promise<Outcome> {
    const engine = (JSON.parse(await run([...context.mlts, 'doctor', '--json'])) as { lammps: Lammps }).lammps;
    const rows: Row[] = [];
    const checks: Check[] = [];
    for (const structure of chosen(context, names)) {
      const model = modelFor(context, structure);
      const atoms = structure.symbols.length;
      const times = { alone: [] as number[], one: [] as number[], two: [] as number[] };
      const daemon = await Daemon.start(context.mlts, model.path, context.threads);
      try {
        const steps = Math.max(20, Math.round(60_000 / atoms));
        for (let round = 0; round < context.rounds; round++) {
          context.say(structure.name);
          times.alone.push((await measure(context, model, structure)).ms_median);
          times.one.push(await step(context, engine, daemon, model, structure, steps, 1));
          times.two.push(await step(context, engine, daemon, model, structure, steps, 2));
        }
      } finally {
        await daemon.stop();
      }
      const [alone, one, two] = [median(times.alone), median(times.one), median(times.two)];
      rows.push({
        structure: structure.name,
        atoms,
        'evaluation ms': ms(alone),
        '1 rank ms/step': ms(one),
        'overhead ms': (one - alone).toFixed(3),
        '2 ranks ms/step': ms(two),
      });
      const bar = atoms >= 1000 ? 1.1 * alone : alone + 0.3;
      const claim = atoms >= 1000 ? 'evaluation + 10 %' : 'evaluation + 0.3 ms';
      checks.push({
        claim: `${structure.name}: a step costs at most ${claim}`,
        measured: `${ms(one)} of ${ms(bar)} ms`,
        holds: one <= bar,
      });
      checks.push({
        claim: `${structure.name}: two ranks not slower than one`,
        measured: (two / one).toFixed(2),
        holds: two <= one,
      });
    }
    const note =
      'NVE with σ_F at every step, LAMMPS’s own loop time over the steps: neighbour list, communication and integration are in it.';
    return { rows, checks, notes: [note] };
  },
});

/** Milliseconds of one MD step. */
async function step(
  { folder }: Context,
  { executable, plugin, mpiexec }: Lammps,
  { endpoint }: Daemon,
  { name: model }: BenchModel,
  structure: Structure,
  steps: number,
  ranks: number,
): Promise<number> {
  const elements = [...new Set(structure.symbols)];
  const data = join(folder, `${structure.name}.data`);
  const input = join(folder, `${structure.name}.lmp`);
  writeFileSync(data, dataFile(structure, elements));
  writeFileSync(
    input,
    `plugin load ${plugin}
units metal
newton on
atom_style atomic
atom_modify map yes
boundary p p p
read_data ${data}
pair_style mlts ${endpoint} model ${model}
pair_coeff * * ${elements.join(' ')}
velocity all create 50 1
timestep 0.0001
fix 1 all nve
fix 2 all pair 1 mlts sigma_f 1
thermo ${steps}
run 5
run ${steps}
`,
  );
  const command = [executable, '-in', input, '-log', 'none'];
  const text = await run(ranks === 1 ? command : [mpiexec, '-n', String(ranks), ...command], { cwd: folder });
  const loops = [...text.matchAll(/Loop time of ([\d.e+-]+) on (\d+) procs for (\d+) steps/g)];
  const last = loops.at(-1);
  if (last === undefined || Number(last[2]) !== ranks || Number(last[3]) !== steps) {
    throw new Error(`LAMMPS printed no loop time of ${steps} steps on ${ranks} ranks:\n${text.slice(-1000)}`);
  }
  return (1000 * Number(last[1])) / steps;
}

/** The structure as LAMMPS data in an orthogonal box. */
function dataFile({ name, symbols, positions, cell }: Structure, elements: readonly string[]): string {
  if (cell === undefined) throw new Error(`${name} has no cell`);
  const masses = elements.map((symbol, i) => `${i + 1} ${MASSES[symbol]}`);
  const atoms = symbols.map((symbol, i) => {
    const place = [0, 1, 2].map((axis) => positions[3 * i + axis]);
    return `${i + 1} ${elements.indexOf(symbol) + 1} ${place.join(' ')}`;
  });
  const box = ['x', 'y', 'z'].map((axis, k) => `0 ${cell[4 * k]} ${axis}lo ${axis}hi`);
  const counts = `${symbols.length} atoms\n${elements.length} atom types`;
  return [name, counts, box.join('\n'), 'Masses', masses.join('\n'), 'Atoms', atoms.join('\n')]
    .join('\n\n')
    .concat('\n');
}
