/** What `mlts verify` runs on the published sets: its structure suits each of them, and its bounds are met. */
import { describe, expect, it } from 'vitest';
import { openPotential } from '../../../src/engine/select.ts';
import { checks } from '../../../src/verify/checks.ts';
import { defaultStructure } from '../../../src/verify/structures.ts';
import {
  NOT_RUN,
  type PublishedName,
  publishedFolder,
  publishedModel,
  publishedSources,
} from '../../support/published.ts';

const RUNS = ['energy drift, NVE, single', 'energy error falls as dt²', 'neighbour list kept = made anew'];

describe('mlts verify of published sets', () => {
  if (publishedFolder === undefined) return void it.skip(NOT_RUN, () => undefined);
  it.each(Object.keys(publishedSources) as PublishedName[])('%s: dynamics of the built-in structure', async (name) => {
    const { model } = await publishedModel(name);
    const potential = await openPotential(model);
    const system = await defaultStructure(potential);
    for (const check of checks.filter((one) => RUNS.includes(one.name))) {
      expect(await check.measure({ potential, model, system }), check.name).toBeLessThanOrEqual(check.bound);
    }
    potential.close();
  });
});
