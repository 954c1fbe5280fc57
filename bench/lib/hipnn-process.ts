/**
 * Evaluations of one HIP-NN in a process of its own: BUILD SHAPE(JSON) STRUCTURE THREADS SECONDS. Energy, forces and,
 * of several members, σ, atoms moved a little before each. Prints one JSON object; ms.
 */
import { join } from 'node:path';
import { numberOf } from '../../src/elements.ts';
import { type HipnnShape, hipnnModel } from './hipnn-model.ts';
import { median } from './statistics.ts';
import { readStructure, uniform } from './structures.ts';

const SHIFT = 0.01; // Å, about what an atom moves in a step
const WARM_UP = 20;

const [build, shape, path, threads, seconds] = process.argv.slice(2);
const { NativePotential } = (await import(
  join(build, 'engine', 'native.js')
)) as typeof import('../../src/engine/native.ts');
const model = hipnnModel(JSON.parse(shape) as HipnnShape);
const { symbols, positions: home, cell } = readStructure(path);
const potential = new NativePotential(model, { threads: Number(threads) });
const random = uniform(4);
const system = {
  numbers: Int32Array.from(symbols, (symbol) => numberOf(symbol) ?? 0),
  positions: home.slice(),
  ...(cell === undefined ? {} : { cell, pbc: [true, true, true] as const }),
  trajectory: potential.createTrajectory(),
};
const want = new Set(model.members > 1 ? (['forces', 'sigma'] as const) : (['forces'] as const));

async function step(): Promise<number> {
  for (let i = 0; i < home.length; i++) system.positions[i] = home[i] + SHIFT * (random() - 0.5);
  const start = performance.now();
  const [outcome] = await potential.evaluate([system], want);
  if (outcome instanceof Error) throw outcome;
  return performance.now() - start;
}

for (let i = 0; i < WARM_UP; i++) await step();
const times: number[] = [];
const end = performance.now() + 1000 * Number(seconds);
while (performance.now() < end) times.push(await step());
process.stdout.write(JSON.stringify({ min: Math.min(...times), median: median(times) }));
process.exit(0);
