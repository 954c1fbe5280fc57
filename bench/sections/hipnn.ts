/**
 * HIP-NN: energy and forces of one network, beside the prototype in turn where it knows the structure; what tensor
 * orders and committees cost.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HipnnShape } from '../lib/hipnn-model.ts';
import { ROOT, run } from '../lib/process.ts';
import type { PrototypeTime } from '../lib/prototype.ts';
import { type Check, type Context, chosen, ms, type Outcome, type Row, type Section } from '../lib/section.ts';
import { median } from '../lib/statistics.ts';
import type { Structure } from '../lib/structures.ts';

const SOURCE = join(ROOT, '..', 'shared', 'prototype', 'hipnn');
const WORKER = fileURLToPath(new URL('../lib/hipnn-process.js', import.meta.url));
const FEATURES = [20, 80];
const MEMBERS = 4;
const SECONDS = 1;
/** Elements that the models know. */
const KNOWN = new Set(['H', 'C', 'N', 'O', 'F', 'S', 'Cl']);

export const hipnn = (names: readonly string[]): Section => ({
  name: 'hipnn',
  title: 'HIP-NN: energy and forces of one network, tensor orders, committees',
  async run(context): Promise<Outcome> {
    const prototype = context.quick ? undefined : await build(join(context.folder, 'prototype-hipnn'));
    const rows: Row[] = [];
    const checks: Check[] = [];
    const known = names.filter((name) => context.structures.get(name)?.symbols.every((symbol) => KNOWN.has(symbol)));
    for (const structure of chosen(context, known)) {
      for (const features of FEATURES) {
        context.say(`${structure.name}, ${features} features`);
        const { row, check } = await one(context, structure, features, prototype);
        rows.push(row);
        checks.push(...check);
      }
    }
    return { rows, checks, notes: NOTES };
  },
});

const NOTES = [
  'Two interaction layers of three atom layers, 20 sensitivity functions, 7.5 Å. Milliseconds: median over the rounds of each run’s ' +
    'median, and in brackets the smallest; *ratio* to the prototype of the smallest times, which another program on the machine disturbs ' +
    `least. *ℓ = 1*, *ℓ = 2*: the same shape with tensors. *${MEMBERS} members*: forces and σ_F of a committee in one evaluation.`,
];

async function one(
  context: Context,
  structure: Structure,
  features: number,
  prototype: string | undefined,
): Promise<{ row: Row; check: Check[] }> {
  const weights = prototype === undefined ? {} : { weights: join(prototype, `w${features}.bin`) };
  const shape = { features, members: 1 };
  const own: PrototypeTime[] = [];
  const other: PrototypeTime[] = [];
  const variants: Record<string, PrototypeTime[]> = { 'ℓ = 1 ms': [], 'ℓ = 2 ms': [], [`${MEMBERS} members ms`]: [] };
  for (let round = 0; round < context.rounds; round++) {
    own.push(await time(context, structure, { ...shape, order: 0, ...weights }));
    if (prototype !== undefined) other.push(await prototypeTime(prototype, features, structure, context.threads));
    variants['ℓ = 1 ms'].push(await time(context, structure, { ...shape, order: 1 }));
    variants['ℓ = 2 ms'].push(await time(context, structure, { ...shape, order: 2 }));
    variants[`${MEMBERS} members ms`].push(await time(context, structure, { features, members: MEMBERS, order: 0 }));
  }
  const [mine, theirs] = [least(own), other.length === 0 ? undefined : least(other)];
  const atoms = structure.symbols.length;
  const row: Row = {
    structure: structure.name,
    atoms,
    features,
    ms: told(own),
    'prototype ms': other.length === 0 ? '' : told(other),
    ratio: theirs === undefined ? '' : (mine / theirs).toFixed(2),
  };
  for (const [name, times] of Object.entries(variants)) row[name] = told(times);
  if (theirs === undefined || atoms < 96) return { row, check: [] };
  const claim = `${structure.name}, ${features} features: within 25 % of the prototype`;
  const measured = `${ms(mine)} of ${ms(1.25 * theirs)} ms`;
  return { row, check: [{ claim, measured, holds: mine <= 1.25 * theirs }] };
}

const least = (times: readonly PrototypeTime[]): number => Math.min(...times.map(({ min }) => min));
const told = (times: readonly PrototypeTime[]): string =>
  `${ms(median(times.map((one) => one.median)))} (${ms(least(times))})`;

async function time({ mlts, threads, quick }: Context, { path }: Structure, shape: HipnnShape): Promise<PrototypeTime> {
  const build = join(dirname(mlts.at(-1) as string), '..');
  const settings = [build, JSON.stringify(shape), path, String(threads), String(quick ? 0.1 : SECONDS)];
  return JSON.parse(await run([process.execPath, WORKER, ...settings])) as PrototypeTime;
}

/** The prototype's folder with its weights, compiled; undefined where its source is not there. */
async function build(folder: string): Promise<string | undefined> {
  if (!existsSync(join(SOURCE, 'hip.cpp'))) return undefined;
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(SOURCE).filter((name) => name.endsWith('.bin')))
    if (!existsSync(join(folder, file))) copyFileSync(join(SOURCE, file), join(folder, file));
  const options = ['-O3', '-march=native', '-ffast-math', '-fopenmp', '-std=c++20'];
  await run(['g++', ...options, join(SOURCE, 'hip.cpp'), '-o', 'hip'], { cwd: folder });
  return folder;
}

/** It runs for about 1.5 s. */
async function prototypeTime(
  folder: string,
  features: number,
  { path }: Structure,
  threads: number,
): Promise<PrototypeTime> {
  const text = await run(['./hip', String(features), path, '-', String(threads)], { cwd: folder });
  const [, min, median] = /min ([\d.]+) ms {2}median ([\d.]+) ms/.exec(text) ?? [];
  if (median === undefined) throw new Error(`the prototype said: ${text}`);
  return { min: Number(min), median: Number(median) };
}
