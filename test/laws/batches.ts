/** Laws of batches, domains, faults and trajectories. */
import { expect } from 'vitest';
import type { Result, System, Want } from '../../src/engine/potential.ts';
import { type Code, MltsError } from '../../src/errors.ts';
import { expectClose } from '../support/close.ts';
import { domainsOf, reverseSum } from '../support/domains.ts';
import { testModel } from '../support/models.ts';
import { displaced, randomNumbers, transformed } from '../support/systems.ts';
import { potentialVector } from '../support/vectors.ts';
import { type Bench, type Law, only } from './bench.ts';

const two = ['two-gas', 'two-atom', 'two-triclinic', 'two-small', 'two-wire'].map(
  (name) => potentialVector(name).input,
);
const gas = two[0];

/** A system with a fault, the code it must give and the atom to blame. */
const faults: readonly [string, System, Code, number?][] = [
  ['an unknown element', { ...gas, numbers: gas.numbers.map((z, i) => (i === 4 ? 35 : z)) }, 'E_SPECIES', 4],
  ['a NaN coordinate', displaced(gas, (i) => (i === 7 ? Number.NaN : 0)), 'E_NONFINITE', 2],
  ['an infinite coordinate', displaced(gas, (i) => (i === 9 ? Number.POSITIVE_INFINITY : 0)), 'E_NONFINITE', 3],
  ['two atoms at one place', coincident(gas, 5, 1), 'E_OVERLAP', 1],
  ['no atoms', { numbers: new Int32Array(0), positions: new Float64Array(0) }, 'E_EMPTY'],
  ['periodicity without a cell', { ...gas, pbc: [true, false, true] }, 'E_CELL'],
  ['a singular cell', boxed(1, 0, 0, 2, 0, 0, 0, 0, 1), 'E_CELL'],
  ['a left-handed cell', boxed(0, 30, 0, 30, 0, 0, 0, 0, 30), 'E_CELL'],
  ['a NaN in the cell', boxed(30, 0, 0, 0, Number.NaN, 0, 0, 0, 30), 'E_NONFINITE'],
  ['a cell of 0.01 Å', { ...two[1], ...cell(0.01, 0, 0, 0, 0.01, 0, 0, 0, 0.01) }, 'E_CELL'],
  ['an atom on its own image', { ...two[1], ...cell(0.4, 0, 0, 0, 9, 0, 0, 0, 9) }, 'E_OVERLAP', 0],
];

export const batchLaws: readonly Law[] = [
  {
    name: 'the order of a batch and what else is in it do not matter',
    async check(bench) {
      const alone: Result[] = [];
      for (const system of two) alone.push(await bench.one('test-two', system));
      for (const order of [
        [0, 1, 2, 3, 4],
        [4, 2, 0, 3, 1],
        [2, 2, 2],
        [1, 0, 1, 0, 4, 4, 3],
      ]) {
        const results = await bench.evaluate(
          'test-two',
          order.map((k) => two[k]),
        );
        for (const [place, k] of order.entries()) {
          bench.expectSame(results[place], alone[k], two[k].numbers.length, `system ${k} at place ${place}`);
        }
      }
    },
  },
  {
    name: 'a faulty system fails alone, with its code and its atom',
    async check(bench) {
      const wanted = await bench.one('test-two', gas);
      for (const [what, system, code, atom] of faults) {
        const [before, fault, after] = await bench.outcomes('test-two', [gas, system, gas], bench.offers);
        expect(fault, what).toBeInstanceOf(MltsError);
        expect((fault as MltsError).code, `${what}: ${(fault as MltsError).message}`).toBe(code);
        expect((fault as MltsError).atom, what).toBe(atom);
        bench.expectSame(before as Result, wanted, gas.numbers.length, `before ${what}`);
        bench.expectSame(after as Result, wanted, gas.numbers.length, `after ${what}`);
      }
    },
  },
  {
    name: 'an overlap names both atoms and their distance',
    async check(bench) {
      const near = displaced(coincident(gas, 7, 2), (i) => (i === 21 ? 0.1234 : 0));
      const [fault] = await bench.outcomes('test-two', [near], ['forces']);
      expect(fault).toBeInstanceOf(MltsError);
      for (const part of ['2', '7', '0.1234', '0.5']) expect((fault as MltsError).what).toContain(part);
    },
  },
];

const domainWants: readonly Want[] = [
  'forces',
  'virial',
  'energies',
  'virials',
  'sigma',
  'memberEnergies',
  'forceDeviations',
];

