/** Laws of symmetry: where a system is, how it is turned, numbered and written down does not matter. */
import type { Result, System } from '../../src/engine/potential.ts';
import { expectClose } from '../support/close.ts';
import {
  displaced,
  permuted,
  randomNumbers,
  reordered,
  repeated,
  rotation,
  timesMatrix,
  transformed,
} from '../support/systems.ts';
import { potentialVector } from '../support/vectors.ts';
import { type Bench, type Law, only } from './bench.ts';

const SHIFT = [13.71, -20.43, 5.77];

/** What a symmetry leaves as it is. */
const invariant = (result: Result): Result => only(result, ['energy', 'sigmaEnergy', 'rho', 'memberEnergies']);

export const symmetryLaws: readonly Law[] = [
  {
    name: 'moving the whole system changes nothing',
    async check(bench) {
      for (const name of ['two-gas', 'two-triclinic', 'single-slab', 'two-wire', 'tensor-small']) {
        const { model, input } = potentialVector(name);
        await expectEqual(
          bench,
          model,
          displaced(input, (i) => SHIFT[i % 3]),
          input,
          name,
        );
      }
    },
  },
  {
    name: 'turning the system turns forces and virial',
    needs: ['forces', 'virial'],
    async check(bench) {
      for (const name of [
        'two-gas',
        'two-triclinic',
        'single-slab',
        'seven-gas',
        'al-crystal',
        'vector-slab',
        'tensor-small',
      ]) {
        const { model, input } = potentialVector(name);
        const Q = rotation(1.1);
        const [got, whole] = [await bench.one(model, transformed(input, Q)), await bench.one(model, input)];
        const { forces, virial, energies, sigmaForces, sigmaEnergies } = whole;
        const turned = timesMatrix(transposed(timesMatrix(transposed(virial!), Q)), Q);
        const wanted = { ...invariant(whole), forces: timesMatrix(forces!, Q), virial: turned };
        const atomic = Object.entries({ energies, sigmaForces, sigmaEnergies }).filter(
          ([, value]) => value !== undefined,
        );
        bench.expectSame(got, { ...wanted, ...Object.fromEntries(atomic) }, input.numbers.length, name);
      }
    },
  },
  {
    name: 'numbering the atoms otherwise numbers the results otherwise',
    async check(bench) {
      for (const name of ['two-gas', 'two-triclinic', 'seven-gas', 'scalar-gas', 'tensor-small']) {
        const { model, input } = potentialVector(name);
        const n = input.numbers.length;
        const order = Array.from({ length: n }, (_, k) => (5 * k + 3) % n);
        const [got, { energies, forces, virials, virial, sigmaForces, sigmaEnergies, ...whole }] = [
          await bench.one(model, permuted(input, order)),
          await bench.one(model, input),
        ];
        const wanted: Result = invariant(whole);
        if (virial) wanted.virial = virial;
        if (energies) wanted.energies = reordered(energies, order, 1);
        if (forces) wanted.forces = reordered(forces, order, 3);
        if (virials) wanted.virials = reordered(virials, order, 9);
        if (sigmaForces) wanted.sigmaForces = reordered(sigmaForces, order, 1);
        if (sigmaEnergies) wanted.sigmaEnergies = reordered(sigmaEnergies, order, 1);
        bench.expectSame(got, wanted, n, name);
      }
    },
  },
  {
    name: 'an isolated atom feels nothing, and atoms far apart do not feel each other',
    needs: ['forces', 'virial'],
    async check(bench) {
      for (const [model, first, second, reach] of [
        ['test-two', 1, 8, 4.6],
        ['test-smooth', 6, 1, 5.0],
        ['test-al', 13, 13, 7.0],
        ['test-tensor', 8, 1, 3.0],
      ] as const) {
        const atom = (number: number) => ({ numbers: Int32Array.of(number), positions: Float64Array.of(0.4, 0, -1) });
        const alone = await bench.evaluate(model, [atom(first), atom(second)]);
        for (const { forces, virial } of alone) {
          expectClose([...forces!, ...virial!], new Float64Array(12), 1e-12, `${model}: an isolated atom`);
        }
        const pair = { numbers: Int32Array.of(first, second), positions: Float64Array.of(0, 0, 0, 0, reach + 1e-3, 0) };
        const { energy, forces } = await bench.one(model, pair);
        const sum = alone[0].energy + alone[1].energy;
        expectClose([energy], [sum], bench.tolerance('energy', [energy], 2), `${model}: two distant atoms`);
        expectClose(forces!, new Float64Array(6), 1e-12, `${model}: forces of two distant atoms`);
      }
    },
  },
  {
    name: 'atoms may lie outside the cell, also far outside',
    async check(bench) {
      for (const name of ['two-triclinic', 'two-small', 'two-wire', 'single-slab', 'al-crystal', 'tensor-small']) {
        const { model, input } = potentialVector(name);
        for (const far of [2, 1000]) {
          const random = randomNumbers(far);
          const turns = Array.from(input.positions, (_, i) =>
            input.pbc![i % 3] ? Math.round((2 * random() - 1) * far) : 0,
          );
          const shifts = timesMatrix(turns, input.cell!);
          await expectEqual(
            bench,
            model,
            displaced(input, (i) => shifts[i]),
            input,
            `${name}, ${far} cells away`,
            10,
          );
        }
      }
    },
  },
  {
    name: 'a cell repeated gives every copy the same',
    async check(bench) {
      for (const [name, times] of [
        ['two-small', [2, 2, 2]],
        ['two-triclinic', [2, 1, 1]],
        ['two-wire', [1, 3, 1]],
        ['single-slab', [2, 2, 1]],
        ['al-crystal', [1, 2, 2]],
        ['vector-slab', [1, 2, 1]],
        ['tensor-small', [2, 1, 2]],
      ] as const) {
        const { model, input } = potentialVector(name);
        const n = input.numbers.length;
        const copies = times[0] * times[1] * times[2];
        const [got, small] = [await bench.one(model, repeated(input, times)), await bench.one(model, input)];
        const wanted: Result = { energy: small.energy * copies };
        const copied = (values: Float64Array) =>
          Float64Array.from({ length: values.length * copies }, (_, i) => values[i % values.length]);
        if (small.energies) wanted.energies = copied(small.energies);
        if (small.forces) wanted.forces = copied(small.forces);
        if (small.virial) wanted.virial = small.virial.map((w) => w * copies);
        if (small.sigmaForces) wanted.sigmaForces = copied(small.sigmaForces);
        bench.expectSame(got, wanted, n * copies, name, 4);
      }
    },
  },
  {
    name: 'directions without periodicity: their cell vectors do not matter',
    async check(bench) {
      for (const [name, others] of [
        [
          'single-slab',
          [
            [0, 0, 0],
            [0, 0, 40],
            [9, 9, 3],
          ],
        ],
        [
          'two-wire',
          [
            [0, 0, 0],
            [0, 0, 9],
          ],
        ],
      ] as const) {
        const { model, input } = potentialVector(name);
        for (const vector of others) {
          const cell = input.cell!.map((value, i) => (i >= 6 ? vector[i - 6] : value));
          await expectEqual(bench, model, { ...input, cell }, input, `${name} with third vector ${vector}`);
        }
      }
    },
  },
  {
    name: 'vacuum around is the same as no periodicity',
    async check(bench) {
      const { model, input } = potentialVector('two-gas');
      const cell = Float64Array.of(25, 0, 0, 3, 26, 0, 0, -4, 27);
      await expectEqual(bench, model, { ...input, cell, pbc: [true, true, true] }, input, 'a box of vacuum');
      await expectEqual(bench, model, { ...input, cell, pbc: [false, false, false] }, input, 'a cell without pbc');
    },
  },
];

async function expectEqual(
  bench: Bench,
  model: string,
  got: System,
  want: System,
  what: string,
  slack = 1,
): Promise<void> {
  const [result, wanted] = [await bench.one(model, got), await bench.one(model, want)];
  bench.expectSame(result, wanted, want.numbers.length, what, slack);
}

const transposed = (m: Float64Array): Float64Array => m.map((_, k) => m[3 * (k % 3) + Math.floor(k / 3)]);
