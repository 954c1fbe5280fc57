/**
 * The published ensembles against numbers of other codes: TorchANI in double precision and an independent numpy code.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { numberOf } from '../../src/elements.ts';
import type { Precision, Result, System } from '../../src/engine/potential.ts';
import { MltsError } from '../../src/errors.ts';
import { HARTREE } from '../../src/units.ts';
import { expectClose } from '../support/close.ts';
import type { TestModel } from '../support/models.ts';
import {
  NOT_RUN,
  type PublishedName,
  publishedFolder,
  publishedModel,
  publishedReference,
} from '../support/published.ts';
import { publishedVectors } from '../support/vectors.ts';
import { everything, type Subject } from './bench.ts';

/** eV per atom, eV/Å, and eV times √n for the virial. */
const ALLOWED = {
  double: { energy: 1e-7, force: 1e-6, virial: 1e-6 },
  single: { energy: 1e-5, force: 2e-4, virial: 2e-3 },
};

interface Case {
  readonly title: string;
  readonly model: PublishedName;
  readonly system: System;
  /** What the other code says, eV and Å. */
  readonly expected: Partial<Result>;
}

/** Registers one test a case of the reference files. */
export function publishedLaws(
  name: string,
  make: (model: TestModel) => Subject | Promise<Subject>,
  { precision }: { readonly precision: Precision },
): void {
  describe(`${name} reproduces the published ensembles in ${precision} precision`, () => {
    if (publishedFolder === undefined) {
      it.skip(NOT_RUN, () => undefined);
      return;
    }
    const subjects = new Map<PublishedName, Promise<Subject>>();
    const subject = (model: PublishedName): Promise<Subject> => {
      if (!subjects.has(model)) subjects.set(model, publishedModel(model).then(make));
      return subjects.get(model)!;
    };
    afterAll(async () => {
      for (const made of subjects.values()) await (await made).close?.();
    });
    const cases = [...torchaniCases(), ...numpyCases(), ...vectorCases()];
    it('there are cases of every published ensemble', () => {
      expect(new Set(cases.map(({ model }) => model)).size).toBe(5);
      expect(cases.length).toBeGreaterThan(60);
    });
    for (const { title, model, system, expected } of cases) {
      it(title, async () => {
        const [outcome] = await (await subject(model)).evaluate([system], new Set(everything), { precision });
        if (outcome instanceof MltsError) throw outcome;
        expectPublished(outcome, expected, system.numbers.length, precision);
      });
    }
  });
}

function expectPublished(got: Result, want: Partial<Result>, n: number, precision: Precision): void {
  const allowed = ALLOWED[precision];
  const check = (key: keyof Result, tolerance: number) => {
    if (want[key] === undefined) return;
    const array = (value: unknown) => (typeof value === 'number' ? [value] : (value as ArrayLike<number>));
    expectClose(array(got[key]), array(want[key]), tolerance, key);
  };
  for (const key of ['energy', 'memberEnergies', 'sigmaEnergy'] as const) check(key, allowed.energy * n);
  for (const key of ['energies', 'sigmaEnergies', 'rho'] as const) check(key, allowed.energy);
  for (const key of ['forces', 'memberForces', 'sigmaForces'] as const) check(key, allowed.force);
  check('virial', allowed.virial * Math.sqrt(n));
}

const flat = (nested: unknown, scale = 1): Float64Array =>
  Float64Array.from((nested as number[][]).flat(3), (x) => x * scale);

/** reference/ani_public.json: TorchANI; molecules, triclinic and small cells, slabs. */
function torchaniCases(): Case[] {
  const names: Record<string, PublishedName> = { ani1x: 'ani-1x', ani1ccx: 'ani-1ccx', ani2x: 'ani-2x' };
  const unbiased = Math.sqrt(8 / 7);
  return publishedReference('ani_public.json').cases.flatMap((entry: Record<string, never>) =>
    Object.entries(entry.results as Record<string, Record<string, never>>).map(([key, r]): Case => {
      const expected: Partial<Result> = {
        energy: r.energy * HARTREE,
        memberEnergies: flat(r.energies_members, HARTREE),
        sigmaEnergy: r.energy_std_ddof1 * HARTREE,
        rho: r.qbc_ddof1_over_sqrtN * HARTREE,
        energies: flat(r.atomic_energies, HARTREE),
        forces: flat(r.forces, HARTREE),
        sigmaForces: flat(r.force_std_atom_ddof0, HARTREE * unbiased),
      };
      if (r.forces_members !== undefined) expected.memberForces = flat(r.forces_members, HARTREE);
      if (r.dEdstrain !== undefined) expected.virial = flat(r.dEdstrain, -HARTREE);
      return {
        title: `${names[key]} ${entry.name} (TorchANI)`,
        model: names[key],
        system: systemOf(entry.species, entry.positions, entry.cell, entry.pbc),
        expected,
      };
    }),
  );
}

/** reference/ani_reference.json: numpy, with the constants of the files as they are. */
function numpyCases(): Case[] {
  const sets: Record<string, PublishedName> = {
    'ani-1x_8x': 'ani-1x',
    'ani-1ccx_8x': 'ani-1ccx',
    'ani-2x_8x': 'ani-2x',
  };
  return Object.entries(publishedReference('ani_reference.json') as Record<string, Record<string, never>>)
    .filter(([key]) => key.endsWith('/file_constants'))
    .map(([key, r]): Case => {
      const model = sets[key.split('/')[0]];
      const sigmaEnergy = r.rho_ddof1_Ha * Math.sqrt((r.species as string[]).length) * HARTREE;
      const expected: Partial<Result> = {
        energy: r.mean_energy_Ha * HARTREE,
        memberEnergies: flat(r.member_energy_Ha, HARTREE),
        sigmaEnergy,
        forces: flat(r.mean_force_Ha_per_A, HARTREE),
      };
      if (r.minus_dE_dstrain_Ha !== undefined) expected.virial = flat(r.minus_dE_dstrain_Ha, HARTREE);
      const pbc = r.cell_A === null ? undefined : [true, true, true];
      return {
        title: `${model} ${key} (numpy)`,
        model,
        system: systemOf(r.species, r.positions_A, r.cell_A, pbc),
        expected,
      };
    });
}

/** test/vectors/published: tools/vectors_ani.py on the published weights. */
const vectorCases = (): Case[] =>
  publishedVectors().map(({ name, model, input, expected }) => ({
    title: `${model} ${name} (tools/vectors.py)`,
    model: model as PublishedName,
    system: input,
    expected,
  }));

function systemOf(species: readonly (string | number)[], positions: unknown, cell: unknown, pbc: unknown): System {
  const numbers = Int32Array.from(species, (s) => (typeof s === 'number' ? s : numberOf(s)!));
  const system: System = { numbers, positions: flat(positions) };
  if (cell === null || cell === undefined) return system;
  return { ...system, cell: flat(cell), pbc: (pbc as unknown[]).map(Boolean) as [boolean, boolean, boolean] };
}
