/** An assessment as tables, and as one HTML page that needs nothing else. */
import { type Plot, renderSvg } from '../plot.ts';
import type { Assessment, Range, Trust } from './assessment.ts';
import type { Errors } from './errors.ts';
import { escapeHtml, htmlTable, page } from './html.ts';

export interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const meV = (value: number): string => (1000 * value).toFixed(2);

const cells = (found: Errors | undefined): string[] =>
  found === undefined
    ? ['', '', '', '', '']
    : [...[found.rmse, found.mae, found.bias, found.largest].map(meV), String(found.count)];

const within = ({ from, to }: Range, step: number): string =>
  to === Infinity ? `${from} and more` : `${from} … ${to - step}`;

/** Everything that is a number, meV and meV/Å. */
export function sectionsOf(found: Assessment): Section[] {
  const head = ['', 'unit', 'RMSE', 'MAE', 'bias', 'largest', 'values'];
  const { differences, worst } = found;
  const row = (name: string, unit: string, errors: Errors | undefined) =>
    errors === undefined ? [] : [[name, unit, ...cells(errors)]];
  const sections: Section[] = [
    {
      title: `${found.structures} structures`,
      head,
      rows: [
        ...row('energy', 'meV', found.energy),
        ...row('energy', 'meV/atom', found.energyPerAtom),
        ...row(`differences in ${differences?.sets} sets`, 'meV', differences?.errors),
        ...row('forces', 'meV/Å', found.forces),
        ...[...found.byElement].flatMap(([symbol, errors]) => row(`forces on ${symbol}`, 'meV/Å', errors)),
      ],
    },
    {
      title: 'By size',
      head: ['atoms', ...head.slice(1)],
      rows: found.bySize.flatMap((one) => [
        ...row(within(one, 1), 'meV/atom', one.energyPerAtom),
        ...row(within(one, 1), 'meV/Å', one.forces),
      ]),
    },
    {
      title: 'By the force of the label on an atom',
      head: ['eV/Å', ...head.slice(1)],
      rows: found.byForce.flatMap((one) => row(within(one, 0), 'meV/Å', one.forces)),
    },
    {
      title: 'Worst structures',
      head: ['structure', 'formula', 'ΔE/(meV/atom)', 'largest |ΔF|/(meV/Å)', 'largest σ_F/(meV/Å)'],
      rows: worst.map(({ name, formula, energy, forces, sigma }) => [
        ...[
          name,
          formula,
          energy === undefined ? '' : meV(energy),
          forces === undefined ? '' : meV(forces),
          meV(sigma),
        ],
      ]),
    },
  ];
  return sections.filter(({ rows }) => rows.length > 0);
}

/** Whether σ can be trusted, in sentences. */
export function trustLines({ trustForces, trustEnergy }: Assessment): string[] {
  const say = (what: string, bound: string, trust: Trust | undefined) =>
    trust === undefined
      ? []
      : [
          `${what}: errors are ${trust.factor.toPrecision(3)} σ (ratio of root mean squares)` +
            (trust.flagging === undefined
              ? ''
              : `; ${trust.flagging.bad} structures with ${bound} above ${trust.flagging.threshold.toPrecision(3)} are flagged with AUROC ${trust.flagging.auroc.toFixed(3)}`),
        ];
  return [...say('forces', 'an error on an atom (eV/Å)', trustForces), ...say('energies', '|ΔE|/√N (eV)', trustEnergy)];
}

const diagonal = (bins: readonly { sigma: number }[], factor: number): [number, number][] =>
  [bins[0], bins[bins.length - 1]].map(({ sigma }) => [sigma, factor * sigma]);

/** Errors against σ in bins of equal size. */
export const reliabilityPlot = (
  title: string,
  unit: string,
  { factor, bins }: Pick<Trust, 'factor' | 'bins'>,
): Plot => ({
  ...{ title, x: `σ, ${unit}`, y: `error, ${unit}`, logarithmic: true },
  curves: [
    { name: 'bins of equal size', points: bins.map(({ sigma, error }) => [sigma, error]), style: 'points' },
    { name: 'error = σ', points: diagonal(bins, 1) },
    { name: `error = ${factor.toPrecision(3)} σ`, points: diagonal(bins, factor) },
  ],
});

function plotsOf({ trustForces, trustEnergy }: Assessment): Plot[] {
  const plots: Plot[] = [];
  for (const [name, unit, trust] of [
    ['forces', 'eV/Å', trustForces],
    ['energies', 'eV/√atom', trustEnergy],
  ] as const) {
    if (trust === undefined) continue;
    plots.push(reliabilityPlot(`Error of ${name} against σ`, unit, trust));
    if (trust.flagging === undefined) continue;
    const { auroc, curve } = trust.flagging;
    plots.push({
      ...{ title: `Bad ${name} found by σ`, x: 'good ones flagged', y: 'bad ones flagged' },
      curves: [
        { name: `σ, area ${auroc.toFixed(3)}`, points: curve },
        {
          name: 'chance',
          points: [
            [0, 0],
            [1, 1],
          ],
        },
      ],
    });
  }
  return plots;
}

/** @param model what was assessed, @param data on which files */
export async function assessmentPage(found: Assessment, model: string, data: readonly string[]): Promise<string> {
  const svgs: string[] = [];
  for (const plot of plotsOf(found)) svgs.push(await renderSvg(plot));
  const [first, ...others] = sectionsOf(found);
  const section = ({ title, head, rows }: Section) => `<h2>${escapeHtml(title)}</h2>\n${htmlTable(head, rows)}`;
  return page(
    `${model}: assessment`,
    [
      `<h1>${escapeHtml(model)}</h1>`,
      `<p>${escapeHtml(data.join(', '))}</p>`,
      section(first),
      ...trustLines(found).map((line) => `<p>${escapeHtml(line)}</p>`),
      `<div class="plots">${svgs.map((svg) => `<figure>${svg}</figure>`).join('\n')}</div>`,
      ...others.map(section),
    ].join('\n'),
  );
}
