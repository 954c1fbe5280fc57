import { numberOf } from '../elements.ts';
import type { Potential, System } from '../engine/potential.ts';
import { evaluate, normal, randomNumbers } from './evaluate.ts';

/**
 * Experimental gas-phase geometries, Å (NIST CCCBDB, doi:10.18434/T47C7Z), rounded. Closed-shell molecules of several
 * heavy-atom neighbours' kind, which every published set has seen; not H₂, which collapses in ANI-1x and ANI-1ccx.
 */
const MOLECULES = {
  water: 'O 0 0 0.117; H 0 0.757 -0.469; H 0 -0.757 -0.469',
  methane: 'C 0 0 0; H 0.629 0.629 0.629; H -0.629 -0.629 0.629; H 0.629 -0.629 -0.629; H -0.629 0.629 -0.629',
  ammonia: 'N 0 0 0.114; H 0 0.938 -0.266; H 0.812 -0.469 -0.266; H -0.812 -0.469 -0.266',
  formaldehyde: 'O 0 0 0.675; C 0 0 -0.533; H 0 0.935 -1.118; H 0 -0.935 -1.118',
  methanol:
    'C -0.047 0.664 0; O -0.047 -0.758 0; H -1.093 0.969 0; H 0.438 1.071 0.891; H 0.438 1.071 -0.891; H 0.861 -1.057 0',
  hydrogenSulfide: 'S 0 0 0.103; H 0 0.962 -0.823; H 0 -0.962 -0.823',
  fluoromethane: 'C 0 0 -0.633; F 0 0 0.749; H 0 1.032 -0.984; H 0.894 -0.516 -0.984; H -0.894 -0.516 -0.984',
  chloromethane: 'C 0 0 -1.121; Cl 0 0 0.656; H 0 1.029 -1.457; H 0.891 -0.514 -1.457; H -0.891 -0.514 -1.457',
};

interface Molecule {
  readonly numbers: readonly number[];
  readonly positions: readonly number[];
}

function parse(text: string): Molecule {
  const atoms = text.split(';').map((atom) => atom.trim().split(' '));
  return {
    numbers: atoms.map(([symbol]) => numberOf(symbol) ?? 0),
    positions: atoms.flatMap(([, ...xyz]) => xyz.map(Number)),
  };
}

/**
 * A structure that holds every element of the model: small molecules in a triclinic box where the model knows them, a
 * rattled face-centred crystal at the model's own lattice constant otherwise. The same for the same model.
 */
export async function defaultStructure(potential: Potential): Promise<System> {
  const { elements } = potential.model;
  const known = Object.values(MOLECULES)
    .map(parse)
    .filter(({ numbers }) => numbers.every((number) => elements.includes(number)));
  const covered = new Set(known.flatMap(({ numbers }) => numbers));
  return elements.every((element) => covered.has(element)) ? moleculesInBox(known) : crystal(potential);
}

/** Å between the centres of molecules: a loose liquid, in which nothing overlaps. */
const SPACING = 4.2;

function moleculesInBox(molecules: readonly Molecule[]): System {
  const random = randomNumbers(1);
  const edge = 2;
  const numbers: number[] = [];
  const positions: number[] = [];
  for (let site = 0; site < Math.max(edge ** 3, molecules.length); site++) {
    const molecule = molecules[site % molecules.length];
    const centre = [site % edge, Math.floor(site / edge) % edge, Math.floor(site / edge ** 2)];
    numbers.push(...molecule.numbers);
    for (const [i, x] of molecule.positions.entries()) {
      positions.push(x + SPACING * (centre[i % 3] + 0.5) + 0.05 * normal(random));
    }
  }
  const layers = Math.ceil(Math.max(edge ** 3, molecules.length) / edge ** 2);
  const [side, height] = [SPACING * edge, SPACING * layers];
  return {
    numbers: Int32Array.from(numbers),
    positions: Float64Array.from(positions),
    cell: Float64Array.of(side, 0, 0, 0.6, side, 0, -0.4, 0.5, height),
    pbc: [true, true, true],
  };
}

/** 32 atoms on face-centred sites, elements in turn, at the spacing of lowest energy between 3 and 7 Å. */
async function crystal(potential: Potential): Promise<System> {
  const { elements } = potential.model;
  const random = randomNumbers(1);
  const sites = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((cell) => {
    const origin = [cell & 1, (cell >> 1) & 1, cell >> 2];
    return [
      [0, 0, 0],
      [0, 0.5, 0.5],
      [0.5, 0, 0.5],
      [0.5, 0.5, 0],
    ].map((basis) => basis.map((x, k) => x + origin[k]));
  });
  const numbers = Int32Array.from(sites, (_, i) => elements[i % elements.length]);
  const at = (a: number, rattle: number): System => ({
    numbers,
    positions: Float64Array.from(sites.flat(), (x) => a * x + rattle * normal(random)),
    cell: Float64Array.of(2 * a, 0, 0, 0, 2 * a, 0, 0, 0, 2 * a),
    pbc: [true, true, true],
  });
  const constants = Array.from({ length: 81 }, (_, i) => 3 + 0.05 * i);
  const energies = await evaluate(
    potential,
    constants.map((a) => at(a, 0)),
    [],
  );
  const lowest = energies.reduce((best, { energy }, i) => (energy < energies[best].energy ? i : best), 0);
  return at(constants[lowest], 0.05);
}
