/** Many LAMMPS jobs of a small molecule at one daemon: together they should get more than one does, and none should starve. */
import { deck, findLammps, type Lammps, loopTime } from '../lib/lammps.ts';
import { Daemon, run } from '../lib/process.ts';
import { chosen, modelFor, ms, type Outcome, type Row, type Section } from '../lib/section.ts';
import { median, quantile } from '../lib/statistics.ts';

export interface ClientsCase {
  readonly structure: string;
  readonly clients: number;
  /** Of each client, after as many that do not count. */
  readonly steps: number;
}

export const clients = ({ structure: name, clients: many, steps }: ClientsCase): Section => ({
  name: 'clients',
  title: `${many} clients of one small molecule each`,
  async run(context): Promise<Outcome> {
    const [structure] = chosen(context, [name]);
    const model = modelFor(context, structure);
    const engine = await findLammps(context);
    const daemon = await Daemon.start(context.mlts, model.path, context.threads);
    const rates: Record<number, number[]> = { 1: [], [many]: [] };
    const tails: number[] = [];
    const rows: Row[] = [];
    try {
      const input = deck(context, engine, daemon.endpoint, model.name, structure, [{ steps }, { steps, timed: true }]);
      for (let round = 0; round < context.rounds; round++) {
        for (const count of [1, many]) {
          context.say(`${count} × ${name}`);
          const times = await together(count, engine, input, steps);
          rates[count].push(sum(times.map((one) => (1000 * steps) / sum(one))));
          const worst = Math.max(...times.map((one) => quantile(one, 0.99) / median(one)));
          if (count === many) tails.push(worst);
          if (round === context.rounds - 1) {
            rows.push({
              clients: count,
              'evaluations per s': median(rates[count]).toFixed(0),
              'median ms': ms(median(times.flat())),
              'p99 ms': ms(quantile(times.flat(), 0.99)),
              'worst p99 / median': worst.toFixed(1),
            });
          }
        }
      }
    } finally {
      await daemon.stop();
    }
    const gain = median(rates[many]) / median(rates[1]);
    const tail = median(tails);
    return {
      rows,
      checks: [
        {
          claim: `${many} clients get at least twice the throughput of one`,
          measured: gain.toFixed(2),
          holds: gain >= 2,
        },
        { claim: 'no client starves: p99 ≤ 4 × median in each', measured: tail.toFixed(1), holds: tail <= 4 },
      ],
      notes: [
        'Each client is a LAMMPS job of its own on the same machine, NVE with σ_F at every step; what the jobs themselves compute counts against them.',
      ],
    };
  },
});

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Step times of each of `count` jobs that begin together, ms. */
async function together(count: number, { executable }: Lammps, input: string, steps: number): Promise<number[][]> {
  const jobs = Array.from({ length: count }, () => run([executable, '-in', input, '-log', 'none']));
  return (await Promise.all(jobs)).map((text) => {
    loopTime(text, steps, 1);
    const end = text.lastIndexOf('Loop time');
    // LAMMPS also prints "CPU use" after each run.
    const timed = text.slice(text.lastIndexOf('CPU', end), end);
    const at = [...timed.matchAll(/^ *\d+ +([\d.]+)/gm)].map(([, time]) => 1000 * Number(time));
    return at.slice(1).map((time, step) => time - at[step]);
  });
}
