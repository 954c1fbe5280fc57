/** Reaction energies and barriers from a list. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { relax } from '../dynamics/minimise/relax.ts';
import { neb } from '../dynamics/neb.ts';
import type { Potential, Result, System } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { type Compute, converged, results, spread, systemOf } from './evaluate.ts';
import { firstFrame } from './frames.ts';

export interface Reaction {
  readonly name: string;
  /** Files and how many of each. */
  readonly reactants: ReadonlyMap<string, number>;
  readonly products: ReadonlyMap<string, number>;
  /** File of the transition state, or `neb`: search it between the one reactant and the one product. */
  readonly transition: string | undefined;
  /** Known values, eV. */
  readonly reference: { readonly energy: number | undefined; readonly barrier: number | undefined };
}

export interface ReactionResult {
  readonly reaction: Reaction;
  /** Products less reactants, eV, and its standard deviation over the members. */
  readonly energy: number;
  readonly energyDeviation: number;
  /** Transition state less reactants. */
  readonly barrier: number | undefined;
  readonly barrierDeviation: number | undefined;
}

const KEYS = ['name', 'reactants', 'products', 'transition', 'reference'];

/**
 * Reads a YAML list; paths are relative to the file.
 * @throws MltsError E_FILE with the entry that is wrong
 */
export function readReactions(file: string): Reaction[] {
  const wrong = (what: string, remedy: string) => new MltsError('E_FILE', `${file}: ${what}`, remedy);
  let list: unknown;
  try {
    list = parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new MltsError(
      'E_FILE',
      `${file} is no YAML: ${cause instanceof Error ? cause.message : cause}`,
      'Correct it.',
      { cause },
    );
  }
  if (!Array.isArray(list) || list.length === 0) throw wrong('it holds no list', 'Write one reaction an entry.');
  return list.map((entry: Record<string, unknown>, i): Reaction => {
    const name = typeof entry?.name === 'string' ? entry.name : `reaction ${i + 1}`;
    const unknown = Object.keys(entry ?? {}).find((key) => !KEYS.includes(key));
    if (unknown !== undefined) throw wrong(`${name} has '${unknown}'`, `Keys are ${KEYS.join(', ')}.`);
    const side = (key: 'reactants' | 'products') => {
      const value = entry?.[key];
      const counts = Array.isArray(value) ? value.map((one) => [one, 1]) : Object.entries(value ?? {});
      if (counts.length === 0 || counts.some(([path, n]) => typeof path !== 'string' || !(Number(n) > 0))) {
        throw wrong(`${name} has no ${key}`, `Write ${key}: [a.xyz, b.xyz], or ${key}: {a.xyz: 2}.`);
      }
      return new Map(counts.map(([path, n]) => [resolve(dirname(file), String(path)), Number(n)]));
    };
    const known = (entry.reference ?? {}) as Record<string, unknown>;
    const number = (key: string) => (typeof known[key] === 'number' ? (known[key] as number) : undefined);
    const { transition } = entry;
    if (transition !== undefined && typeof transition !== 'string') {
      throw wrong(`transition of ${name} is no file`, 'Write a file, or neb.');
    }
    const isFile = transition !== undefined && transition !== 'neb';
    return {
      name,
      reactants: side('reactants'),
      products: side('products'),
      transition: isFile ? resolve(dirname(file), transition) : transition,
      reference: { energy: number('energy'), barrier: number('barrier') },
    };
  });
}

export interface ReactionOptions extends Compute {
  /** Relax reactants and products first; transition states stay as given. */
  readonly relax?: boolean | undefined;
}

const FORCE = 0.01;
/** Largest force across a path, eV/Å. */
const PATH_FORCE = 0.05;

/**
 * All structures of all reactions are one batch; each file is computed once.
 * @throws MltsError E_SPECIES where a reaction does not keep its atoms, E_USAGE for `neb` between several molecules
 */