export const domainLaws: readonly Law[] = [
  {
    name: 'domains add up to the whole: 1, 2 and 4 of them, some empty',
    needs: domainWants,
    domains: true,
    async check(bench) {
      for (const name of [
        'two-triclinic',
        'two-gas',
        'single-slab',
        'al-crystal',
        'scalar-gas',
        'vector-slab',
        'tensor-small',
      ]) {
        for (const edges of [
          [0, 1],
          [0, 0.45, 1],
          [0, 0.3, 0.3, 0.7, 1],
        ])
          await checkDomains(bench, name, edges);
      }
    },
  },
  {
    name: 'a domain without owned atoms, with and without ghosts, is 0',
    needs: ['forces', 'virial', 'memberEnergies'],
    domains: true,
    async check(bench) {
      const none = { numbers: new Int32Array(0), positions: new Float64Array(0), owned: 0 };
      for (const system of [none, { ...gas, owned: 0 }]) {
        const { energy, forces, virial, memberEnergies } = await bench.one('test-two', system, [
          'forces',
          'virial',
          'memberEnergies',
        ]);
        expect(energy).toBe(0);
        expect(Array.from(forces!)).toEqual(Array.from({ length: 3 * system.numbers.length }, () => 0));
        expect([...virial!, ...memberEnergies!]).toEqual(Array.from({ length: 12 }, () => 0));
      }
    },
  },
];

async function checkDomains(bench: Bench, name: string, edges: readonly number[]): Promise<void> {
  const { model, input } = potentialVector(name);
  const n = input.numbers.length;
  const whole = await bench.one(model, input, [...domainWants, 'forces']);
  const members = whole.memberEnergies!.length;
  const parts = domainsOf(input, testModel(model).model.reach + 0.3, edges);
  const results = await bench.evaluate(
    model,
    parts.map(({ system }) => system),
    domainWants,
  );
  const sums = {
    energy: 0,
    forces: new Float64Array(3 * n),
    virial: new Float64Array(9),
    energies: new Float64Array(n),
    virials: new Float64Array(9 * n),
    memberEnergies: new Float64Array(members),
  };
  const deviations = Array.from({ length: members }, () => new Float64Array(3 * n));
  for (const [k, { source }] of parts.entries()) {
    const { energy, forces, virial, energies, virials, memberEnergies, forceDeviations, sigmaForces } = results[k];
    expect(sigmaForces, 'σ_F of a domain').toBeUndefined();
    sums.energy += energy;
    reverseSum(sums.forces, forces!, source, 3);
    reverseSum(sums.energies, energies!, source, 1);
    reverseSum(sums.virials, virials!, source, 9);
    reverseSum(sums.virial, virial!, [0], 9);
    reverseSum(sums.memberEnergies, memberEnergies!, [0], members);
    const width = 3 * source.length;
    for (const [m, total] of deviations.entries())
      reverseSum(total, forceDeviations!.subarray(m * width, (m + 1) * width), source, 3);
  }
  bench.expectSame(sums, only(whole, Object.keys(sums)), n, `${name} in ${parts.length} domains`, 4);
  const squares = Array.from({ length: n }, (_, i) =>
    deviations.reduce((sum, d) => sum + d[3 * i] ** 2 + d[3 * i + 1] ** 2 + d[3 * i + 2] ** 2, 0),
  );
  const sigma = squares.map((square) => (members === 1 ? 0 : Math.sqrt(square / (members - 1))));
  const tolerance =
    4 *
    bench.tolerance(
      'forceDeviations',
      deviations.flatMap((d) => Array.from(d)),
      n,
    );
  expectClose(sigma, whole.sigmaForces!, tolerance, `${name} in ${parts.length} domains: σ_F`);
}

export const trajectoryLaws: readonly Law[] = [
  {
    name: 'the memory of a trajectory changes no result',
    trajectories: true,
    async check(bench) {
      const subject = await bench.subject('test-two');
      for (const system of [gas, two[2], { ...gas, owned: 5 }]) {
        const trajectory = subject.createTrajectory!();
        const random = randomNumbers(7);
        let step = system;
        for (let k = 0; k < 14; k++) {
          // Small steps, then one far enough for a new list, a strained cell, other atoms and other periodicity.
          const size = k === 6 ? 0.5 : 0.03;
          step = displaced(step, () => (2 * random() - 1) * size);
          if (k === 8) step = transformed(step, Float64Array.of(1.1, 0.02, 0, 0, 0.97, 0, 0, 0, 1.05));
          if (k === 10) step = { ...step, numbers: step.numbers.slice(1), positions: step.positions.slice(3) };
          if (k === 12) step = { ...gas, cell: two[2].cell, pbc: [true, true, true] };
          const [got, want] = await bench.outcomes('test-two', [{ ...step, trajectory }, step], bench.offers);
          expect(got instanceof MltsError && got.code, `step ${k}`).toBe(want instanceof MltsError && want.code);
          if (!(got instanceof MltsError)) bench.expectSame(got, want as Result, step.numbers.length, `step ${k}`);
        }
        trajectory.close();
      }
    },
  },
];

function coincident(system: System, atom: number, other: number): System {
  return {
    ...system,
    positions: system.positions.map((x, i) => (Math.floor(i / 3) === atom ? system.positions[3 * other + (i % 3)] : x)),
  };
}

function cell(...values: number[]): Pick<System, 'cell' | 'pbc'> {
  return { cell: Float64Array.from(values), pbc: [true, true, true] };
}

function boxed(...values: number[]): System {
  return { ...gas, ...cell(...values) };
}
