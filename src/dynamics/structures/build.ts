/** Structures from one line of text, for `--build` and `build:`. */
import { MltsError } from '../../errors.ts';
import { elementOf, type Structure } from '../../io/structure.ts';
import { nearest } from '../../model/nearest.ts';
import { crystal, hasRatio, LATTICE_NAMES, type LatticeName, repeat, speciesOf } from './crystal.ts';
import { type Piece, packing } from './packing.ts';
import { fromSmiles } from './smiles.ts';

export const BUILD_HELP = `Structures to build:
  fcc:Al:4.05               crystals ${LATTICE_NAMES.join(' ')}: lattice, elements, a in Å
  hcp:Mg:3.21:5.21          with c, where the lattice has one
  rocksalt:NaCl:5.64        two elements
  random:Al256:2.4          atoms at random, g/cm³
  random:Si64O128:2.2:1.5   with the shortest distance between atoms, Å
  smiles:CCO                a molecule (needs RDKit)
  smiles:O*64:0.997         64 molecules at random, g/cm³; a shortest distance may follow
  smiles:CCO,O*40:0.98      one among 40 others`;

/**
 * @param spec `LATTICE:ELEMENTS:A[:C]`, `random:FORMULA:DENSITY[:DISTANCE]`, `smiles:SMILES[*COUNT][,…]:DENSITY[:DISTANCE]` or `smiles:SMILES`
 * @param seed of what is random
 * @param random uniform in [0,1)
 * @throws MltsError E_USAGE
 */
export function build(spec: string, seed: number, random: () => number): Structure {
  const [kind, ...rest] = spec.split(':');
  if (kind === 'random') return randomAtoms(spec, rest, random);
  if (kind === 'smiles') return molecules(spec, rest.join(':'), seed, random);
  if (LATTICE_NAMES.includes(kind as LatticeName)) return lattice(spec, kind as LatticeName, rest);
  const near = nearest(kind, [...LATTICE_NAMES, 'random', 'smiles']);
  throw wrong(
    spec,
    `there is no '${kind}'`,
    near === undefined ? `Choose one of ${LATTICE_NAMES.join(', ')}, random and smiles.` : `Did you mean '${near}'?`,
  );
}

/** @throws MltsError E_CELL where a direction that is repeated has no cell vector */
export function repeated(structure: Structure, times: readonly [number, number, number]): Structure {
  const { cell } = structure;
  const flat = times.findIndex((n, k) => n > 1 && !(cell && Math.hypot(...cell.subarray(3 * k, 3 * k + 3)) > 0));
  if (flat >= 0) {
    throw new MltsError(
      'E_CELL',
      `the structure cannot be repeated along ${'abc'[flat]}: it has no cell vector there`,
      'Repeat structures with a cell only.',
    );
  }
  return cell === undefined ? structure : repeat({ ...structure, cell }, times);
}

function lattice(spec: string, name: LatticeName, [formula = '', a, c, ...more]: string[]): Structure {
  const elements = formulaOf(spec, formula);
  const wanted = speciesOf(name);
  if (elements.length !== wanted || elements.some(({ count }) => count !== 1)) {
    const example = wanted === 1 ? 'fcc:Al:4.05' : 'rocksalt:NaCl:5.64';
    throw wrong(
      spec,
      `${name} takes ${wanted} element${wanted > 1 ? 's' : ''}, not '${formula}'`,
      `Write it like ${example}.`,
    );
  }
  if (more.length > 0 || (c !== undefined && !hasRatio(name))) {
    throw wrong(
      spec,
      `${name} has ${hasRatio(name) ? 'two lattice constants' : 'one lattice constant'}`,
      'Leave the rest out.',
    );
  }
  const constants = [
    positive(spec, a, 'the lattice constant a', 'Å'),
    c === undefined ? undefined : positive(spec, c, 'c', 'Å'),
  ];
  return crystal(
    name,
    elements.map(({ number }) => number),
    constants[0]!,
    constants[1],
  );
}

function randomAtoms(spec: string, [formula = '', density, distance]: string[], random: () => number): Structure {
  const pieces = formulaOf(spec, formula).map(
    ({ number, count }): Piece => ({ numbers: Int32Array.of(number), positions: new Float64Array(3), count }),
  );
  return pack(spec, pieces, density, distance, random);
}

function molecules(spec: string, text: string, seed: number, random: () => number): Structure {
  // Neither * and a number at the end nor a comma is part of a SMILES; colons are.
  const box = /^(.+\*\d+|.+,.+?):([^:]*)(?::([^:]*))?$/.exec(text);
  if (box === null) return fromSmiles(text, seed);
  const [, list, density, distance] = box;
  const pieces = list.split(',').map((part): Piece => {
    const [, smiles, count = '1'] = /^(.*?)(?:\*(\d+))?$/.exec(part)!;
    if (Number(count) === 0) throw wrong(spec, `'${part}' is no molecule at all`, 'Leave it out.');
    const { numbers, positions } = fromSmiles(smiles, seed);
    return { numbers, positions, count: Number(count) };
  });
  return pack(spec, pieces, density, distance, random);
}

function pack(
  spec: string,
  pieces: readonly Piece[],
  density: string | undefined,
  distance: string | undefined,
  random: () => number,
): Structure {
  return packing({
    pieces,
    density: positive(spec, density, 'the density', 'g/cm³'),
    minDistance: distance === undefined ? undefined : positive(spec, distance, 'the shortest distance', 'Å'),
    random,
  });
}

/** `Si64O128` as elements with counts; a missing count is 1. */
function formulaOf(spec: string, formula: string): { number: number; count: number }[] {
  const terms = formula.match(/[A-Z][a-z]?\d*/g) ?? [];
  if (terms.length === 0 || terms.join('') !== formula) {
    throw wrong(spec, `'${formula}' is no formula`, 'Write elements with their counts, like Si64O128.');
  }
  return terms.map((term) => {
    const symbol = term.replace(/\d+$/, '');
    const number = elementOf(symbol);
    const count = Number(term.slice(symbol.length) || 1);
    if (number === undefined) throw wrong(spec, `'${symbol}' is no element`, 'Write chemical symbols.');
    if (count === 0) throw wrong(spec, `${symbol} has the count 0`, 'Leave it out.');
    return { number, count };
  });
}

function positive(spec: string, text: string | undefined, what: string, unit: string): number {
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw wrong(spec, `${what} is ${text === undefined ? 'missing' : `'${text}'`}`, `Give a number above 0, in ${unit}.`);
}

const wrong = (spec: string, what: string, remedy: string) =>
  new MltsError('E_USAGE', `cannot build '${spec}': ${what}`, remedy);
