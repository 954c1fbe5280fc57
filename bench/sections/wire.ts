/** A step of a TypeScript client through the daemon against the evaluation alone. */
import { measure } from '../lib/measure.ts';
import { Daemon } from '../lib/process.ts';
import { chosen, modelFor, ms, type Outcome, type Row, type Section } from '../lib/section.ts';
import { median, quantile } from '../lib/statistics.ts';
import { Stepper } from '../lib/stepper.ts';

export const wire = (names: readonly string[]): Section => ({
  name: 'wire',
  title: 'A step through the daemon, TypeScript client',
  async run(context): Promise<Outcome> {
    const rows: Row[] = [];
    for (const structure of chosen(context, names)) {
      context.say(structure.name);
      const model = modelFor(context, structure);
      const alone: number[] = [];
      const steps: number[] = [];
      const daemon = await Daemon.start(context.mlts, model.path, context.threads);
      try {
        const stepper = await Stepper.open(daemon.endpoint, structure);
        for (let round = 0; round < context.rounds; round++) {
          alone.push((await measure(context, model, structure)).ms_median);
          steps.push(...(await stepper.times(1)));
        }
        stepper.close();
      } finally {
        await daemon.stop();
      }
      rows.push({
        structure: structure.name,
        atoms: structure.symbols.length,
        'evaluation ms': ms(median(alone)),
        'step ms': ms(median(steps)),
        'p99 ms': ms(quantile(steps, 0.99)),
        'overhead ms': (median(steps) - median(alone)).toFixed(3),
      });
    }
    return {
      rows,
      checks: [],
      notes: ['The daemon sits on loopback tcp; a step sends positions and receives forces, virial and σ.'],
    };
  },
});
