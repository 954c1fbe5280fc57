/** Energies of crystals against volume, compared with known ones. */
import { type EquationOfState, fitEquation } from '../../analysis/equation-of-state.ts';
import { outcomes } from '../../analysis/evaluate.ts';
import { list, missing, number, oneOf, type Rule, refuse, settings, text } from '../../dynamics/input/rules.ts';
import { crystal, hasRatio, LATTICE_NAMES, type LatticeName, speciesOf } from '../../dynamics/structures/crystal.ts';
import { numberOf } from '../../elements.ts';
import { determinant } from '../../engine/cell.ts';
import type { Result, System } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';
import { symbol } from '../../training/config/symbols.ts';
import type { Measurement, Metric } from './metric.ts';
import { fileRule, type Labelled, labelledFrames } from './reference.ts';

/** Volume (Å³) and energy (eV) per atom, and c/a where the lattice has one; default ideal. */
type Point = readonly number[];

interface Curve {
  readonly name: string;
  /** A file of labelled crystals, or points of the lattice of that name. */
  readonly source: string | readonly Point[];
}

const points: Rule<readonly Point[]> = (input) => {
  const found = list((point) => {
    const values = list(number())(point);
    return values.length < 2 || values.length > 3 || values[0] <= 0
      ? refuse(point, '[volume, energy] or [volume, energy, c/a], Å³ and eV per atom')
      : values;
  })(input);
  return found.length > 0 ? found : refuse(input, 'one point or more');
};

const curves: Rule<readonly Curve[]> = (input) => {
  if (input.fields === undefined || input.fields.length === 0) {
    return refuse(input, 'curves by name, like {fcc: fcc.extxyz, bcc: [[16.1, -3.31], …]}');
  }
  return input.fields.map(({ name, place, input: value }) => {
    if (value.items === undefined) return { name, source: fileRule(value) };
    const lattice = oneOf(LATTICE_NAMES)({ place, scalar: name });
    if (speciesOf(lattice) > 1) return refuse({ place, scalar: name }, 'a lattice of one element, or a file');
    return { name, source: points(value) };
  });
};

/**
 * Of each curve the root mean square of what its energies are off, and how far its volume at rest and its bulk modulus are off,
 * both from equations of state fitted to the same points. Energies of all curves of a measurement are compared up to one
 * constant, so that the order of the lattices counts and the zero of the reference does not.
 */
export const coldCurves: Rule<Measurement> = (input) => {
  const given = settings<{ kind?: string; name?: string; element?: string; curves?: readonly Curve[] }>(
    { kind: text, name: text, element: symbol, curves },
    'cold curves',
  )(input);
  const { name = 'cold curves', element } = given;
  if (given.curves === undefined) throw missing(input, 'what the curves are compared with', 'curves');
  if (element === undefined && given.curves.some(({ source }) => typeof source !== 'string')) {
    throw missing(input, 'of which element the points are', 'element');
  }
  return {
    name,
    measure: async ({ potential, say, signal }) => {
      const references = given.curves!.map(({ name: lattice, source }) =>
        typeof source === 'string'
          ? labelledFrames(source)
          : source.map((point) => crystalAt(element!, lattice, point)),
      );
      const found: (number[] | undefined)[] = [];
      for (const [i, reference] of references.entries()) {
        const systems = reference.map(({ system }) => system);
        const evaluated = await outcomes(potential, systems, [], { signal });
        const fault = evaluated.find((outcome) => outcome instanceof MltsError);
        if (fault !== undefined) say(`${name}: ${given.curves![i].name}: ${fault.what}`);
        found.push(fault === undefined ? evaluated.map((outcome) => (outcome as Result).energy) : undefined);
      }
      const shift = meanOf(
        found.flatMap((energies, i) =>
          (energies ?? []).map((energy, k) => (energy - references[i][k].energy) / atomsOf(references[i][k])),
        ),
      );
      return given.curves!.flatMap((curve, i) => compare(`${name}: ${curve.name}`, references[i], found[i], shift));
    },
  };
};

const atomsOf = ({ system }: Labelled): number => system.numbers.length;
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** @param energies eV, by the model; undefined where it fails @param shift eV per atom, model − reference */
function compare(
  name: string,
  reference: readonly Labelled[],
  energies: readonly number[] | undefined,
  shift: number,
): Metric[] {
  const off = energies?.map((energy, k) => (energy - reference[k].energy) / atomsOf(reference[k]) - shift);
  const rms = off === undefined ? Infinity : Math.sqrt(meanOf(off.map((value) => value * value)));
  const metrics: Metric[] = [{ name: `${name} energies`, value: 1e3 * rms, unit: 'meV/atom', resolution: 0.1 }];
  const want = stateOf(
    reference,
    reference.map(({ energy }) => energy),
  );
  if (want === undefined) return metrics;
  const got = energies && stateOf(reference, energies);
  const deviation = (of: (state: EquationOfState) => number) =>
    got === undefined ? Infinity : 100 * Math.abs(of(got) / of(want) - 1);
  return [
    ...metrics,
    { name: `${name} volume`, value: deviation(({ volume }) => volume), unit: '%', resolution: 0.1 },
    { name: `${name} bulk modulus`, value: deviation(({ modulus }) => modulus), unit: '%', resolution: 1 },
  ];
}

/** Per atom; undefined where fewer than five crystals are given or they hold no minimum. */
function stateOf(reference: readonly Labelled[], energies: readonly number[]): EquationOfState | undefined {
  if (reference.length < 5 || reference.some(({ system }) => system.cell === undefined)) return undefined;
  try {
    return fitEquation(
      'birch-murnaghan',
      reference.map((one) => Math.abs(determinant(one.system.cell!)) / atomsOf(one)),
      reference.map((one, k) => energies[k] / atomsOf(one)),
    );
  } catch (error) {
    if (error instanceof MltsError) return undefined;
    throw error;
  }
}

function crystalAt(element: string, lattice: string, [volume, energy, ratio]: Point): Labelled {
  const name = lattice as LatticeName;
  const cellOf = (a: number) =>
    crystal(name, [numberOf(element)!], a, ratio !== undefined && hasRatio(name) ? ratio * a : undefined);
  const unit = cellOf(1);
  const n = unit.numbers.length;
  const { numbers, positions, cell, pbc } = cellOf(Math.cbrt((volume * n) / determinant(unit.cell!)));
  const system: System = { numbers, positions, cell, pbc };
  return { system, energy: n * energy };
}
