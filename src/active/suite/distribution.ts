/** g(r) of a run against a known one. */
import { readFrames } from '../../analysis/frames.ts';
import { RadialDistribution, type Rdf, type RdfOptions } from '../../analysis/rdf.ts';
import { symbolOf } from '../../elements.ts';
import { MltsError } from '../../errors.ts';
import { parseFrameIndex } from '../../io/slice.ts';
import type { Metric } from './metric.ts';
import { readTable } from './reference.ts';

/** A g(r) that is known: of a trajectory, or a table. */
export interface Known {
  /** Middle of each bin, Å; evenly apart. */
  readonly r: readonly number[];
  /** `all`, or `Al–Ni` for a pair. */
  readonly distributions: readonly Distribution[];
}

interface Distribution {
  readonly pair: string;
  readonly g: ArrayLike<number>;
  /** Standard error of each bin; NaN where it is not known. */
  readonly error: ArrayLike<number>;
}

/** Wide bins, for runs are short, Å. */
const BIN = 0.05;

/** g of every frame of a trajectory. @throws MltsError E_CELL where it is not periodic */
export function knownFromTrajectory(file: string): Known {
  const radial = new RadialDistribution({ bin: BIN });
  for (const frame of readFrames(file, { index: parseFrameIndex(':') })) radial.add(frame);
  return knownOf(radial.result());
}

/** As `mlts analyze rdf --out FILE.csv` writes it. @throws MltsError E_FILE */
export function knownFromTable(file: string): Known {
  const { names, rows } = readTable(file);
  const column = (name: string) => {
    const at = names.indexOf(name);
    return rows.map((row) => (at < 0 ? Number.NaN : row[at]));
  };
  const r = column('r_A');
  const pairs = names.flatMap((name) => (name.startsWith('g ') ? [name.slice(2)] : []));
  const bin = r[1] - r[0];
  const isEven = r.length > 1 && bin > 0 && r.every((at, k) => Math.abs(at - (k + 0.5) * bin) < 0.01 * bin);
  const isWhole = pairs.length > 0 && pairs.every((pair) => column(`g ${pair}`).every(Number.isFinite));
  if (!isEven || !isWhole) {
    throw new MltsError(
      'E_FILE',
      `${file} holds no g(r): columns r_A, middles of even bins from 0, and g all`,
      'Make it with `mlts analyze rdf TRAJECTORY --out FILE.csv`.',
    );
  }
  return { r, distributions: pairs.map((pair) => ({ pair, g: column(`g ${pair}`), error: column(`error ${pair}`) })) };
}

/** Bins like those of the known one. */
export const rdfLike = ({ r }: Known): RdfOptions => {
  const bin = r[1] - r[0];
  return { bin, cutoff: r.length * bin };
};

export const knownOf = ({ r, distributions }: Rdf): Known => ({
  r: [...r],
  distributions: distributions.map(({ pair, g, error }) => ({
    pair: pair === undefined ? 'all' : pair.map(symbolOf).join('–'),
    ...{ g, error },
  })),
});

/**
 * A metric for each known distribution; Infinity for what the run has not. Its resolution is twice the root mean square of both
 * standard errors, which short runs have.
 * @param found undefined for a run that failed
 */
export function compareRdf(name: string, known: Known, found: Known | undefined): Metric[] {
  return known.distributions.map(({ pair, g, error }): Metric => {
    const own = found?.distributions.find((one) => one.pair === pair);
    const metric = `${name}: g(r)${pair === 'all' ? '' : ` ${pair}`}`;
    if (own === undefined) return { name: metric, value: Infinity, unit: '' };
    const bins = Array.from({ length: Math.min(g.length, own.g.length) }, (_, k) => k);
    const rms = (value: (k: number) => number) =>
      Math.sqrt(bins.reduce((sum, k) => sum + value(k) ** 2, 0) / bins.length);
    const noise = rms((k) => Math.hypot(finite(error[k]), finite(own.error[k])));
    return { name: metric, value: rms((k) => own.g[k] - g[k]), unit: '', resolution: 2 * noise };
  });
}

const finite = (value: number): number => (Number.isFinite(value) ? value : 0);
