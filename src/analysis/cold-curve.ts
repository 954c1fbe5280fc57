/** Energies of crystals against volume at 0 K. */
import { type Relaxed, relax } from '../dynamics/minimise/relax.ts';
import { crystal, hasRatio, type LatticeName } from '../dynamics/structures/crystal.ts';
import { covalentRadius } from '../dynamics/structures/radii.ts';
import { symbolOf } from '../elements.ts';
import { determinant } from '../engine/cell.ts';
import type { Outcome, Potential, Result, System } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { type EquationName, type EquationOfState, fitEquation } from './equation-of-state.ts';
import { type Compute, converged, outcomes, spread, systemOf, unfailed } from './evaluate.ts';
import { derivatives, minimumOf, polynomial } from './fit.ts';
import { visitPairs } from './pairs.ts';

/** The structures whose cold curves are compared. */
export const COLD_LATTICES = ['fcc', 'bcc', 'hcp', 'diamond', 'betasn', 'sc'] as const satisfies LatticeName[];

export interface ColdCurveOptions extends Compute {
  readonly equation?: EquationName | undefined;
  /** The equation is fitted to volumes from 1 − range to 1 + range of the one at rest; default 0.05. */
  readonly range?: number | undefined;
  /** How many of them; default 11. */
  readonly points?: number | undefined;
}

export interface ColdCurve {
  readonly lattice: LatticeName;
  /** Lattice constants at zero pressure, Å, and the energy there, eV per atom. */
  readonly a: number;
  readonly c: number | undefined;
  readonly energy: number;
  /** V·d²E/dV² there, eV/Å³, from volumes within a part in a hundred: what small strains feel, whatever the fit says. */
  readonly modulus: number;
  /** Whether c/a was relaxed; false where it ran away from this lattice, and the ideal one was kept. */
  readonly isRatioRelaxed: boolean;
  /** The fit, per atom. */
  readonly state: EquationOfState;
  /** Standard deviations over the members, each fitted for itself; undefined where a member has no minimum. */
  readonly deviations: { readonly a: number; readonly energy: number; readonly modulus: number } | undefined;
  /** Volume (Å³) and energy (eV) per atom, and c/a; far beyond those that were fitted. */
  readonly points: readonly ColdPoint[];
}

export interface ColdPoint {
  readonly volume: number;
  readonly energy: number;
  readonly ratio: number | undefined;
  readonly isFitted: boolean;
}

/** The curve is shown from 0.75 to 1.35 of the volume at rest. */
const SHOWN = Array.from({ length: 25 }, (_, k) => 0.75 + 0.025 * k);
/** Steps of the second difference, as parts of the volume. */
const NEAR = [-0.01, -0.005, 0, 0.005, 0.01];

/**
 * One curve. The lattice at rest is found from covalent radii and relaxed; then all volumes, with several c/a where the lattice
 * has one, are one batch, and each volume takes the c/a of lowest energy.
 * @throws MltsError E_USAGE where no minimum is found
 */