export async function reactionEnergies(
  potential: Potential,
  reactions: readonly Reaction[],
  options: ReactionOptions = {},
): Promise<ReactionResult[]> {
  const { signal } = options;
  const stable = [...new Set(reactions.flatMap((one) => [...one.reactants.keys(), ...one.products.keys()]))];
  const saddles = [...new Set(reactions.flatMap(({ transition: t }) => (t === undefined || t === 'neb' ? [] : [t])))];
  const systems = new Map([...stable, ...saddles].map((file) => [file, systemOf(firstFrame(file))]));
  for (const reaction of reactions) checkAtoms(reaction, systems);
  if (options.relax) {
    const relaxed = await relax(
      potential,
      stable.map((file) => systems.get(file)!),
      { fmax: FORCE, precision: 'double', signal },
    );
    for (const [i, file] of stable.entries()) systems.set(file, systemOf(converged(relaxed[i], file).system));
  }
  const files = [...systems.keys()];
  const evaluated = await results(potential, [...systems.values()], ['memberEnergies'], options);
  const states = new Map(files.map((file, i) => [file, evaluated[i]]));
  const found: ReactionResult[] = [];
  for (const reaction of reactions) {
    const reactants = sum(reaction.reactants, states);
    const products = sum(reaction.products, states);
    const saddle = await saddleOf(potential, reaction, systems, states, signal);
    found.push({
      reaction,
      energy: products.energy - reactants.energy,
      energyDeviation: difference(products, reactants),
      barrier: saddle && saddle.energy - reactants.energy,
      barrierDeviation: saddle && difference(saddle, reactants),
    });
  }
  return found;
}

type State = Pick<Required<Result>, 'energy' | 'memberEnergies'>;

function sum(side: ReadonlyMap<string, number>, states: ReadonlyMap<string, Result>): State {
  const parts = [...side].map(([file, count]) => ({ count, ...(states.get(file) as State) }));
  return {
    energy: parts.reduce((total, { count, energy }) => total + count * energy, 0),
    memberEnergies: parts[0].memberEnergies.map((_, m) =>
      parts.reduce((total, { count, memberEnergies }) => total + count * memberEnergies[m], 0),
    ),
  };
}

const difference = (a: State, b: State) => spread(a.memberEnergies.map((energy, m) => energy - b.memberEnergies[m]));

async function saddleOf(
  potential: Potential,
  { name, reactants, products, transition }: Reaction,
  systems: ReadonlyMap<string, System>,
  states: ReadonlyMap<string, Result>,
  signal: AbortSignal | undefined,
): Promise<State | undefined> {
  if (transition === undefined) return undefined;
  if (transition !== 'neb') return states.get(transition) as State;
  const ends = [reactants, products].map((side) => {
    const [[file, count], ...more] = side;
    if (more.length === 0 && count === 1) return systems.get(file)!;
    throw new MltsError(
      'E_USAGE',
      `${name}: a path leads from one structure to one`,
      'Put all molecules into one file.',
    );
  });
  const path = await neb(potential, [ends[0], ends[1]], { fmax: PATH_FORCE, precision: 'double', signal });
  if (!path.converged) {
    throw new MltsError(
      'E_LIMIT',
      `${name}: the path is not relaxed after ${path.steps} steps`,
      'Give ends nearer to each other, or the transition state itself.',
    );
  }
  const [state] = await results(potential, [systemOf(path.images[path.saddle])], ['memberEnergies'], { signal });
  return state as State;
}

/** Every element as often on the left as on the right, and in the transition state. */
function checkAtoms({ name, reactants, products, transition }: Reaction, systems: ReadonlyMap<string, System>): void {
  const formula = (side: ReadonlyMap<string, number>) => {
    const counts = new Map<number, number>();
    for (const [file, count] of side) {
      for (const number of systems.get(file)!.numbers) counts.set(number, (counts.get(number) ?? 0) + count);
    }
    return JSON.stringify([...counts].sort(([a], [b]) => a - b));
  };
  const sides = [reactants, products, ...(transition && transition !== 'neb' ? [new Map([[transition, 1]])] : [])];
  if (new Set(sides.map(formula)).size === 1) return;
  throw new MltsError('E_SPECIES', `${name} does not keep its atoms`, 'Correct the files or how often each is taken.');
}
