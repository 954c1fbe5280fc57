/** A LAMMPS step with `pair_style mlts` against the evaluation alone, on one rank and on two. */
import { deck, findLammps, type Lammps, loopTime } from '../lib/lammps.ts';
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

export const lammps = (names: readonly string[]): Section => ({
  name: 'lammps',
  title: 'A LAMMPS step through the daemon',
  async run(context): Promise<Outcome> {
    const engine = await findLammps(context);
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
  context: Context,
  engine: Lammps,
  { endpoint }: Daemon,
  { name }: BenchModel,
  structure: Structure,
  steps: number,
  ranks: number,
): Promise<number> {
  const input = deck(context, engine, endpoint, name, structure, [{ steps: 5 }, { steps }]);
  const command = [engine.executable, '-in', input, '-log', 'none'];
  const text = await run(ranks === 1 ? command : [engine.mpiexec, '-n', String(ranks), ...command]);
  return (1000 * loopTime(text, steps, ranks)) / steps;
}
