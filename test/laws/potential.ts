/**
 * One suite for every backend and every door: what must hold of anything that evaluates a potential.
 */
import { afterAll, describe, it } from 'vitest';
import type { TestModel } from '../support/models.ts';
import { batchLaws, domainLaws, trajectoryLaws } from './batches.ts';
import { Bench, everything, type Law, type LawOptions, type Subject } from './bench.ts';
import { derivativeLaws } from './derivatives.ts';
import { symmetryLaws } from './symmetry.ts';
import { goldenLaws, valueLaws } from './values.ts';

export type { LawOptions, Subject } from './bench.ts';

const laws: readonly Law[] = [
  ...goldenLaws,
  ...valueLaws,
  ...derivativeLaws,
  ...symmetryLaws,
  ...batchLaws,
  ...domainLaws,
  ...trajectoryLaws,
];

/**
 * Registers the laws as tests of a subject.
 * @param make called once a model; the subject is closed at the end
 */
export function potentialLaws(
  name: string,
  make: (model: TestModel) => Subject | Promise<Subject>,
  options: LawOptions,
): void {
  describe(`${name} obeys the laws of a potential in ${options.precision} precision`, () => {
    const bench = new Bench(make, options);
    afterAll(() => bench.close());
    for (const law of laws) {
      const missing = lacks(law, options);
      it.skipIf(missing !== undefined)(missing === undefined ? law.name : `${law.name} (${missing})`, () =>
        law.check(bench),
      );
    }
  });
}

/** Why a law does not apply to a subject. */
function lacks(law: Law, options: LawOptions): string | undefined {
  const wants = (law.needs ?? []).filter((want) => !(options.offers ?? everything).includes(want));
  if (wants.length > 0) return `does not offer ${wants.join(', ')}`;
  if (law.domains && options.domains === false) return 'takes no domains';
  if (law.trajectories && options.trajectories === false) return 'keeps no trajectories';
  return undefined;
}
