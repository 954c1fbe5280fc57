/** Resident memory of the whole daemon after it has evaluated a large system. */
import { Daemon } from '../lib/process.ts';
import { type Check, chosen, modelFor, type Outcome, type Row, type Section } from '../lib/section.ts';
import { Stepper } from '../lib/stepper.ts';

export const memory = (limits: Readonly<Record<string, number>>): Section => ({
  name: 'memory',
  title: 'Memory of the daemon',
  async run(context): Promise<Outcome> {
    const rows: Row[] = [];
    const checks: Check[] = [];
    for (const structure of chosen(context, Object.keys(limits))) {
      context.say(structure.name);
      const model = modelFor(context, structure);
      const daemon = await Daemon.start(context.mlts, model.path, context.threads);
      try {
        const idle = daemon.peakMegabytes();
        const stepper = await Stepper.open(daemon.endpoint, structure);
        for (let step = 0; step < 3; step++) await stepper.step();
        stepper.close();
        const peak = daemon.peakMegabytes();
        const limit = limits[structure.name];
        rows.push({
          structure: structure.name,
          atoms: structure.symbols.length,
          'loaded MB': idle.toFixed(0),
          'peak MB': peak.toFixed(0),
        });
        checks.push({
          claim: `${structure.name}: at most ${limit} MB`,
          measured: `${peak.toFixed(0)} MB`,
          holds: peak <= limit,
        });
      } finally {
        await daemon.stop();
      }
    }
    return {
      rows,
      checks,
      notes: ['Largest resident memory of the server process with the model loaded, before and after three steps.'],
    };
  },
});
