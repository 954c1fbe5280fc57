/** Laws of values: golden numbers, sums, means and spreads. */
import { expect } from 'vitest';
import { expectClose, largest } from '../support/close.ts';
import { testModel } from '../support/models.ts';
import { potentialVector, potentialVectors } from '../support/vectors.ts';
import { type Law, only, values } from './bench.ts';

const systems = [
  'two-triclinic',
  'two-small',
  'seven-gas',
  'al-crystal',
  'single-slab',
  'scalar-gas',
  'vector-slab',
  'tensor-small',
].map(potentialVector);

/** One law a golden vector. Throws where there are none. */
export const goldenLaws: readonly Law[] = potentialVectors().map(({ name, what, model, input, expected }) => ({
  name: `golden ${name}: ${what}`,
  domains: input.owned !== undefined,
  async check(bench) {
    bench.expectSame(await bench.one(model, input), expected, input.numbers.length, name);
  },
}));

export const valueLaws: readonly Law[] = [
  {
    name: 'what is not wanted is not there, the energy always is',
    async check(bench) {
      for (const name of ['two-triclinic', 'tensor-small']) {
        const { model, input } = potentialVector(name);
        const hasLayers = testModel(model).model.architecture === 'hipnn';
        expect(Object.keys(await bench.one(model, input, []))).toEqual(['energy']);
        for (const want of bench.offers) {
          const result = await bench.one(model, input, [want]);
          const there = want === 'hierarchicality' && !hasLayers ? [] : [want];
          if (want !== 'sigma') expect(Object.keys(result).sort(), name).toEqual(['energy', ...there].sort());
          bench.expectSame(
            result,
            only(await bench.one(model, input), Object.keys(result)),
            input.numbers.length,
            want,
          );
        }
      }
    },
  },
  {
    name: 'atomic energies add up to the energy, atomic virials to the virial',
    needs: ['energies', 'virial', 'virials'],
    async check(bench) {
      for (const { name, model, input } of systems) {
        const n = input.numbers.length;
        const { energy, energies, virial, virials } = await bench.one(model, input);
        expectClose([sum(energies!)], [energy], bench.tolerance('energy', [energy], n), `${name}: sum of energies`);
        const total = Array.from({ length: 9 }, (_, k) => sum(virials!.filter((_, i) => i % 9 === k)));
        expectClose(total, virial!, bench.tolerance('virial', virial!, n), `${name}: sum of virials`);
      }
    },
  },
  {
    name: 'the virial is symmetric and forces add up to nothing',
    needs: ['forces', 'virial'],
    async check(bench) {
      for (const { name, model, input } of systems) {
        const { forces, virial } = await bench.one(model, input);
        const transposed = Array.from({ length: 9 }, (_, k) => virial![3 * (k % 3) + Math.floor(k / 3)]);
        const n = input.numbers.length;
        expectClose(virial!, transposed, bench.tolerance('virial', virial!, n), `${name}: virial`);
        const net = [0, 1, 2].map((x) => sum(forces!.filter((_, i) => i % 3 === x)));
        expectClose(net, [0, 0, 0], bench.tolerance('forces', forces!, n) * Math.sqrt(n), `${name}: net force`);
      }
    },
  },
  {
    name: 'energy and forces are the means over members, deviations are from them',
    needs: ['forces', 'memberEnergies', 'memberForces', 'forceDeviations'],
    async check(bench) {
      for (const { name, model, input } of systems) {
        const n = input.numbers.length;
        const result = await bench.one(model, input);
        const { energy, forces, memberEnergies, memberForces, forceDeviations } = result;
        const members = memberEnergies!.length;
        expectClose(
          [sum(memberEnergies!) / members],
          [energy],
          bench.tolerance('energy', [energy], n),
          `${name}: energy`,
        );
        const means = forces!.map((_, i) => sum(memberForces!.filter((_, k) => k % (3 * n) === i)) / members);
        expectClose(means, forces!, bench.tolerance('forces', forces!, n), `${name}: forces`);
        const deviations = memberForces!.map((force, k) => force - means[k % (3 * n)]);
        const tolerance = bench.tolerance('forceDeviations', memberForces!, n);
        expectClose(forceDeviations!, deviations, tolerance, `${name}: deviations`);
        const sums = forces!.map((_, i) => sum(forceDeviations!.filter((_, k) => k % (3 * n) === i)));
        expectClose(
          sums,
          forces!.map(() => 0),
          members * tolerance,
          `${name}: sum of deviations`,
        );
      }
    },
  },
  {
    name: 'spreads are sample standard deviations over members, 0 for a single member',
    needs: ['sigma', 'memberEnergies', 'memberForces'],
    async check(bench) {
      for (const { name, model, input } of systems) {
        const n = input.numbers.length;
        const { sigmaEnergy, rho, sigmaForces, memberEnergies, memberForces } = await bench.one(model, input);
        const spread = sampleDeviation(Array.from(memberEnergies!));
        const tolerance = bench.tolerance('sigmaEnergy', memberEnergies!, n);
        expectClose([sigmaEnergy!, rho!], [spread, spread / Math.sqrt(n)], tolerance, `${name}: σ_E and ρ`);
        const components = Array.from({ length: 3 * n }, (_, i) =>
          sampleDeviation(Array.from(memberForces!.filter((_, k) => k % (3 * n) === i))),
        );
        const wanted = Array.from({ length: n }, (_, i) => Math.hypot(...components.slice(3 * i, 3 * i + 3)));
        expectClose(sigmaForces!, wanted, bench.tolerance('sigmaForces', memberForces!, n), `${name}: σ_F`);
        const none = memberEnergies!.length === 1;
        expect(largest(sigmaForces!) === 0 && sigmaEnergy === 0, `${name}: no spread`).toBe(none);
      }
    },
  },
  {
    name: 'the atomic spread of a single atom is that of its energy',
    needs: ['sigma'],
    async check(bench) {
      const { model, input } = potentialVector('two-atom');
      const { sigmaEnergy, sigmaEnergies, rho } = await bench.one(model, input);
      const tolerance = bench.tolerance('sigmaEnergy', [sigmaEnergy!], 1);
      expectClose(sigmaEnergies!, [sigmaEnergy!], tolerance, 'σ of the atom');
      expectClose(values(rho), [sigmaEnergy!], tolerance, 'ρ');
    },
  },
];

function sum(terms: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < terms.length; i++) total += terms[i];
  return total;
}

function sampleDeviation(sample: readonly number[]): number {
  if (sample.length === 1) return 0;
  const centre = sum(sample) / sample.length;
  return Math.sqrt(sum(sample.map((value) => (value - centre) ** 2)) / (sample.length - 1));
}
