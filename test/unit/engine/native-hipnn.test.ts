/** The native HIP-NN against the reference backend: every result, orders 0 to 2, both precisions, each instruction set. */
import { describe, expect, it } from 'vitest';
import { hipnnModel } from '../../../bench/lib/hipnn-model.ts';
import { NativePotential, nativeInstructionSets } from '../../../src/engine/native.ts';
import type { Result, System, Want } from '../../../src/engine/potential.ts';
import { ReferencePotential } from '../../../src/engine/reference/reference.ts';
import { expectClose } from '../../support/close.ts';
import { domainsOf } from '../../support/domains.ts';
import { randomNumbers } from '../../support/systems.ts';

const WANT = new Set<Want>([
  ...(['forces', 'virial', 'energies', 'virials', 'sigma', 'memberEnergies', 'memberForces'] as const),
  ...(['forceDeviations', 'hierarchicality'] as const),
]);

/** Rattled sites 1.6 Å apart, of all elements that the models know. */
function lattice(side: number, periodic: boolean, elements: readonly number[]): System {
  const random = randomNumbers(11);
  const box = 1.6 * side;
  const numbers = Int32Array.from({ length: side ** 3 }, () => elements[Math.floor(random() * elements.length)]);
  const site = (i: number) => [Math.floor(i / side / side), Math.floor(i / side) % side, i % side];
  return {
    numbers,
    positions: Float64Array.from(
      { length: 3 * numbers.length },
      (_, i) => 1.6 * site(Math.floor(i / 3))[i % 3] + 0.5 * (random() - 0.5),
    ),
    ...(periodic ? { cell: Float64Array.of(box, 0, 0, 0.4, box, 0, -0.3, 0.2, box), pbc: [true, true, true] } : {}),
  };
}

/** float32: energies 1e-5 eV an atom, forces 2e-4 eV/Å. */
function expectSame(got: Result, want: Result, system: System, precision: 'single' | 'double'): void {
  const atoms = system.numbers.length;
  const isDouble = precision === 'double';
  const energy = isDouble ? 1e-10 : 1e-5;
  const force = isDouble ? 1e-9 : 2e-4;
  const relative = isDouble ? 1e-10 : 2e-6;
  expectClose([got.energy], [want.energy], energy * atoms, 'energy');
  expectClose(got.energies!, want.energies!, energy, 'energies', relative);
  expectClose(got.memberEnergies!, want.memberEnergies!, energy * atoms, 'memberEnergies', relative);
  expectClose(got.forces!, want.forces!, force, 'forces', relative);
  expectClose(got.memberForces!, want.memberForces!, force, 'memberForces', 10 * relative);
  expectClose(got.forceDeviations!, want.forceDeviations!, isDouble ? 1e-6 : force, 'forceDeviations', 1e-5);
  expectClose(got.virial!, want.virial!, 10 * force, 'virial', 10 * relative);
  expectClose(got.virials!, want.virials!, 10 * force, 'virials', 10 * relative);
  expectClose(got.sigmaEnergies!, want.sigmaEnergies!, 2 * energy, 'sigmaEnergies', relative);
  expectClose(got.hierarchicality!, want.hierarchicality!, isDouble ? 1e-9 : 1e-4, 'hierarchicality');
  if (system.owned === undefined) expectClose(got.sigmaForces!, want.sigmaForces!, force, 'sigmaForces', relative);
}

describe.each(nativeInstructionSets())('the native HIP-NN on %s is the reference', (isa) => {
  for (const order of [0, 1, 2] as const) {
    it(`of order ${order}`, { timeout: 120_000 }, async () => {
      const model = hipnnModel({ features: order === 0 ? 37 : 20, order, members: 2 });
      const native = new NativePotential(model, { threads: 2, isa });
      const reference = new ReferencePotential(model);
      const small = lattice(2, true, model.elements);
      const molecule = lattice(3, false, model.elements);
      const domains = domainsOf(molecule, model.reach, [0, 0.5, 1]).map(({ system }) => system);
      const batch = [small, molecule, ...domains];
      const wanted = await reference.evaluate(batch, WANT);
      for (const precision of ['double', 'single'] as const) {
        const found = await native.evaluate(batch, WANT, { precision });
        batch.forEach((system, i) => {
          expect(found[i]).not.toBeInstanceOf(Error);
          expectSame(found[i] as Result, wanted[i] as Result, system, precision);
        });
      }
      native.close();
      reference.close();
    });
  }
});
