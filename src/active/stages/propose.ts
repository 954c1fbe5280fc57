/** Structures from every sampler, each told by its name and by the hash of what would be computed. */
import { structureHash } from '../../dataset/dataset.ts';
import { MltsError } from '../../errors.ts';
import { readStructures } from '../../io/read.ts';
import { parseFrameIndex } from '../../io/slice.ts';
import type { Structure } from '../../io/structure.ts';
import { randomStream } from '../../training/random-stream.ts';
import { FILES } from '../folder.ts';
import { thresholdsOf } from '../held-out.ts';
import type { Proposals, Sampler, SamplerContext } from '../samplers/sampler.ts';
import { type Context, type Stage, samplingModel } from '../stage.ts';

export const idOf = (structure: Structure): string => structureHash(structure).toString('hex');

export const propose: Stage = {
  name: 'propose',
  inputs: samplingModel,
  run: async (context) => {
    const { config, folder, round, current, host } = context;
    const potential = current === undefined ? undefined : await context.open(folder.of(current, FILES.model));
    try {
      const frames = new Map<string, Structure>();
      const counts: Record<string, number> = {};
      const samplers = config.samplers.filter(({ needsModel }) => potential !== undefined || !needsModel);
      for (const [i, sampler] of samplers.entries()) {
        host.progress(i, samplers.length, `sampler ${sampler.name}`);
        const found = await draw(context, sampler, potential, [sampler.name]);
        for (const frame of found.frames) {
          const id = idOf(frame);
          if (!frames.has(id)) frames.set(id, { ...frame, info: { ...frame.info, id, sampler: sampler.name } });
        }
        counts[sampler.name] = found.frames.length;
        for (const [reason, count] of Object.entries(found.discarded)) {
          if (count > 0) counts[`${sampler.name}: ${reason}`] = count;
        }
      }
      const output = folder.of(round, FILES.proposed);
      folder.writeStructures(output, [...frames.values()]);
      return { outputs: [output], counts: { frames: frames.size, ...counts } };
    } finally {
      potential?.close();
    }
  },
};

/** @param path names of the samplers that ask, the last one the one that draws */
function draw(
  context: Context,
  sampler: Sampler,
  potential: SamplerContext['potential'],
  path: readonly string[],
): Promise<Proposals> {
  const { config, folder, round, current, host, signal } = context;
  const random = randomStream(config.seed, 'propose', round, ...path);
  return sampler.propose({
    potential,
    model: current === undefined ? undefined : folder.at(folder.of(current, FILES.model)),
    random: () => random.uniform(),
    seed: Math.floor(random.uniform() * 2 ** 31),
    structures: async (source) => {
      if (path.includes(source)) {
        throw new MltsError('E_USAGE', `sampler ${source} begins with itself`, 'Let one of them begin with a file.');
      }
      const other = config.samplers.find(({ name }) => name === source);
      if (other !== undefined) return (await draw(context, other, potential, [...path, source])).frames;
      return Array.from(readStructures(source, parseFrameIndex(':')), ({ frame }) => frame);
    },
    threshold: current === undefined ? undefined : thresholdsOf(context, current).forces,
    scratch: folder.scratch(round, path.join('-')),
    say: (text) => host.say(text),
    signal,
  });
}
