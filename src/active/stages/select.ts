/** Which frames are worth a label: those the members disagree on, unlike each other and unlike what is labelled. */
import type { Structure } from '../../io/structure.ts';
import { farthestPoints } from '../diversity.ts';
import { fingerprints } from '../fingerprint.ts';
import { FILES } from '../folder.ts';
import { type Thresholds, thresholdsOf } from '../held-out.ts';
import { type Stage, samplingModel } from '../stage.ts';

/** Labelled frames that new ones are compared with: the latest ones, for the comparison takes their number times that of candidates. */
const KNOWN = 2000;

export const select: Stage = {
  name: 'select',
  inputs: (context) => [context.folder.of(context.round, FILES.scored), ...samplingModel(context)],
  run: async (context) => {
    const { config, folder, round, current } = context;
    const scored = folder.structures(folder.of(round, FILES.scored));
    // A failure would come again, a label is there.
    const asked = new Set(
      folder.upTo(round - 1, FILES.selected).flatMap((file) => folder.structures(file).map(({ info }) => info.id)),
    );
    const fresh = scored.filter(({ info }) => !asked.has(info.id));
    const counts: Record<string, number> = { 'asked before': scored.length - fresh.length };
    const { count, first, pool } = config.select;
    let candidates: Candidate[];
    if (current === undefined) {
      candidates = fresh.map((frame) => ({ frame, excess: 0, why: 'nothing is known yet' }));
    } else {
      const thresholds = thresholdsOf(context, current);
      counts.threshold_meV_per_angstrom = Math.round(1e3 * thresholds.forces);
      const uncertain = fresh.flatMap((frame) => candidateOf(frame, thresholds) ?? []);
      uncertain.sort((a, b) => b.excess - a.excess || (String(a.frame.info.id) < String(b.frame.info.id) ? -1 : 1));
      counts.uncertain = uncertain.length;
      candidates = uncertain.slice(0, Math.max(count, Math.ceil(pool * uncertain.length)));
    }
    const known = folder.upTo(round - 1, FILES.train).flatMap((file) => folder.structures(file));
    const features = fingerprints(
      candidates.map(({ frame }) => frame),
      known.slice(-KNOWN),
    );
    const chosen = farthestPoints(features.frames, current === undefined ? first : count, { known: features.known });
    const selected = chosen.map((i) => {
      const { frame, why } = candidates[i];
      return { ...frame, info: { ...frame.info, why } };
    });
    const output = folder.of(round, FILES.selected);
    folder.writeStructures(output, selected);
    return { outputs: [output], counts: { frames: selected.length, ...counts } };
  },
};

interface Candidate {
  readonly frame: Structure;
  /** σ over its threshold, the larger one of both. */
  readonly excess: number;
  readonly why: string;
}

function candidateOf(frame: Structure, { forces, energy }: Thresholds): Candidate | undefined {
  const sigma = Number(frame.info.sigma_f_max);
  const rho = Number(frame.info.rho);
  const by = [
    { excess: sigma / forces, why: `max σ_F ${sigma.toPrecision(3)} > ${forces.toPrecision(3)} eV/Å` },
    ...(energy === undefined
      ? []
      : [{ excess: rho / energy, why: `ρ ${rho.toPrecision(3)} > ${energy.toPrecision(3)} eV` }]),
  ];
  const { excess, why } = by.reduce((most, one) => (one.excess > most.excess ? one : most));
  return excess > 1 ? { frame, excess, why } : undefined;
}
