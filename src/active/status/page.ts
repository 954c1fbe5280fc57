/** The status of a campaign as a page that needs nothing else: tables, plots, and the frames that were selected. */
import { escapeHtml, htmlTable, page } from '../../analysis/assess/html.ts';
import { type Curve, type Plot, renderSvg } from '../../analysis/plot.ts';
import type { InfoValue, Structure } from '../../io/structure.ts';
import { FILES, Folder } from '../folder.ts';
import type { RoundStatus } from './round.ts';
import type { Status } from './status.ts';
import { type ViewedFrame, viewer } from './viewer.ts';
import { headline, metricRows, ROUND_HEAD, roundRow, SAMPLER_HEAD, samplerRow, shown } from './words.ts';

/** Of the frames selected last these many are on the page, up to this many atoms in all. */
const [MOST_FRAMES, MOST_ATOMS] = [120, 30_000];

/** @param script to be added, which takes the page up to date */
export async function statusPage(status: Status, script = ''): Promise<string> {
  const { rounds, folder } = status;
  const svgs: string[] = [];
  for (const plot of plotsOf(rounds)) svgs.push(await renderSvg(plot));
  const last = rounds.findLast(({ samplers }) => samplers.length > 0);
  const frames = selectedFrames(status);
  const [head, metrics] = metricRows(rounds);
  const name = folder.split(/[\\/]/).findLast((part) => part !== '') ?? folder;
  return page(
    `${name}: active learning`,
    [
      // An empty icon: browsers ask for none then.
      `<link rel="icon" href="data:,"><style>${STYLE}</style>`,
      `<h1>${escapeHtml(name)}</h1>`,
      ...headline(status).map((line) => `<p>${escapeHtml(line)}</p>`),
      htmlTable(ROUND_HEAD, rounds.map(roundRow)),
      `<div class="plots">${svgs.map((svg) => `<figure>${svg}</figure>`).join('\n')}</div>`,
      ...(last === undefined
        ? []
        : [
            `<h2>Round ${last.round}, by sampler</h2>`,
            htmlTable(SAMPLER_HEAD, last.samplers.map(samplerRow)),
            last.reasons.length === 0
              ? ''
              : `<p>Selected because: ${escapeHtml(last.reasons.map(({ why, count }) => `${why} (${count})`).join(', '))}.</p>`,
          ]),
      ...(metrics.length === 0 ? [] : ['<h2>Suite, by round</h2>', htmlTable(head, metrics)]),
      ...(frames.length === 0 ? [] : [framesSection(frames, rounds)]),
      script,
    ].join('\n'),
  );
}

const STYLE = `#viewer{display:flex;flex-wrap:wrap;gap:1.5em}#viewer canvas{border:1px solid #ddd;cursor:grab;touch-action:none;max-width:100%}
.small{color:#666;font-size:13px}[data-frame]{cursor:pointer}[data-frame]:hover{background:#f2f6ff}.frames{max-height:26em;overflow:auto}.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,560px),1fr))}`;

interface Selected {
  readonly round: number;
  readonly structure: Structure;
}

/** The latest first. */
function selectedFrames({ folder: path, rounds }: Status): Selected[] {
  const folder = new Folder(path);
  const found: Selected[] = [];
  let atoms = 0;
  for (const { round, selected } of [...rounds].reverse()) {
    if (selected === undefined || selected === 0) continue;
    for (const structure of folder.structures(folder.of(round, FILES.selected))) {
      atoms += structure.numbers.length;
      if (found.length > 0 && (found.length === MOST_FRAMES || atoms > MOST_ATOMS)) return found;
      found.push({ round, structure });
    }
  }
  return found;
}

const number = (value: InfoValue | undefined): string => (typeof value === 'number' ? shown(value) : '');

function framesSection(frames: readonly Selected[], rounds: readonly RoundStatus[]): string {
  const all = rounds.reduce((sum, { selected = 0 }) => sum + selected, 0);
  const viewed = frames.map(({ round, structure: { info, numbers }, structure }, i): ViewedFrame => {
    const notes = [
      `${numbers.length} atoms from ${info.sampler}`,
      `why: ${info.why}`,
      ...(info.sigma_f_max === undefined
        ? []
        : [`largest σ_F ${number(info.sigma_f_max)} eV/Å, ρ ${number(info.rho)} eV`]),
      `id ${String(info.id).slice(0, 12)}`,
    ];
    return {
      title: `round ${round}, frame ${frames.slice(0, i).filter((one) => one.round === round).length}`,
      notes,
      structure,
    };
  });
  const rows = frames.map(({ structure: { info, numbers } }, i) => {
    const cells = [viewed[i].title, `${info.sampler}`, `${numbers.length}`, number(info.sigma_f_max), `${info.why}`];
    return `<tr data-frame="${i}">${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`;
  });
  const told = frames.length < all ? `, the latest ${frames.length} of ${all}` : '';
  return `<h2>Selected frames${told}</h2>
${viewer(viewed)}
<div class="frames"><table><thead><tr><th>frame</th><th>sampler</th><th>atoms</th><th>largest σ_F, eV/Å</th><th>why</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function plotsOf(rounds: readonly RoundStatus[]): Plot[] {
  const curve = (name: string, of: (round: RoundStatus) => number | undefined): Curve => ({
    name,
    points: rounds.flatMap((one): [number, number][] => {
      const y = of(one);
      return y === undefined ? [] : [[one.round, y]];
    }),
    style: rounds.length === 1 ? 'points' : 'line',
  });
  const samplers = [...new Set(rounds.flatMap((one) => one.samplers.map(({ name }) => name)))];
  const each = (of: (sampler: RoundStatus['samplers'][number]) => number | undefined) =>
    samplers.map((name) =>
      curve(name, (one) => {
        const sampler = one.samplers.find((other) => other.name === name);
        return sampler && of(sampler);
      }),
    );
  const labelsUpTo = (last: number) =>
    rounds.reduce((sum, { round, labelled = 0 }) => (round <= last ? sum + labelled : sum), 0);
  const plot = (title: string, y: string, curves: readonly Curve[]): Plot => ({
    ...{ title, x: 'round', y, counted: true },
    curves: curves.filter(({ points }) => points.length > 0),
  });
  return [
    plot('Energy on held-out frames', 'RMSE, meV/atom', [
      curve('all', ({ energy }) => energy),
      ...each(({ energy }) => energy),
    ]),
    plot('Forces on held-out frames', 'RMSE, eV/Å', [
      curve('all', ({ forces }) => forces),
      ...each(({ forces }) => forces),
    ]),
    plot('Uncertainty of what was proposed', 'largest σ_F of a frame, eV/Å', [
      curve('median', ({ sigma }) => sigma?.median),
      curve('95 %', ({ sigma }) => sigma?.p95),
      curve('largest', ({ sigma }) => sigma?.largest),
      curve('selected above', ({ threshold }) => threshold),
    ]),
    plot(
      'Selected',
      'frames',
      each(({ selected }) => selected),
    ),
    plot('Speed of labelling', 'labels an hour', [
      curve('labels an hour', ({ labelled, seconds }) => {
        const took = seconds.find(({ stage }) => stage === 'label')?.seconds;
        return took === undefined || labelled === undefined || took === 0 ? undefined : (3600 * labelled) / took;
      }),
    ]),
    plot('Labels', 'labels', [curve('labels so far', ({ round }) => labelsUpTo(round))]),
  ].filter(({ curves }) => curves.length > 0);
}
