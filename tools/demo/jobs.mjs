// The jobs of the demo, through the same doors as a user's: the command line, LAMMPS, ASE.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { python, root, run, ToolError } from '../process.mjs';
import { deck, readFrames, readThermo, waterBox, waterData } from './water.mjs';

/**
 * @typedef {object} Results
 * @property {{ name: string, sha256: string, members: number, elements: string[], level_of_theory: string }} model
 * @property {Water} water
 * @property {{ steps: { energy: number, force: number, sigma: number }[] }} relaxation
 * @property {{ energy: number, natoms: number, backend: string, sigma_forces: number[] }} final
 * @property {{ time: number, temperature: number, potential: number, conserved: number, maxSigmaForce: number }[]} md rows of the log of `mlts md`: fs, K, eV, eV/Å
 * @property {{ executable: string, version: string, mpiexec: string, plugin: string }} lammps
 * @property {{ model: string, threads: number }} cpu
 * @property {{ check: string, value: number, bound: number, unit: string, pass: boolean }[]} verdicts
 * @property {{ natoms: number, threads: number, members: number, ms_median: number, stages_ms: Record<string, number> | null, fraction_of_peak: number | null }} bench
 *
 * @typedef {object} Water
 * @property {number} molecules
 * @property {number} ranks
 * @property {number} msPerStep
 * @property {number} drift eV/atom/ps
 * @property {number} energy of the last frame, eV
 * @property {import('./water.mjs').Thermo} thermo
 * @property {import('./water.mjs').Frame[]} frames
 */

const MAIN = join(root, 'dist', 'cli', 'main.js');
const RANKS = 2;

/**
 * Runs `mlts … --json` and reads its lines.
 * @param {string} log
 * @param {...string} args
 */
async function mlts(log, ...args) {
  const { output } = await run(log, process.execPath, [MAIN, ...args, '--json'], { allowFailure: true });
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  if (lines.length === 0) throw new ToolError(output);
  return lines.map((line) => JSON.parse(line));
}

/** @param {string} text */
const say = (text) => process.stderr.write(`demo: ${text} …\n`);

/**
 * @param {string} folder where everything goes
 * @returns {Promise<Results>}
 */
export async function runJobs(folder) {
  const [doctor] = await mlts('demo-doctor', 'doctor');
  const [card] = await mlts('demo-model', 'model', 'show', 'default');
  const model = { ...card, level_of_theory: card.provenance.level_of_theory };
  const daemon = await startDaemon();
  try {
    say(`LAMMPS on ${RANKS} ranks`);
    const water = await runWater(folder, daemon.endpoint, doctor.lammps);
    say('ASE relaxation');
    const relaxation = await relax(folder, daemon.endpoint);
    say('stand-alone: md, eval, verify, bench');
    const last = writeLast(folder, water);
    const nve = ['--ensemble', 'nve', '--velocities', '300', '--time', '200fs', '--log', '10', '--every', '40'];
    const md = await mlts('demo-md', 'md', last, '--model', 'default', ...nve, '--output', join(folder, 'md'));
    const [final] = await mlts('demo-eval', 'eval', last, '--model', 'default', '--precision', 'double');
    const verdicts = await mlts('demo-verify', 'verify', '--model', 'default');
    const [bench] = await mlts('demo-bench', 'bench', last, '--model', 'default');
    return { model, water, relaxation, md, final, verdicts, bench, lammps: doctor.lammps, cpu: doctor.cpu };
  } finally {
    await daemon.stop();
  }
}

/** `mlts serve` with the embedded model on a free port. */
async function startDaemon() {
  const args = ['serve', '--bind', 'tcp://127.0.0.1:*', '--json', '--exit-with-parent'];
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (text) => {
    log += text;
  });
  const ended = once(child, 'exit');
  const ready = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    ended.then(() => undefined),
  ]);
  if (ready === undefined) throw new ToolError(`mlts serve ended:\n${log}`);
  const stop = async () => {
    child.stdin.end();
    await ended;
  };
  return { endpoint: JSON.parse(ready[0]).endpoints[0], stop };
}

/**
 * Liquid water: minimised, warmed up, then at constant energy.
 * @param {string} folder
 * @param {string} endpoint
 * @param {{ executable: string, mpiexec: string, plugin: string }} lammps
 * @returns {Promise<Water>}
 */
async function runWater(folder, endpoint, lammps) {
  const box = waterBox();
  writeFileSync(join(folder, 'water.data'), waterData(box));
  writeFileSync(join(folder, 'in.water'), deck(lammps.plugin, endpoint));
  const args = ['-n', String(RANKS), lammps.executable, '-in', 'in.water', '-nocite'];
  await run('demo-lammps', lammps.mpiexec, args, { cwd: folder, env: { ...process.env, OMP_NUM_THREADS: '1' } });
  const log = readFileSync(join(folder, 'log.lammps'), 'utf8');
  const thermo = readThermo(log);
  const frames = readFrames(readFileSync(join(folder, 'water.dump'), 'utf8'));
  const atoms = 3 * box.molecules;
  return {
    molecules: box.molecules,
    ranks: RANKS,
    msPerStep: 1000 * thermo.secondsPerStep,
    drift: Math.abs(slope(thermo.time, thermo.total)) / atoms,
    energy: thermo.potential[thermo.potential.length - 1],
    thermo,
    frames,
  };
}

/** @param {number[]} x @param {number[]} y */
function slope(x, y) {
  const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  return (
    x.reduce((sum, value, i) => sum + (value - mx) * (y[i] - my), 0) /
    x.reduce((sum, value) => sum + (value - mx) ** 2, 0)
  );
}

/**
 * @param {string} folder
 * @param {string} endpoint
 */
async function relax(folder, endpoint) {
  const file = join(folder, 'relaxation.json');
  await run('demo-ase', python, [join(root, 'tools', 'demo', 'relax.py'), endpoint, file]);
  return JSON.parse(readFileSync(file, 'utf8'));
}

/**
 * The last frame of the trajectory as extended XYZ.
 * @param {string} folder
 * @param {Water} water
 */
function writeLast(folder, { frames }) {
  const { edge, symbols, positions } = frames[frames.length - 1];
  const rows = symbols.map((symbol, i) => `${symbol} ${positions[i].join(' ')}`);
  const file = join(folder, 'last.xyz');
  writeFileSync(file, `${symbols.length}\nLattice="${edge} 0 0 0 ${edge} 0 0 0 ${edge}"\n${rows.join('\n')}\n`);
  return file;
}
