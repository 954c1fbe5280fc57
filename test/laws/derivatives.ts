/** Laws of derivatives: forces and virial against finite differences of the energy. */

import type { System } from '../../src/engine/potential.ts';
import { expectClose, largest } from '../support/close.ts';
import { displaced, randomNumbers, transformed } from '../support/systems.ts';
import { potentialVector } from '../support/vectors.ts';
import type { Bench, Law } from './bench.ts';

const names = [
  'two-gas',
  'two-triclinic',
  'two-small',
  'two-wire',
  'single-slab',
  'smooth-gas',
  'seven-gas',
  'al-crystal',
  'scalar-gas',
  'vector-slab',
  'tensor-gas',
  'tensor-small',
];
const domains = ['two-domain', 'tensor-domain'];

/** Steps in Å (or strain) and what is allowed, of the largest derivative: small in double, above the noise in single. */
const STEPS = { double: { step: 1e-5, allowed: 1e-6 }, single: { step: 4e-3, allowed: 2e-2 } };

export const derivativeLaws: readonly Law[] = [
  {
    name: 'forces are −dE/dR of every coordinate (double) or along random directions (single)',
    needs: ['forces'],
    async check(bench) {
      for (const name of names) await checkForces(bench, name);
    },
  },
  {
    name: 'forces of a domain, ghosts included, are −dE/dR of its owned energy',
    needs: ['forces'],
    domains: true,
    async check(bench) {
      for (const name of domains) await checkForces(bench, name);
    },
  },
  {
    name: 'the virial is −dE/dε for every component of a strain',
    needs: ['virial'],
    async check(bench) {
      for (const name of names) await checkVirial(bench, name);
    },
  },
  {
    name: 'the virial of a domain is −dE/dε of its owned energy',
    needs: ['virial'],
    domains: true,
    async check(bench) {
      for (const name of domains) await checkVirial(bench, name);
    },
  },
];

async function checkForces(bench: Bench, name: string): Promise<void> {
  const { model, input } = potentialVector(name);
  const { forces } = await bench.one(model, input, ['forces']);
  const size = input.positions.length;
  const random = randomNumbers(size);
  const directions =
    bench.precision === 'double'
      ? Array.from({ length: size }, (_, i) => Float64Array.from({ length: size }, (_, k) => (k === i ? 1 : 0)))
      : Array.from({ length: 3 }, () => Float64Array.from({ length: size }, () => 2 * random() - 1));
  const slopes = await slopesOf(bench, model, directions, (along, step) => displaced(input, (i) => step * along[i]));
  const wanted = directions.map((along) => -dot(forces!, along));
  expectClose(slopes, wanted, STEPS[bench.precision].allowed * scale(forces!, bench), `${name}: dE along directions`);
}

async function checkVirial(bench: Bench, name: string): Promise<void> {
  const { model, input } = potentialVector(name);
  const { virial } = await bench.one(model, input, ['virial']);
  const strains = Array.from({ length: 9 }, (_, i) => Float64Array.from({ length: 9 }, (_, k) => (k === i ? 1 : 0)));
  const slopes = await slopesOf(bench, model, strains, (strain, step) =>
    transformed(
      input,
      strain.map((e, k) => (k % 4 === 0 ? 1 : 0) + step * e),
    ),
  );
  const wanted = Array.from(virial!, (w) => -w);
  expectClose(slopes, wanted, STEPS[bench.precision].allowed * scale(virial!, bench), `${name}: dE/dε`);
}

/** Largest derivative; in single precision the norm, which random directions see. */
const scale = (derivatives: Float64Array, { precision }: Bench): number =>
  Math.max(1, precision === 'double' ? largest(derivatives) : Math.hypot(...derivatives));

/** Slopes of the energy along directions: four-point central differences, all in one batch. */
async function slopesOf(
  bench: Bench,
  model: string,
  directions: readonly Float64Array[],
  move: (direction: Float64Array, step: number) => System,
): Promise<number[]> {
  const { step } = STEPS[bench.precision];
  const systems = directions.flatMap((along) => [-2, -1, 1, 2].map((k) => move(along, k * step)));
  const E = (await bench.evaluate(model, systems, [])).map(({ energy }) => energy);
  return directions.map((_, d) => (E[4 * d] - 8 * E[4 * d + 1] + 8 * E[4 * d + 2] - E[4 * d + 3]) / (12 * step));
}

const dot = (a: ArrayLike<number>, b: Float64Array): number => b.reduce((sum, x, i) => sum + x * a[i], 0);
