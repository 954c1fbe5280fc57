/**
 * The evaluation alone: energy, forces, virial and σ of every structure, beside the prototype in turn, and on narrower
 * instruction sets. Which limit applies: the time its flops take at the rate of the matrix kernel, or the time its
 * weights take to be read once.
 */
import { copyRate } from '../lib/machine.ts';
import { measure, type Native } from '../lib/measure.ts';
import { type BenchModel, weightBytes } from '../lib/models.ts';
import {
  type Check,
  type Context,
  chosen,
  modelFor,
  ms,
  type Outcome,
  percent,
  type Row,
  type Section,
} from '../lib/section.ts';
import { median, spread } from '../lib/statistics.ts';
import type { Structure } from '../lib/structures.ts';

const ISAS = ['avx2', 'portable'] as const;

export const speed = (names: readonly string[]): Section => ({
  name: 'speed',
  title: 'Evaluation: energy, forces, virial and every member’s forces (σ_F)',
  async run(context): Promise<Outcome> {
    const rows: Row[] = [];
    const checks: Check[] = [];
    for (const structure of chosen(context, names)) {
      context.say(structure.name);
      const { row, found } = await one(context, structure);
      rows.push(row);
      checks.push(...found);
    }
    return { rows, checks, notes: NOTES };
  },
});

const NOTES = [
  'Milliseconds of one evaluation, positions moved before each so that the neighbour list is what MD would have; median over the rounds of each ' +
    'run’s median, and in brackets the smallest. *spread*: interquartile range over median, between rounds. *network*: rate of the network part as a ' +
    'fraction of the matrix kernel’s rate from L1, measured in the same process. *floor*: flops at that rate, or weights read once at the ' +
    'rate this machine copies as many bytes, whichever is longer; *limit* says which.',
];

async function one(context: Context, structure: Structure): Promise<{ row: Row; found: Check[] }> {
  const model = modelFor(context, structure);
  const runs: Native[] = [];
  const other: number[] = [];
  const { prototype } = context;
  const compared = model.weights === 'published' && prototype?.knows(structure.name) ? prototype : undefined;
  for (let round = 0; round < context.rounds; round++) {
    runs.push(await measure(context, model, structure));
    if (compared !== undefined) other.push((await compared.time(structure.name, context.threads, 1)).median);
  }
  const medians = runs.map((run) => run.ms_median);
  const { natoms, flops } = runs[0];
  const peak = median(runs.map((run) => run.gemm_gflops_peak));
  const fraction = median(runs.map((run) => run.fraction_of_peak));
  const bytes = weightBytes(model, new Set(structure.symbols));
  const [byFlops, byBytes] = [flops / peak / 1e6, bytes / (context.threads * copyRate(bytes)) / 1e6];
  const row: Row = {
    structure: structure.name,
    atoms: natoms,
    model: label(model),
    ms: `${ms(median(medians))} (${ms(Math.min(...runs.map((run) => run.ms_min)))})`,
    spread: percent(spread(medians)),
    'prototype ms': other.length === 0 ? '' : ms(median(other)),
    ratio: other.length === 0 ? '' : (median(medians) / median(other)).toFixed(2),
    network: percent(fraction),
    'floor ms': ms(Math.max(byFlops, byBytes)),
    limit: byFlops > byBytes ? 'flops' : 'bytes',
  };
  for (const isa of ISAS) row[`${isa} ms`] = ms((await measure(context, model, structure, isa)).ms_median);
  return { row, found: claims(structure.name, natoms, median(medians), other, fraction) };
}

const label = ({ name, weights }: BenchModel): string => (weights === 'published' ? name : `${name}, random weights`);

function claims(name: string, natoms: number, mine: number, other: readonly number[], fraction: number): Check[] {
  const checks: Check[] = [];
  if (other.length > 0) {
    const bar = natoms >= 96 ? 1.15 * median(other) : 1.25 * median(other) + 0.05;
    const claim = natoms >= 96 ? 'within 15 % of the prototype' : 'within 25 % + 0.05 ms of the prototype';
    checks.push({ claim: `${name}: ${claim}`, measured: `${ms(mine)} of ${ms(bar)} ms`, holds: mine <= bar });
  }
  if (natoms >= 264) {
    const claim = `${name}: network part ≥ 85 % of the kernel’s in-L1 rate`;
    checks.push({ claim, measured: percent(fraction), holds: fraction >= 0.85 });
  }
  return checks;
}