export async function coldCurve(
  potential: Potential,
  number: number,
  lattice: LatticeName,
  options: ColdCurveOptions = {},
): Promise<ColdCurve> {
  const { equation = 'birch-murnaghan', range = 0.05, points = 11 } = options;
  const { isRatioRelaxed, rest, ratio } = await atRest(potential, number, lattice, options);
  const fitted = Array.from({ length: points }, (_, i) => 1 - range + (2 * range * i) / (points - 1));
  const volumes = [...NEAR.map((by) => 1 + by), ...fitted, ...SHOWN].map((factor) => factor * rest);
  const ratios = isRatioRelaxed ? RATIOS.map((factor) => factor * ratio!) : [ratio];
  const batch = volumes.flatMap((volume) => ratios.map((r) => ofVolume(number, lattice, volume, r)));
  const evaluated = await outcomes(potential, batch, ['memberEnergies'], options);
  const atoms = batch[0].numbers.length;
  const [near, line, wide] = [
    [0, NEAR.length],
    [NEAR.length, NEAR.length + points],
    [NEAR.length + points, volumes.length],
  ].map(([from, to]) =>
    volumes.slice(from, to).map((volume, i): Row => {
      const results = evaluated.slice((from + i) * ratios.length, (from + i + 1) * ratios.length);
      return { volume, results, ratio: isRatioRelaxed ? bestRatio(results, ratios as number[]) : ratio };
    }),
  );
  const energyOf = (row: Row, of: (result: Result) => number) => {
    const energies = row.results.map((outcome) => of(unfailed(outcome)));
    if (isRatioRelaxed && row.ratio === undefined) throw runaway(number, lattice, row.volume);
    return (isRatioRelaxed ? atRatio(energies, ratios as number[], row.ratio!) : energies[0]) / atoms;
  };
  const mean = (result: Result) => result.energy;
  const stateOf = (of: (result: Result) => number) =>
    fitEquation(
      equation,
      line.map(({ volume }) => volume),
      line.map((row) => energyOf(row, of)),
    );
  const [e2, e1, e0, f1, f2] = near.map((row) => energyOf(row, mean));
  const second = (-e2 + 16 * e1 - 30 * e0 + 16 * f1 - f2) / (12 * (NEAR[3] * rest) ** 2);
  // Far away an image may be too close for the model, or another lattice lower at every c/a.
  const shown = wide.filter(
    ({ results, ratio: at }) => !results.some(isFault) && !(isRatioRelaxed && at === undefined),
  );
  const point = (row: Row, isFitted: boolean): ColdPoint => {
    return { volume: row.volume, energy: energyOf(row, mean), ratio: row.ratio, isFitted };
  };
  return {
    lattice,
    ...constantsOf(number, lattice, rest, ratio),
    energy: e0,
    modulus: rest * second,
    isRatioRelaxed,
    state: stateOf(mean),
    deviations: deviationsOf(
      potential.model.members,
      stateOf,
      (volume) => constantsOf(number, lattice, volume, ratio).a,
    ),
    points: [...line.map((row) => point(row, true)), ...shown.map((row) => point(row, false))].sort(
      (one, other) => one.volume - other.volume,
    ),
  };
}

interface Row {
  readonly volume: number;
  /** One for each c/a. */
  readonly results: readonly Outcome[];
  /** Of lowest energy; undefined where that is not between the ones tried. */
  readonly ratio: number | undefined;
}

const isFault = (outcome: Outcome) => outcome instanceof MltsError;

const runaway = (number: number, lattice: LatticeName, volume: number) =>
  new MltsError(
    'E_USAGE',
    `${symbolOf(number)} in ${lattice} has no minimum in c/a at ${volume.toFixed(2)} Å³ per atom`,
    'Take a narrower range of volumes.',
  );

/** Volume per atom (Å³) and c/a at zero pressure. */
async function atRest(potential: Potential, number: number, lattice: LatticeName, compute: Compute) {
  const ideal = ratioOf(lattice);
  const start = ofVolume(number, lattice, await roughVolume(potential, number, lattice, compute), ideal);
  const tight = { fmax: 1e-3, smax: 1e-6, precision: 'double', signal: compute.signal } as const;
  const volumeOf = ({ system }: Relaxed) => determinant(system.cell!) / system.numbers.length;
  if (ideal !== undefined) {
    const [free] = await relax(potential, [start], { ...tight, cell: 'anisotropic' });
    if (!(free instanceof MltsError) && free.converged) {
      const ratio = free.system.cell![8] / free.system.cell![0];
      if (Math.abs(ratio / ideal - 1) < 0.15) return { isRatioRelaxed: true, rest: volumeOf(free), ratio };
    }
  }
  const [found] = await relax(potential, [start], { ...tight, cell: 'isotropic' });
  return { isRatioRelaxed: false, rest: volumeOf(converged(found, `${symbolOf(number)} in ${lattice}`)), ratio: ideal };
}

/** Cell and positions times a factor. */
export const scale = (system: System & { readonly cell: Float64Array }, by: number): System => ({
  ...systemOf(system),
  positions: system.positions.map((x) => by * x),
  cell: system.cell.map((x) => by * x),
});

/** c/a is tried from 0.96 to 1.04 of that at rest. */
const RATIOS = Array.from({ length: 9 }, (_, k) => 0.96 + 0.01 * k);

const unitCell = (number: number, lattice: LatticeName, ratio?: number): System & { cell: Float64Array } => {
  const { numbers, positions, cell, pbc } = crystal(lattice, [number], 1, ratio);
  return { numbers, positions, cell: cell!, pbc };
};

const ratioOf = (lattice: LatticeName): number | undefined =>
  hasRatio(lattice) ? unitCell(1, lattice).cell[8] : undefined;

