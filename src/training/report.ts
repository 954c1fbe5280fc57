/** NAME.html: all there is to know of a training on one page that needs nothing else. */
import { type Plot, renderSvg } from '../analysis/plot.ts';
import type { Card } from '../model/card.ts';
import type { Assessment, Errors, Scatter } from './assessment.ts';
import { reliability } from './calibration.ts';
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

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  `<table><thead><tr>${head.map((cell) => `<th>${escaped(cell)}</th>`).join('')}</tr></thead><tbody>${rows
    .map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`)
    .join('')}</tbody></table>`;

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:1580px;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;margin:1em 0}th,td{padding:.25em .8em;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}
.plots{display:flex;flex-wrap:wrap;gap:1em}.plots figure{margin:0;flex:0 1 760px}pre{background:#f6f6f6;padding:1em;overflow:auto}svg{max-width:100%;height:auto}`;

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
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${escaped(card.name)}: training</title><style>${STYLE}</style>
<h1>${escaped(card.name)}</h1>
${table(['', ''], counts)}
${
  exclusions.length > 0
    ? `<h2>Frames left out</h2>${table(
        ['why', 'frames', 'first of them'],
        exclusions.map(({ reason, count, example }) => [reason, String(count), example]),
      )}`
    : ''
}
<h2>Errors of the mean of ${card.members} member${card.members > 1 ? 's' : ''} on ${assessment.frames} ${escaped(on)} frames</h2>
${table(
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
${table(
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
<pre>${escaped(JSON.stringify(card, null, 2))}</pre>
</html>
`;
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
  const plot = (title: string, unit: string, scatter: Scatter, ratio: number): Plot => {
    const bins = reliability(scatter);
    const [low, high] = range(bins.map(({ sigma }) => sigma));
    return {
      ...{ title, x: `σ, ${unit}`, y: `error, ${unit}`, logarithmic: true },
      curves: [
        { name: 'bins of equal size', points: bins.map(({ sigma, error }) => [sigma, error]), style: 'points' },
        {
          name: 'error = σ',
          points: [
            [low, low],
            [high, high],
          ],
        },
        {
          name: `error = ${ratio.toPrecision(3)} σ`,
          points: [
            [low, ratio * low],
            [high, ratio * high],
          ],
        },
      ],
    };
  };
  return [
    plot('Error of forces against σ', 'eV/Å', forceScatter, calibration.sigmaForce),
    plot('Error of energies against σ', 'eV/atom', energyScatter, calibration.sigmaEnergy),
  ];
}

function range(values: readonly number[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [low, high];
}
