/** Paths from one crystal structure to another. */

import { relax } from '../dynamics/minimise/relax.ts';
import { neb, type Path } from '../dynamics/neb.ts';
import { symbolOf } from '../elements.ts';
import type { Potential, System } from '../engine/potential.ts';
import { MltsError } from '../errors.ts';
import { coldCurve } from './cold-curve.ts';
import { type Compute, converged, systemOf } from './evaluate.ts';

export const TRANSFORMATIONS = ['bain', 'tin'] as const;
export type TransformationName = (typeof TRANSFORMATIONS)[number];

/** Both ends in one tetragonal cell with the same fractional sites; they differ in c/a and volume. */
const WAYS = {
  /** fcc → bcc. Source: Bain, Trans. AIME 70, 25 (1924). */
  bain: {
    ends: ['fcc', 'bcc'],
    sites: [0, 0, 0, 0.5, 0.5, 0.5],
    /** Edge of the tetragonal cell from the cubic one. */
    edges: [Math.SQRT1_2, 1],
    ratios: [Math.SQRT2, 1],
  },
  /** Diamond (α-Sn) → β-Sn, along c of I4₁/amd. Source: Musgrave, doi:10.1098/rspa.1963.0059. */
  tin: {
    ends: ['diamond', 'betasn'],
    sites: [0, 0, 0, 0, 0.5, 0.25, 0.5, 0.5, 0.5, 0.5, 0, 0.75],
    edges: [Math.SQRT1_2, 1],
    ratios: [Math.SQRT2, undefined],
  },
} as const;

export interface Transformation {
  readonly path: Path;
  /** Of each image: c/a and volume per atom, Å³; E − E(first), eV per atom. */
  readonly points: readonly { readonly ratio: number; readonly volume: number; readonly energy: number }[];
  /** Highest energy above the first end, and that of the last end, eV per atom. */
  readonly barrier: number;
  readonly difference: number;
}

/**
 * The path of lowest energy between two structures, each relaxed in its own symmetry, by a nudged elastic band of atoms and cells.
 * @throws MltsError E_LIMIT where the band does not relax
 */
export async function transformation(
  potential: Potential,
  number: number,
  name: TransformationName,
  options: Compute & { readonly images?: number | undefined } = {},
): Promise<Transformation> {
  const { ends, sites, edges, ratios } = WAYS[name];
  const systems: System[] = [];
  for (const [i, lattice] of ends.entries()) {
    const { a, c } = await coldCurve(potential, number, lattice, options);
    const edge = edges[i] * a;
    const cell = Float64Array.of(edge, 0, 0, 0, edge, 0, 0, 0, c ?? edge * ratios[i]!);
    systems.push({
      numbers: new Int32Array(sites.length / 3).fill(number),
      positions: Float64Array.from(sites, (s, k) => s * cell[4 * (k % 3)]),
      cell,
      pbc: [true, true, true],
    });
  }
  const relaxed = await relax(potential, systems, {
    ...{ cell: 'isotropic', fmax: 1e-3, smax: 1e-5, precision: 'double', signal: options.signal },
  });
  const [first, last] = relaxed.map((outcome, i) =>
    systemOf(converged(outcome, `${symbolOf(number)} in ${ends[i]}`).system),
  );
  const path = await neb(potential, [first, last], {
    ...{ images: options.images ?? 9, cell: true, precision: 'double', fmax: 0.02, signal: options.signal },
  });
  if (!path.converged) {
    throw new MltsError(
      'E_LIMIT',
      `the path is not relaxed after ${path.steps} steps: ${path.fmax.toPrecision(3)} eV/Å are left across it`,
      'Take fewer images.',
    );
  }
  const n = first.numbers.length;
  const points = path.images.map(({ cell }, i) => ({
    ratio: (2 * cell![8]) / (cell![0] + cell![4]),
    volume: (cell![0] * cell![4] * cell![8]) / n,
    energy: path.profile[i] / n,
  }));
  return {
    ...{ path, points },
    barrier: Math.max(...points.map(({ energy }) => energy)),
    difference: points[points.length - 1].energy,
  };
}
