/** The weights of a model, whatever its architecture: all of them have the members as first axis. */
import type { Model } from './model.ts';

/** The ensemble cut down to its first members. Needs 1 ≤ members ≤ model.members. */
export function firstMembers(model: Model, members: number): Model {
  const cut = <T>(value: T): T => {
    if (value instanceof Float32Array) return value.slice(0, (value.length / model.members) * members) as T;
    if (Array.isArray(value)) return value.map(cut) as T;
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, cut(part)])) as T;
  };
  return model.architecture === 'ani'
    ? { ...model, members, networks: cut(model.networks) }
    : { ...model, members, blocks: cut(model.blocks), heads: cut(model.heads) };
}

/** Bytes of all weights. */
export function weightBytes(model: Model): number {
  const bytes = (value: unknown): number => {
    if (value instanceof Float32Array) return value.byteLength;
    if (typeof value !== 'object' || value === null) return 0;
    return Object.values(value).reduce<number>((sum, part) => sum + bytes(part), 0);
  };
  return bytes(model.architecture === 'ani' ? model.networks : [model.blocks, model.heads]);
}
