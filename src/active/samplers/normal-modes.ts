/** Molecules and cells displaced along their normal modes as at a temperature: normal-mode sampling (doi:10.1039/C6SC05720A). */
import { list, missing, number, settings, text, whole } from '../../dynamics/input/rules.ts';
import { relax } from '../../dynamics/minimise/relax.ts';
import { normalModes } from '../../dynamics/modes.ts';
import { massOf } from '../../elements.ts';
import type { Potential } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import { AMU_ANGSTROM2_PER_FS2, BOLTZMANN, SPEED_OF_LIGHT } from '../../units.ts';
import { type Kind, sourcesOf } from './kind.ts';
import { length, range } from './rules.ts';
import { isTight, type Proposals, type Range, within } from './sampler.ts';

export interface ModeSettings {
  /** K; each structure draws its own. */
  readonly temperature: Range;
  /** Structures from each one that is given. */
  readonly count: number;
  /** Å */
  readonly minDistance: number;
}

/** cm⁻¹: softer modes, and those with negative curvature, are displaced as if they were this stiff. */
const SOFTEST = 100;

/**
 * Each structure is relaxed first; then Σ_k q_k L_k/√m with q_k normal of variance kT/λ_k, λ_k the eigenvalues of the mass-weighted
 * Hessian: what a harmonic system does at temperature T. `discarded` counts frames with atoms that are `too close` and structures
 * that are `not relaxed`.
 * @param normal standard normal deviates @param random uniform in [0,1)
 */
export async function displaceModes(
  potential: Potential,
  structures: readonly Structure[],
  { temperature, count, minDistance }: ModeSettings,
  { random, normal, signal }: { random: () => number; normal: () => number; signal: AbortSignal },
): Promise<Proposals> {
  const discarded = { 'too close': 0, 'not relaxed': 0 };
  const frames: Structure[] = [];
  const relaxed = await relax(potential, structures, { fmax: 0.01, maxSteps: 500, signal });
  for (const [i, outcome] of relaxed.entries()) {
    if (outcome instanceof MltsError || !outcome.converged) {
      discarded['not relaxed']++;
      continue;
    }
    const { numbers, pbc, cell } = structures[i];
    const { positions } = outcome.system;
    const { wavenumbers, displacements } = await normalModes(potential, { numbers, positions, cell, pbc }, { signal });
    for (let k = 0; k < count; k++) {
      const kT = BOLTZMANN * within(temperature, random);
      const moved = positions.slice();
      for (const [mode, direction] of displacements.entries()) {
        const amplitude = (normal() * Math.sqrt(kT / curvature(wavenumbers[mode]))) / weightOf(direction, numbers);
        for (let x = 0; x < moved.length; x++) moved[x] += amplitude * direction[x];
      }
      const frame: Structure = { numbers, positions: moved, cell, pbc, info: {}, arrays: {} };
      if (isTight(frame, minDistance)) discarded['too close']++;
      else frames.push(frame);
    }
  }
  return { frames, discarded };
}

/** λ of a wavenumber, eV/(Å²·amu). */
function curvature(wavenumber: number): number {
  const perFs = 2 * Math.PI * SPEED_OF_LIGHT * 100 * Math.max(wavenumber, SOFTEST) * 1e-15;
  return perFs * perFs * AMU_ANGSTROM2_PER_FS2;
}

/** ‖√m d‖ of a displacement of norm 1: the root of its reduced mass. */
function weightOf(direction: Float64Array, numbers: Int32Array): number {
  return Math.sqrt(direction.reduce((sum, d, x) => sum + d * d * (massOf(numbers[Math.floor(x / 3)]) ?? 1), 0));
}

export const modesKind: Kind = (input, name) => {
  const given = settings<{
    kind?: string;
    name?: string;
    from?: readonly string[];
    temperature?: Range;
    count?: number;
    min_distance?: number;
  }>(
    {
      ...{ kind: text, name: text, from: list(text), min_distance: length, count: whole(1, 100_000) },
      temperature: range(number({ least: 0, most: 1e5, unit: 'K' })),
    },
    'normal-modes',
  )(input);
  const { from, temperature = [300, 900], count = 10, min_distance: minDistance = 0.6 } = given;
  if (from === undefined) throw missing(input, 'which structures: files, or the name of another sampler', 'from');
  return {
    ...{ name, needsModel: true, sources: from },
    propose: async (context) => {
      const { random, signal } = context;
      const options = { random, normal: () => gaussian(random), signal };
      const settings = { temperature, count, minDistance };
      return displaceModes(context.potential!, await sourcesOf(context, from), settings, options);
    },
  };
};

/** Box and Muller. */
const gaussian = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
