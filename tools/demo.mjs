#!/usr/bin/env node
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
// `npm run demo`: sets up, then the main job: one daemon with the embedded model, LAMMPS on two MPI ranks, an ASE
// relaxation against the same daemon, a stand-alone run; a table, and one HTML report in build/demo.
import { buildDir, root, ToolError } from './process.mjs';
import { runTool, setup } from './setup.mjs';

await runTool(async () => {
  await setup();
  const folder = join(buildDir, 'demo');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // The report needs installed packages, which are there only now.
  const [{ runJobs }, { report }] = await Promise.all([import('./demo/jobs.mjs'), import('./demo/report.mjs')]);
  const results = await runJobs(folder);
  const rows = summary(results);
  const width = Math.max(...rows.map(([name]) => name.length));
  process.stdout.write(`\n${rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('')}\n`);
  const file = join(folder, 'report.html');
  writeFileSync(file, report(results, rows));
  process.stdout.write(`report: ${relative(root, file)}\n`);
  const wrong = faults(results);
  if (wrong.length > 0) throw new ToolError(wrong.join('\n'));
});

/**
 * The facts that a reader wants first.
 * @param {import('./demo/jobs.mjs').Results} results
 * @returns {[string, string][]}
 */
function summary({ model, water, relaxation, md, final, verdicts, bench, lammps, cpu }) {
  const { thermo } = water;
  const last = relaxation.steps[relaxation.steps.length - 1];
  const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const swing = Math.max(...md.map(({ conserved }) => Math.abs(conserved - md[0].conserved)));
  return [
    ['machine', `${cpu.model}, ${cpu.threads} processors; LAMMPS ${lammps.version}`],
    [
      'model',
      `${model.name}, ${model.members} members, ${model.elements.join(' ')}, sha256 ${model.sha256.slice(0, 12)}`,
    ],
    [
      'LAMMPS',
      `${water.molecules} H2O, ${thermo.time.length} samples over ${thermo.time[thermo.time.length - 1].toFixed(2)} ps on ${water.ranks} MPI ranks, ${water.msPerStep.toFixed(1)} ms a step`,
    ],
    ['  energy drift, NVE', `${water.drift.toExponential(1)} eV/atom/ps at ${mean(thermo.temperature).toFixed(0)} K`],
    [
      '  uncertainty',
      `max σ_F ${mean(thermo.sigmaForce).toFixed(3)} eV/Å, σ_E ${mean(thermo.sigmaEnergy).toFixed(3)} eV on average`,
    ],
    [
      'ASE',
      `ethanol relaxed in ${relaxation.steps.length - 1} steps to ${last.force.toFixed(4)} eV/Å, energy ${relaxation.steps[0].energy.toFixed(3)} → ${last.energy.toFixed(3)} eV`,
    ],
    [
      'mlts md',
      `${md[md.length - 1].time.toFixed(0)} fs at constant energy from the last frame, ${mean(md.map(({ temperature }) => temperature)).toFixed(0)} K, total energy within ${((1000 * swing) / final.natoms).toFixed(2)} meV/atom`,
    ],
    [
      'mlts eval',
      `energy of the last LAMMPS frame ${final.energy.toFixed(4)} eV by ${final.backend}, ${Math.abs(final.energy - water.energy).toExponential(1)} eV from LAMMPS`,
    ],
    ['mlts verify', `${verdicts.filter(({ pass }) => pass).length} of ${verdicts.length} checks passed`],
    [
      'mlts bench',
      `${bench.natoms} atoms, ${bench.threads} threads: ${bench.ms_median.toFixed(2)} ms for energy, forces, virial and σ of ${bench.members} members`,
    ],
  ];
}

/**
 * What did not come out as it must.
 * @param {import('./demo/jobs.mjs').Results} results
 */
function faults({ water, relaxation, md, final, verdicts }) {
  const lines = verdicts.filter(({ pass }) => !pass).map(({ check }) => `mlts verify: ${check} failed`);
  if (!(water.drift < 1e-3)) lines.push(`LAMMPS: the energy drifts by ${water.drift} eV/atom/ps, at most 1e-3`);
  if (!(Math.abs(final.energy - water.energy) < 1e-5 * final.natoms))
    lines.push('LAMMPS and mlts eval disagree on the energy of the last frame');
  const change = Math.abs(md[md.length - 1].conserved - md[0].conserved) / final.natoms;
  if (!(md[md.length - 1].time >= 200 && change < 1e-3)) lines.push(`mlts md: the energy changed by ${change} eV/atom`);
  if (!(relaxation.steps[relaxation.steps.length - 1].force < 0.01)) lines.push('ASE: the relaxation did not converge');
  return lines;
}
