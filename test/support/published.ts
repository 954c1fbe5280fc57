/** Published weights and reference numbers, where this machine has them: $MLTS_PUBLISHED, else beside the checkout. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importNeuroChem } from '../../src/model/neurochem.ts';
import { build, type TestModel } from './models.ts';

const beside = fileURLToPath(new URL('../../../shared/models', import.meta.url));

/** Folder with the NeuroChem sets, or undefined. */
export const publishedFolder: string | undefined = [process.env.MLTS_PUBLISHED, beside].find(
  (folder) => folder !== undefined && existsSync(join(folder, 'ani-2x_8x.info')),
);

/** Name of a test that stands for those that need the weights where they are missing; .ci/run looks for it. */
export const NOT_RUN =
  'not run: published weights are not here (set MLTS_PUBLISHED to the folder that holds ani-2x_8x.info)';

/** The NeuroChem set behind each name. */
export const publishedSources = {
  'ani-1x': 'ani-1x_8x.info',
  'ani-1ccx': 'ani-1ccx_8x.info',
  'ani-2x': 'ani-2x_8x.info',
  'ani-al': 'model-Al-75.info',
  'ani-1xnr': 'ani-1xnr.info',
} as const;

export type PublishedName = keyof typeof publishedSources;

const imported = new Map<PublishedName, Promise<TestModel>>();

/** A published ensemble, imported. */
export function publishedModel(name: PublishedName): Promise<TestModel> {
  let model = imported.get(name);
  if (model === undefined) {
    model = importNeuroChem(join(publishedFolder!, publishedSources[name]), name).then(({ card, tensors }) =>
      build(card, tensors),
    );
    imported.set(name, model);
  }
  return model;
}

/** A file of reference numbers, in a folder beside the weights. */
// biome-ignore lint/suspicious/noExplicitAny: foreign JSON, its shape is what the tests say
export const publishedReference = (file: string): any =>
  JSON.parse(readFileSync(join(dirname(publishedFolder!), 'reference', file), 'utf8'));
