/** Candidate and campaign's model on the same held-out frames and the same suite. */
import type { Scatter } from '../../analysis/assess/reliability.ts';
import { frameOf } from '../../dataset/structures.ts';
import type { Potential, Result } from '../../engine/potential.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import { FILES } from '../folder.ts';
import type { Assessment, FrameErrors, Measured } from '../held-out.ts';
import type { Context, Stage } from '../stage.ts';
import type { Metric } from '../suite/metric.ts';
import { batches } from './score.ts';

export const assess: Stage = {
  name: 'assess',
  inputs: (context) => {
    const { folder, round, current } = context;
    const before = current === undefined ? [] : [folder.of(current, FILES.model)];
    return [folder.of(round, FILES.model), ...before, ...folder.upTo(round, FILES.test)];
  },
  run: async (context) => {
    const { folder, round, current } = context;
    const frames = folder.upTo(round, FILES.test).flatMap((file) => folder.structures(file));
    const candidate = await measure(context, round, frames);
    const output = folder.of(round, FILES.assessment);
    folder.writeJson(output, {
      ...candidate,
      current: current === undefined ? null : await measure(context, current, frames),
    } satisfies Assessment);
    const { all } = candidate.errors;
    return {
      outputs: [output],
      counts: {
        held_out: frames.length,
        metrics: candidate.metrics.length,
        energy_rmse_mev_per_atom: Number(all.energy_rmse_mev_per_atom.toPrecision(4)),
        force_rmse_mev_per_angstrom: Number((1e3 * all.force_rmse).toPrecision(4)),
      },
    };
  },
};

async function measure(context: Context, round: number, frames: readonly Structure[]): Promise<Measured> {
  const { config, folder, host, signal } = context;
  const potential = await context.open(folder.of(round, FILES.model));
  try {
    const held = await heldOutErrors(potential, frames, context);
    const metrics: Metric[] = [];
    for (const [i, measurement] of config.suite.entries()) {
      host.progress(i, config.suite.length, `suite: ${measurement.name}`);
      const say = (text: string) => host.say(text);
      metrics.push(...(await measurement.measure({ potential, seed: config.seed, say, signal })));
    }
    // JSON knows no Infinity.
    const finite = metrics.map((metric) => ({ ...metric, value: Number.isFinite(metric.value) ? metric.value : null }));
    return { metrics: finite, ...held };
  } finally {
    potential.close();
  }
}

/** Sums of squares, by sampler and over all. */
class Sums {
  #frames = 0;
  #energy = 0;
  #forces = 0;
  #components = 0;

  /** @param perAtom eV @param forces Σ(ΔF)² over `components` */
  add(perAtom: number, forces: number, components: number): void {
    this.#frames++;
    this.#energy += perAtom * perAtom;
    this.#forces += forces;
    this.#components += components;
  }

  get(): FrameErrors {
    return {
      frames: this.#frames,
      energy_rmse_mev_per_atom: 1e3 * Math.sqrt(this.#energy / this.#frames),
      force_rmse: Math.sqrt(this.#forces / this.#components),
    };
  }
}

async function heldOutErrors(
  potential: Potential,
  frames: readonly Structure[],
  { host, signal, round }: Context,
): Promise<Pick<Measured, 'errors' | 'heldOut'>> {
  const all = new Sums();
  const bySampler = new Map<string, Sums>();
  const forces = { sigma: [] as number[], error: [] as number[] } satisfies Scatter;
  const energy = { sigma: [] as number[], error: [] as number[] } satisfies Scatter;
  for (const [batch, done] of batches(frames)) {
    host.progress(done, frames.length, 'held-out frames');
    const outcomes = await potential.evaluate(batch, new Set(['forces', 'sigma']), { signal });
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome instanceof MltsError) throw outcome;
      const errors = errorsOf(batch[i], outcome);
      const sampler = String(batch[i].info.sampler);
      const sums = bySampler.get(sampler) ?? new Sums();
      bySampler.set(sampler, sums);
      for (const one of [all, sums]) one.add(errors.perAtom, errors.squares, 3 * batch[i].numbers.length);
      forces.sigma.push(errors.sigma);
      forces.error.push(errors.largest);
      energy.sigma.push(outcome.rho!);
      energy.error.push(Math.abs(errors.perAtom) * Math.sqrt(batch[i].numbers.length));
    }
  }
  if (frames.length === 0) {
    throw new MltsError(
      'E_EMPTY',
      `after round ${round} no label is held out`,
      'Label more frames in the first round (select.first): each sampler needs two or more.',
    );
  }
  const errors = {
    all: all.get(),
    bySampler: Object.fromEntries([...bySampler].map(([name, sums]) => [name, sums.get()])),
  };
  return { errors, heldOut: { forces, energy } };
}

function errorsOf(structure: Structure, { energy, forces, sigmaForces }: Result) {
  const label = frameOf(structure);
  let [squares, largest] = [0, 0];
  for (let i = 0; i < structure.numbers.length; i++) {
    let squared = 0;
    for (let k = 3 * i; k < 3 * i + 3; k++) squared += (forces![k] - label.forces![k]) ** 2;
    squares += squared;
    largest = Math.max(largest, Math.sqrt(squared));
  }
  const sigma = sigmaForces!.reduce((most, one) => Math.max(most, one), 0);
  return { perAtom: (energy - label.energy!) / structure.numbers.length, squares, largest, sigma };
}
