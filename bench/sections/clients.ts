/** Many small clients at one daemon: together they should get more than one does, and none should starve. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Daemon } from '../lib/process.ts';
import { chosen, modelFor, ms, type Outcome, type Row, type Section } from '../lib/section.ts';
import { median, quantile } from '../lib/statistics.ts';

export interface ClientsCase {
  readonly structure: string;
  readonly clients: number;
  readonly seconds: number;
}

const WORKER = fileURLToPath(new URL('../lib/client-process.js', import.meta.url));

export const clients = ({ structure: name, clients: many, seconds }: ClientsCase): Section => ({
  name: 'clients',
  title: `${many} clients of one small molecule each`,
  async run(context): Promise<Outcome> {
    const [structure] = chosen(context, [name]);
    const model = modelFor(context, structure);
    const daemon = await Daemon.start(context.mlts, model.path, context.threads);
    const rates: Record<number, number[]> = { 1: [], [many]: [] };
    const tails: number[] = [];
    const rows: Row[] = [];
    try {
      for (let round = 0; round < context.rounds; round++) {
        for (const count of [1, many]) {
          context.say(`${count} × ${name}`);
          const times = await together(count, daemon.endpoint, structure.path, seconds);
          rates[count].push(times.flat().length / seconds);
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
      notes: ['Each client is a process of its own on the same machine; what the clients compute counts against them.'],
    };
  },
});

/** Step times of each of `count` client processes that begin together once all are warm, ms. */
async function together(count: number, endpoint: string, structure: string, seconds: number): Promise<number[][]> {
  const children = Array.from({ length: count }, () => fork(WORKER, [endpoint, structure, String(seconds)]));
  const next = (child: ChildProcess) =>
    new Promise<unknown>((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', (code) => reject(new Error(`a client ended with ${code}`)));
    });
  await Promise.all(children.map(next));
  const times = children.map(next);
  for (const child of children) child.send('go');
  return (await Promise.all(times)) as number[][];
}
