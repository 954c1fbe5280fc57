/** From the start of the process to the first answer. */
import { Daemon } from '../lib/process.ts';
import { chosen, modelFor, type Outcome, type Section } from '../lib/section.ts';
import { median } from '../lib/statistics.ts';
import { Stepper } from '../lib/stepper.ts';

export const start = (structureName: string): Section => ({
  name: 'start',
  title: 'Start to first answer',
  async run(context): Promise<Outcome> {
    const [structure] = chosen(context, [structureName]);
    const model = modelFor(context, structure);
    const seconds: number[] = [];
    for (let round = 0; round < Math.max(3, context.rounds); round++) {
      const began = performance.now();
      const daemon = await Daemon.start(context.mlts, model.path, context.threads);
      try {
        const stepper = await Stepper.open(daemon.endpoint, structure);
        await stepper.step();
        seconds.push((performance.now() - began) / 1000);
        stepper.close();
      } finally {
        await daemon.stop();
      }
    }
    const measured = `${median(seconds).toFixed(2)} s`;
    return {
      rows: [{ model: model.name, 'start to first answer': measured, starts: seconds.length }],
      checks: [
        {
          claim: `\`mlts serve\` with ${model.name} to first answer in at most 1 s`,
          measured,
          holds: median(seconds) <= 1,
        },
      ],
      notes: [],
    };
  },
});