function constantsOf(number: number, lattice: LatticeName, volume: number, ratio: number | undefined) {
  const unit = unitCell(number, lattice, ratio);
  const a = Math.cbrt((volume * unit.numbers.length) / determinant(unit.cell));
  return { a, c: ratio === undefined ? undefined : ratio * a };
}

/** @param volume Å³ per atom */
function ofVolume(number: number, lattice: LatticeName, volume: number, ratio: number | undefined): System {
  return scale(unitCell(number, lattice, ratio), constantsOf(number, lattice, volume, ratio).a);
}

/** Nearest neighbours from 0.75 to 1.5 times the sum of two covalent radii apart. */
const TRIALS = Array.from({ length: 31 }, (_, k) => 0.75 + 0.025 * k);

/** Volume per atom near the lowest minimum, Å³. */
async function roughVolume(potential: Potential, number: number, lattice: LatticeName, compute: Compute) {
  const unit = unitCell(number, lattice);
  let nearest = Infinity;
  for (let reach = 1; nearest === Infinity; reach *= 1.5) {
    visitPairs(unit.positions, unit.cell, reach, (_i, _j, squared) => {
      nearest = Math.min(nearest, squared);
    });
  }
  const factors = TRIALS.map((trial) => (trial * 2 * covalentRadius(number)) / Math.sqrt(nearest));
  const evaluated = await outcomes(
    potential,
    factors.map((factor) => scale(unit, factor)),
    [],
    compute,
  );
  const energies = evaluated.map((outcome) => (outcome instanceof MltsError ? Number.NaN : outcome.energy));
  let best: number | undefined;
  for (let i = 1; i < energies.length - 1; i++) {
    if (!(energies[i] <= energies[i - 1] && energies[i] <= energies[i + 1])) continue;
    if (best === undefined || energies[i] < energies[best]) best = i;
  }
  if (best === undefined) {
    const failed = evaluated.find((outcome) => outcome instanceof MltsError);
    if (failed && energies.every(Number.isNaN)) throw failed;
    const [from, to] = [factors[0], factors[factors.length - 1]].map((a) => a.toFixed(2));
    throw new MltsError(
      'E_USAGE',
      `${symbolOf(number)} in ${lattice} has no minimum of energy between a = ${from} and ${to} Å`,
      'Leave this structure out.',
    );
  }
  // The vertex of the parabola through three points.
  const [low, mid, high] = [energies[best - 1], energies[best], energies[best + 1]];
  const shift = (0.5 * (low - high)) / (low - 2 * mid + high);
  const a = factors[best] + shift * (factors[1] - factors[0]);
  return (a ** 3 * determinant(unit.cell)) / unit.numbers.length;
}

const DEGREE = 4;

function bestRatio(row: readonly Outcome[], ratios: readonly number[]): number | undefined {
  const energies = row.map((outcome) => (outcome instanceof MltsError ? Number.NaN : outcome.energy));
  const [x, centre] = relative(ratios);
  const c = polynomial(
    x,
    energies.map((energy) => energy - energies[0]),
    DEGREE,
  );
  const at = minimumOf(c, x[0], x[x.length - 1]);
  return at === undefined ? undefined : centre * (1 + at);
}

function atRatio(energies: readonly number[], ratios: readonly number[], ratio: number): number {
  const [x, centre] = relative(ratios);
  const c = polynomial(
    x,
    energies.map((energy) => energy - energies[0]),
    DEGREE,
  );
  return energies[0] + derivatives(c, ratio / centre - 1)[0];
}

function relative(ratios: readonly number[]): [number[], number] {
  const centre = ratios[(ratios.length - 1) / 2];
  return [ratios.map((ratio) => ratio / centre - 1), centre];
}

function deviationsOf(
  members: number,
  stateOf: (of: (result: Result) => number) => EquationOfState,
  constant: (volume: number) => number,
): ColdCurve['deviations'] {
  try {
    const states = Array.from({ length: members }, (_, m) => stateOf((result) => result.memberEnergies![m]));
    return {
      a: spread(states.map(({ volume }) => constant(volume))),
      energy: spread(states.map(({ energy }) => energy)),
      modulus: spread(states.map(({ modulus }) => modulus)),
    };
  } catch (error) {
    if (error instanceof MltsError) return undefined;
    throw error;
  }
}
