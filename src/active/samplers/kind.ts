/** What kinds of samplers share. */
import type { Input } from '../../dynamics/input/input.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import type { Sampler, SamplerContext } from './sampler.ts';

/** A sampler from what a user wrote. */
export type Kind = (input: Input, name: string) => Sampler;

/** Structures of all sources. @throws MltsError E_EMPTY where there are none */
export async function sourcesOf({ structures }: SamplerContext, from: readonly string[]): Promise<Structure[]> {
  const found: Structure[] = [];
  for (const source of from) found.push(...(await structures(source)));
  if (found.length > 0) return found;
  throw new MltsError('E_EMPTY', `there are no structures in ${from.join(', ')}`, 'Give structures to begin with.');
}

/** So many of them, at random, in their order; again from the first where there are fewer. */
export function someOf<T>(all: readonly T[], count: number, random: () => number): T[] {
  if (all.length <= count) return Array.from({ length: count }, (_, i) => all[i % all.length]);
  const left = all.map((_, i) => i);
  const chosen = Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)[0]);
  return chosen.sort((a, b) => a - b).map((i) => all[i]);
}
