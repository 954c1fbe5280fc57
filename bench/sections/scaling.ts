/** Cost per atom and memory from 1500 to 100 000 atoms, in one process. */
import { measure } from '../lib/measure.ts';
import { chosen, modelFor, ms, type Outcome, percent, type Row, type Section } from '../lib/section.ts';
import { median } from '../lib/statistics.ts';

export const scaling = (names: readonly string[]): Section => ({
  name: 'scaling',
  title: 'Cost per atom',
  async run(context): Promise<Outcome> {
    const structures = chosen(context, names);
    const perAtom = new Map(structures.map(({ name }) => [name, [] as number[]]));
    const memory = new Map<string, number>();
    for (let round = 0; round < context.rounds; round++) {
      for (const structure of structures) {
        context.say(structure.name);
        const { ms_median, natoms, rss_mb } = await measure(context, modelFor(context, structure), structure);
        perAtom.get(structure.name)?.push((1000 * ms_median) / natoms);
        memory.set(structure.name, rss_mb);
      }
    }
    const costs = structures.map(({ name }) => median(perAtom.get(name) ?? []));
    const rows: Row[] = structures.map(({ name, symbols }, i) => ({
      structure: name,
      atoms: symbols.length,
      'µs per atom': ms(costs[i]),
      'relative to the smallest': (costs[i] / costs[0]).toFixed(3),
      'resident MB': (memory.get(name) ?? 0).toFixed(0),
    }));
    const deviation = Math.max(...costs) / Math.min(...costs) - 1;
    const claim = `cost per atom constant within 15 % from ${rows[0].atoms} to ${rows.at(-1)?.atoms} atoms`;
    return { rows, checks: [{ claim, measured: percent(deviation), holds: deviation <= 0.15 }], notes: [] };
  },
});
