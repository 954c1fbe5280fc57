/** Reaction energies and barriers against known ones. */
import { converged, systemOf } from '../../analysis/evaluate.ts';
import { firstFrame } from '../../analysis/frames.ts';
import { reactionEnergies, readReactions } from '../../analysis/reactions.ts';
import { list, logical, missing, number, type Rule, settings, text, whole } from '../../dynamics/input/rules.ts';
import { relax } from '../../dynamics/minimise/relax.ts';
import { neb } from '../../dynamics/neb.ts';
import { MltsError } from '../../errors.ts';
import { attempt } from './attempt.ts';
import type { Measurement, Metric } from './metric.ts';
import { fileRule } from './reference.ts';

const off = (name: string, found: number | undefined, want: number | undefined): Metric[] =>
  want === undefined
    ? []
    : [{ name, value: found === undefined ? Infinity : 1e3 * Math.abs(found - want), unit: 'meV', resolution: 1 }];

/** How far energy and barrier of each reaction of a list (`mlts analyze reactions`) are off, where they are known, meV. */
export const reactions: Rule<Measurement> = (input) => {
  const given = settings<{ kind?: string; name?: string; file?: string; relax?: boolean }>(
    { kind: text, name: text, file: fileRule, relax: logical },
    'reactions',
  )(input);
  const { name = 'reactions', file, relax: relaxed = true } = given;
  if (file === undefined) throw missing(input, 'which reactions', 'file');
  return {
    name,
    measure: async ({ potential, say, signal }) => {
      const metrics: Metric[] = [];
      // Each for itself: one that the model cannot do is no reason to lose the others.
      for (const reaction of readReactions(file)) {
        const label = `${name}: ${reaction.name}`;
        const found = await attempt(label, say, async () => {
          const [one] = await reactionEnergies(potential, [reaction], { relax: relaxed, signal });
          return one;
        });
        const { energy, barrier } = reaction.reference;
        metrics.push(
          ...off(`${label} energy`, found?.energy, energy),
          ...off(`${label} barrier`, found?.barrier, barrier),
        );
      }
      return metrics;
    },
  };
};

/** eV/Å, of ends and of the forces across a path. */
const [END_FORCE, PATH_FORCE] = [0.01, 0.05];

/** How far the barrier of a minimum-energy path is off, meV; both ends relaxed by the model, with `cell` their cells too. */
export const barrier: Rule<Measurement> = (input) => {
  const given = settings<{
    kind?: string;
    name?: string;
    ends?: readonly string[];
    reference?: number;
    images?: number;
    cell?: boolean;
  }>(
    {
      ...{ kind: text, name: text, ends: list(fileRule, 2), reference: number({ unit: 'eV' }) },
      ...{ images: whole(1, 99), cell: logical },
    },
    'a barrier',
  )(input);
  const { name = 'barrier', ends, reference, images, cell = false } = given;
  if (ends === undefined) throw missing(input, 'between which structures', 'ends');
  if (reference === undefined) throw missing(input, 'how high the barrier is, eV', 'reference');
  return {
    name,
    measure: async ({ potential, say, signal }) => {
      const found = await attempt(name, say, async () => {
        const systems = ends.map((file) => systemOf(firstFrame(file)));
        const how = { fmax: END_FORCE, precision: 'double', signal, cell: cell ? 'triclinic' : undefined } as const;
        const [from, to] = (await relax(potential, systems, how)).map((end, i) => converged(end, ends[i]).system);
        const settings = { images, cell, fmax: PATH_FORCE, precision: 'double', signal } as const;
        const path = await neb(potential, [systemOf(from), systemOf(to)], settings);
        if (path.converged) return path.profile[path.saddle];
        const what = `the path is not relaxed after ${path.steps} steps`;
        throw new MltsError('E_LIMIT', what, 'Give ends nearer to each other.');
      });
      return off(`${name}: height`, found, reference);
    },
  };
};
