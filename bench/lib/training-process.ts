/**
 * Training steps in a process of its own: BUILD CONFORMERS MEMBERS THREADS DESCRIPTOR_BYTES TERMS SECONDS, TERMS being
 * `energy` or `forces`. ANI-1x architecture, random weights. Prints conformers times members a second, each epoch's, and
 * the bytes a conformer takes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { numberOf } from '../../src/elements.ts';
import type { AniModel } from '../../src/model/model.ts';
import type { LossTerm, TrainingFrame } from '../../src/training/engine.ts';
import { uniform } from './structures.ts';

const BATCH = 256;
const HIDDEN = [
  [160, 128, 96],
  [144, 112, 96],
  [128, 112, 96],
  [128, 112, 96],
];

const [build, conformers, memberCount, threads, descriptorBytes, terms, seconds] = process.argv.slice(2);
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
const random = uniform(7);
const equallySpaced = (count: number, first: number, step: number) =>
  Float64Array.from({ length: count }, (_, k) => first + k * step);
const model: AniModel = {
  name: 'training',
  sha256: '',
  architecture: 'ani',
  elements: [1, 6, 7, 8],
  members,
  cutoff: 5.2,
  reach: 5.2,
  minDistance: 0.5,
  descriptor: {
    cutoffFunction: 'cosine',
    radial: { cutoff: 5.2, eta: 16, shifts: equallySpaced(16, 0.9, 4.3 / 16) },
    angular: {
      cutoff: 3.5,
      eta: 8,
      zeta: 32,
      shifts: equallySpaced(4, 0.9, 0.65),
      sections: equallySpaced(8, Math.PI / 16, Math.PI / 8),
    },
  },
  celuAlpha: 0.1,
  networks: HIDDEN.map((hidden) => ({
    layers: [...hidden, 1].map((outputs, l) => {
      const inputs = l === 0 ? 384 : hidden[l - 1];
      const weights = Float32Array.from(
        { length: members * outputs * inputs },
        () => (2 * random() - 1) * Math.sqrt(3 / inputs),
      );
      return { inputs, outputs, weights, biases: new Float32Array(members * outputs) };
    }),
  })),
  selfEnergies: new Float64Array(4),
  energyScale: 27.2,
};

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
