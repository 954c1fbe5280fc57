/** NAME.html: all there is to know of a training on one page that needs nothing else. */
import type { Errors } from '../analysis/assess/errors.ts';
import { escapeHtml, htmlTable, page } from '../analysis/assess/html.ts';
import { reliability } from '../analysis/assess/reliability.ts';
import { reliabilityPlot } from '../analysis/assess/report.ts';
import { type Plot, renderSvg } from '../analysis/plot.ts';
import type { Card } from '../model/card.ts';
import type { Assessment } from './assessment.ts';
import type { EpochRow } from './history.ts';
import type { Exclusion } from './survey.ts';
import type { Worst } from './worst.ts';

export interface ReportData {
  readonly card: Card;
  readonly history: readonly EpochRow[];
  /** `test` or, where there are no test frames, `validation`. */
  readonly on: string;
  readonly assessment: Assessment;
  readonly worst: readonly Worst[];
  /** How messages call a frame. */
  readonly nameOf: (frame: number) => string;
  readonly exclusions: readonly Exclusion[];
  readonly counts: readonly (readonly [string, string])[];
}

export async function renderReport(data: ReportData): Promise<string> {
  const { card, assessment, on, exclusions, counts } = data;
  const plots: Plot[] = [...lossCurves(data.history), ...parities(assessment), ...calibrations(assessment)];
  const svgs: string[] = [];
  for (const plot of plots) svgs.push(await renderSvg(plot));
  const errors: [string, Errors | undefined, string, number][] = [
    ['energy', assessment.energy, 'meV/atom', 1e3],
    ['forces', assessment.forces, 'eV/Å', 1],
    ...[...assessment.forcesByElement].map(([symbol, of]): [string, Errors, string, number] => [
      `forces on ${symbol}`,
      of,
      'eV/Å',
      1,
    ]),
  ];
  const { calibration } = assessment;
  return page(
    `${card.name}: training`,
    `<h1>${escapeHtml(card.name)}</h1>
${htmlTable(['', ''], counts)}
${
  exclusions.length > 0
    ? `<h2>Frames left out</h2>${htmlTable(
        ['why', 'frames', 'first of them'],
        exclusions.map(({ reason, count, example }) => [reason, String(count), example]),
      )}`
    : ''
}
<h2>Errors of the mean of ${card.members} member${card.members > 1 ? 's' : ''} on ${assessment.frames} ${escapeHtml(on)} frames</h2>
${htmlTable(
  ['', 'RMSE', 'MAE', 'largest', '', 'values'],
  errors.flatMap(([name, of, unit, factor]) =>
    of
      ? [[name, ...[of.rmse, of.mae, of.largest].map((x) => (x * factor).toPrecision(3)), unit, String(of.count)]]
      : [],
  ),
)}
${calibration ? `<p>Calibration: errors are ${calibration.sigmaForce.toPrecision(3)} σ<sub>F</sub> and ${calibration.sigmaEnergy.toPrecision(3)} σ<sub>E</sub> (ratios of root mean squares).</p>` : ''}
<div class="plots">${svgs.map((svg) => `<figure>${svg}</figure>`).join('\n')}</div>
<h2>Worst structures</h2>
${htmlTable(
  ['structure', 'formula', 'ΔE, meV/atom', 'largest |ΔF|, eV/Å', 'its σ', 'what speaks for the cause'],
  data.worst.map(({ error, reasons }) => [
    data.nameOf(error.frame),
    error.formula,
    error.energy === undefined ? '' : (1e3 * error.energy).toFixed(2),
    error.forces === undefined ? '' : error.forces.toFixed(3),
    card.members > 1 ? error.sigmaForces.toFixed(3) : '',
    reasons.join('; '),
  ]),
)}
<h2>Card</h2>
<pre>${escapeHtml(JSON.stringify(card, null, 2))}</pre>`,
  );
}

function lossCurves(history: readonly EpochRow[]): Plot[] {
  const members = [...new Set(history.map(({ member }) => member))].sort((a, b) => a - b);
  const curves = (name: string, of: (row: EpochRow) => number | undefined) =>
    members.map((member) => ({
      name: members.length > 1 ? `${name} ${member}` : name,
      points: history.flatMap((row): [number, number][] => {
        const y = row.member === member ? of(row) : undefined;
        return y === undefined ? [] : [[row.epoch, y]];
      }),
    }));
  const plot = (
    title: string,
    y: string,
    train: (row: EpochRow) => number | undefined,
    validation: (row: EpochRow) => number | undefined,
  ): Plot => ({
    ...{ title, x: 'epoch', y, logarithmic: true },
    curves: [...curves('training', train), ...curves('validation', validation)].filter(({ points }) => points.length),
  });
  const meV = (x: number | undefined) => (x === undefined ? undefined : 1e3 * x);
  return [
    plot(
      'Loss',
      'loss',
      (row) => row.train_loss,
      (row) => row.validation_loss,
    ),
    plot(
      'Energy',
      'RMSE, meV/atom',
      (row) => meV(row.train_energy),
      (row) => meV(row.validation_energy),
    ),
    plot(
      'Forces',
      'RMSE, eV/Å',
      (row) => row.train_forces,
      (row) => row.validation_forces,
    ),
  ].filter(({ curves }) => curves.length > 0);
}

function parities({ energyParity, forceParity }: Assessment): Plot[] {
  const parity = (title: string, unit: string, points: readonly (readonly [number, number])[]): Plot => {
    const [low, high] = range(points.flat());
    return {
      ...{ title, x: `label, ${unit}`, y: `mean of members, ${unit}` },
      curves: [
        { name: 'structures', points, style: 'points' },
        {
          name: 'equal',
          points: [
            [low, low],
            [high, high],
          ],
        },
      ],
    };
  };
  return [
    ...(energyParity.length > 0 ? [parity('Energy less that of the atoms', 'eV/atom', energyParity)] : []),
    ...[...forceParity].map(([symbol, points]) => parity(`Forces on ${symbol}`, 'eV/Å', points)),
  ];
}

function calibrations({ calibration, forceScatter, energyScatter }: Assessment): Plot[] {
  if (calibration === undefined) return [];
  return [
    reliabilityPlot('Error of forces against σ', 'eV/Å', {
      factor: calibration.sigmaForce,
      bins: reliability(forceScatter),
    }),
    reliabilityPlot('Error of energies against σ', 'eV/atom', {
      factor: calibration.sigmaEnergy,
      bins: reliability(energyScatter),
    }),
  ];
}

function range(values: readonly number[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [low, high];
}
