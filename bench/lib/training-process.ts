/**
 * Training steps in a process of its own: BUILD ARCHITECTURE CONFORMERS MEMBERS THREADS DESCRIPTOR_BYTES TERMS SECONDS,
 * ARCHITECTURE being `ani` (ANI-1x's) or `hipnn-FEATURES`, TERMS `energy` or `forces`. Random weights. Prints conformers times members a second, each epoch's, and
 * the bytes a conformer takes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { numberOf } from '../../src/elements.ts';
import type { LossTerm, TrainingFrame } from '../../src/training/engine.ts';
import { aniModel } from './ani-model.ts';
import { hipnnModel } from './hipnn-model.ts';

const BATCH = 256;
const [build, architecture, conformers, memberCount, threads, descriptorBytes, terms, seconds] = process.argv.slice(2);
const { createTrainer } = (await import(
  join(build, 'training', 'trainer.js')
)) as typeof import('../../src/training/trainer.ts');

/** Frames of extended XYZ with columns species, pos, forces. */
function frames(path: string): TrainingFrame[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const found: TrainingFrame[] = [];
  for (let at = 0; at < lines.length; at += Number(lines[at]) + 2) {
    const rows = lines.slice(at + 2, at + 2 + Number(lines[at])).map((line) => line.trim().split(/\s+/));
    found.push({
      numbers: Int32Array.from(rows, ([symbol]) => numberOf(symbol) ?? 0),
      positions: Float64Array.from(rows.flatMap((row) => row.slice(1, 4).map(Number))),
      forces: Float64Array.from(rows.flatMap((row) => row.slice(4, 7).map(Number))),
      energy: Number(/energy=(\S+)/.exec(lines[at + 1])?.[1]),
    });
  }
  return found;
}

const members = Number(memberCount);
const model =
  architecture === 'ani'
    ? aniModel(members)
    : hipnnModel({ features: Number(architecture.slice(6)), order: 0, members });
const trainer = createTrainer(model, { threads: Number(threads), descriptorBytes: Number(descriptorBytes) });
const ids = Int32Array.from(await trainer.load(frames(conformers)), (id) => {
  if (typeof id !== 'number') throw id;
  return id;
});
const loss: LossTerm[] = [{ of: 'energy', form: 'squared', weight: 1, power: 0.25 }];
if (terms === 'forces') loss.push({ of: 'forces', form: 'squared', weight: 0.3, mean: 'frames' });
const rates: number[] = [];
const end = performance.now() + 1000 * Number(seconds);
do {
  const start = performance.now();
  for (let first = 0; first < ids.length; first += BATCH) {
    const batch = ids.subarray(first, first + BATCH);
    await trainer.step(new Array<Int32Array>(members).fill(batch), loss, { learningRate: 1e-3 });
  }
  rates.push((1000 * members * ids.length) / (performance.now() - start));
} while (performance.now() < end);
process.stdout.write(JSON.stringify({ rates, bytes: trainer.frameBytes() / ids.length }));
process.exit(0);
