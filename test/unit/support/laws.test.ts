/** The laws must catch what they are for: subjects that are wrong in one way each. */
import { describe, expect, it } from 'vitest';
import type { Outcome, Result, System } from '../../../src/engine/potential.ts';
import { ReferencePotential } from '../../../src/engine/reference/reference.ts';
import { MltsError } from '../../../src/errors.ts';
import { batchLaws, domainLaws } from '../../laws/batches.ts';
import { Bench, type Law, type Subject } from '../../laws/bench.ts';
import { derivativeLaws } from '../../laws/derivatives.ts';
import { symmetryLaws } from '../../laws/symmetry.ts';
import { goldenLaws, valueLaws } from '../../laws/values.ts';
import type { TestModel } from '../../support/models.ts';

type Spoil = (result: Result, system: System, place: number) => Result;

/** The reference backend with something done to each result. */
const spoiled =
  (spoil: Spoil) =>
  ({ model }: TestModel): Subject => {
    const honest = new ReferencePotential(model);
    return {
      evaluate: async (batch, want, options): Promise<Outcome[]> =>
        (await honest.evaluate(batch, want, options)).map((outcome, k) =>
          outcome instanceof MltsError ? outcome : spoil(outcome, batch[k], k),
        ),
    };
  };

const all: readonly Law[] = [
  ...goldenLaws,
  ...valueLaws,
  ...derivativeLaws,
  ...symmetryLaws,
  ...batchLaws,
  ...domainLaws,
];

/** What is done, and a part of the name of a law that must notice. */
const defects: readonly [string, Spoil, string][] = [
  ['an energy off by 1e-8 of itself', (r) => ({ ...r, energy: r.energy * (1 + 1e-8) }), 'golden two-gas'],
  ['a NaN force', (r) => (r.forces ? { ...r, forces: r.forces.fill(Number.NaN, 0, 1) } : r), 'golden two-gas'],
  ['forces of the wrong sign', (r) => (r.forces ? { ...r, forces: r.forces.map((f) => -f) } : r), 'forces are −dE/dR'],
  [
    'a virial of the wrong sign',
    (r) => (r.virial ? { ...r, virial: r.virial.map((w) => -w) } : r),
    'the virial is −dE/dε',
  ],
  ['a virial that is not symmetric', (r) => (r.virial ? { ...r, virial: r.virial.fill(1, 1, 2) } : r), 'is symmetric'],
  ['a missing array', ({ energies: _, ...r }) => r, 'golden two-gas'],
  ['an array nobody wanted', (r) => ({ ...r, virial: new Float64Array(9) }), 'not wanted is not there'],
  ['a population standard deviation', (r) => ({ ...r, sigmaEnergy: (r.sigmaEnergy ?? 0) * 0.9 }), 'sample standard'],
  ['ρ over n', (r, s) => ({ ...r, rho: (r.rho ?? 0) / Math.sqrt(s.numbers.length) }), 'sample standard'],
  [
    'an energy that depends on the place',
    (r, s) => ({ ...r, energy: r.energy + 1e-6 * s.positions[0] }),
    'moving the whole',
  ],
  ['an energy that depends on the batch', (r, _, k) => ({ ...r, energy: r.energy + 1e-6 * k }), 'order of a batch'],
  [
    'ghosts that carry energy',
    (r, s) => ({ ...r, energy: r.energy + (s.owned === 0 ? 1e-9 : 0) }),
    'without owned atoms',
  ],
  [
    'a domain that counts its ghosts',
    (r, s) => ({ ...r, energy: r.energy + 1e-3 * (s.numbers.length - (s.owned ?? s.numbers.length)) }),
    'domains add up',
  ],
];

describe('a subject with', () => {
  it.each(defects)('%s breaks a law', async (_, spoil, name) => {
    const law = all.find((candidate) => candidate.name.includes(name));
    expect(law, `a law named ${name}`).toBeDefined();
    const bench = new Bench(spoiled(spoil), { precision: 'double' });
    await expect(law!.check(bench)).rejects.toThrow();
  });

  it('no defect breaks none of these', async () => {
    const bench = new Bench(
      spoiled((result) => result),
      { precision: 'double' },
    );
    for (const name of new Set(defects.map(([, , law]) => law))) {
      await all.find((law) => law.name.includes(name))!.check(bench);
    }
  });
});
