/** Training: conformers a second of ANI-1x's architecture, beside the prototype in turn, and of HIP-NN; threads, members. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT, run } from '../lib/process.ts';
import type { Check, Context, Outcome, Row, Section } from '../lib/section.ts';
import { uniform } from '../lib/structures.ts';

const SHARED = join(ROOT, '..', 'shared');
const SOURCE = join(SHARED, 'prototype', 'train');
const WORKER = fileURLToPath(new URL('../lib/training-process.js', import.meta.url));
const SECONDS = 4;
const MEMBERS = 8;

/** What is trained on, whether descriptors are kept, and the prototype's number for it. */
const ANI = [
  { name: 'energy, descriptors kept', terms: 'energy', kept: true, mode: 0 },
  { name: 'energy', terms: 'energy', kept: false, mode: 5 },
  { name: 'energy + force, descriptors kept', terms: 'forces', kept: true, mode: 1 },
  { name: 'energy + force', terms: 'forces', kept: false, mode: 2 },
].map((one) => ({ ...one, architecture: 'ani' }) as const);
const HIPNN = [20, 80].flatMap((features) =>
  (['energy', 'forces'] as const).map((terms) => ({
    name: `HIP-NN, ${features} features, ${terms === 'energy' ? 'energy' : 'energy + force'}`,
    architecture: `hipnn-${features}`,
    terms,
    kept: false,
    mode: undefined,
  })),
);
const CASES: readonly Case[] = [...ANI, ...HIPNN];

export const training: Section = {
  name: 'training',
  title: 'Training: ANI-1x’s architecture and HIP-NN, batches of 256, Adam',
  async run(context): Promise<Outcome> {
    const rows: Row[] = [];
    const checks: Check[] = [];
    const conformers = conformersOf(context);
    const prototype = context.quick ? undefined : await build(join(context.folder, 'prototype-training'));
    for (const one of CASES) {
      context.say(one.name);
      const rates = { own: 0, other: 0, single: 0, members: 0 };
      let bytes = 0;
      for (let round = 0; round < context.rounds; round++) {
        const own = await measure(context, conformers, one, 1, context.threads);
        bytes = own.bytes;
        rates.own = Math.max(rates.own, ...own.rates);
        if (prototype && one.mode !== undefined)
          rates.other = Math.max(rates.other, await prototypeRate(prototype, one.mode, context.threads));
        rates.single = Math.max(rates.single, ...(await measure(context, conformers, one, 1, 1)).rates);
        const side = await measure(context, conformers, one, MEMBERS, context.threads);
        rates.members = Math.max(rates.members, ...side.rates);
      }
      const claim = (text: string, got: number, bar: number): Check => ({
        claim: `training, ${one.name}: ${text}`,
        measured: `${got.toFixed(2)} of ${bar}`,
        holds: got >= bar,
      });
      rows.push({
        case: one.name,
        'conformers/s': rates.own.toFixed(0),
        'prototype /s': rates.other === 0 ? '' : rates.other.toFixed(0),
        ratio: rates.other === 0 ? '' : (rates.own / rates.other).toFixed(2),
        '1 thread /s': rates.single.toFixed(0),
        [`${MEMBERS} members /s`]: rates.members.toFixed(0),
        'kB a conformer': (bytes / 1000).toFixed(1),
      });
      if (rates.other > 0) checks.push(claim('rate over the prototype’s', rates.own / rates.other, 0.8));
      if (context.threads === 2) checks.push(claim('two threads over one', rates.own / rates.single, 1.75));
      checks.push(claim(`${MEMBERS} members over one`, rates.members / rates.own, 0.9));
      checks.push(claim('25 kB over bytes a conformer', 25_000 / bytes, 1));
    }
    return { rows, checks, notes: NOTES };
  },
};

const NOTES = [
  'Conformers of one member a second, the fastest epoch of all rounds; of several members side by side, conformers times members. Without ' +
    'descriptors kept, they are computed anew in every step. Two threads and one, and the prototype, in turn.',
];

interface Case {
  readonly name: string;
  readonly architecture: string;
  readonly terms: string;
  readonly kept: boolean;
  readonly mode: number | undefined;
}

async function measure(
  { mlts, quick }: Context,
  conformers: string,
  { architecture, terms, kept }: Case,
  members: number,
  threads: number,
) {
  const build = join(dirname(mlts.at(-1) as string), '..');
  const settings = [build, architecture, conformers, members, threads, kept ? 4e9 : 0, terms, quick ? 0.1 : SECONDS];
  const text = await run([process.execPath, WORKER, ...settings.map(String)]);
  return JSON.parse(text) as { rates: number[]; bytes: number };
}

/** Labelled conformers of small molecules where they lie beside the checkout, else distorted alcohols, arbitrarily labelled. */
function conformersOf({ structures, folder }: Context): string {
  const shared = join(SHARED, 'bench', 'training', 'conformers.xyz');
  if (existsSync(shared)) return shared;
  const random = uniform(11);
  const { symbols, positions } = structures.get('alcohol_9') as NonNullable<ReturnType<typeof structures.get>>;
  const frames = Array.from({ length: 2000 }, () => {
    const rows = symbols.map((symbol, i) => {
      const moved = [...positions.subarray(3 * i, 3 * i + 3)].map((x) => x + 0.2 * (random() - 0.5));
      return [symbol, ...moved, random() - 0.5, random() - 0.5, random() - 0.5].join(' ');
    });
    return [symbols.length, `energy=${random()}`, ...rows].join('\n');
  });
  const path = join(folder, 'conformers.xyz');
  writeFileSync(path, `${frames.join('\n')}\n`);
  return path;
}

/** The prototype's folder, compiled and with its inputs; undefined where its source is not there. */
async function build(folder: string): Promise<string | undefined> {
  if (!existsSync(join(SOURCE, 'train.cpp'))) return undefined;
  mkdirSync(folder, { recursive: true });
  await run([join(ROOT, '.venv', 'bin', 'python'), join(SOURCE, 'inputs.py')], { cwd: folder });
  const options = ['-O3', '-march=native', '-ffast-math', '-fopenmp', '-pthread', '-std=c++20'];
  await run(['g++', ...options, join(SOURCE, 'train.cpp'), '-o', 'train'], { cwd: folder });
  return folder;
}

/** Conformers a second of its fastest of 20 epochs. */
async function prototypeRate(folder: string, mode: number, threads: number): Promise<number> {
  const env = { REP: '20', NT: String(threads), OMP_NUM_THREADS: String(threads) };
  const text = await run(['./train', String(mode)], { cwd: folder, env });
  const rate = /: (\d+) samples\/s/.exec(text)?.[1];
  if (rate === undefined) throw new Error(`the prototype said: ${text}`);
  return Number(rate);
}
