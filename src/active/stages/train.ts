/** A model of all labels so far. One that diverges is trained again from another seed, a few times. */
import { MltsError } from '../../errors.ts';
import { randomStream } from '../../training/random-stream.ts';
import { FILES, type FileName } from '../folder.ts';
import type { Stage } from '../stage.ts';
import { trainModel } from '../train-engine.ts';

const ATTEMPTS = 3;

export const train: Stage = {
  name: 'train',
  inputs: ({ folder, round }) => [...folder.upTo(round, FILES.train), ...folder.upTo(round, FILES.validation)],
  run: async (context) => {
    const { config, folder, round, host, signal } = context;
    const output = folder.of(round, FILES.model);
    const files = (name: FileName) =>
      folder.upTo(round, name).flatMap((file) => (folder.bytes(file).length > 0 ? [folder.at(file)] : []));
    const request = {
      data: { train: files(FILES.train), validation: files(FILES.validation) },
      output: folder.at(output).replace(/\.mlts$/, ''),
      ...{ host, signal },
    };
    for (let attempt = 1; ; attempt++) {
      const seed = Math.floor(randomStream(config.seed, 'train', round, attempt).uniform() * 1e9);
      try {
        await trainModel(config, { ...request, seed });
        return { outputs: [output], counts: { attempts: attempt } };
      } catch (error) {
        if (!(error instanceof MltsError && error.code === 'E_UNSTABLE') || attempt === ATTEMPTS) throw error;
        host.warn(`round ${round}: ${error.what}; training again from another seed`);
      }
    }
  },
};
