// Liquid water for LAMMPS: a box, a deck, and what comes back.

const PER_EDGE = 4;
/** Å; 1 g/cm³ */
const SPACING = 3.104;
/** Steps of 0.5 fs. */
const WARM_UP = 400;
const PRODUCTION = 1000;
const SAMPLE = 10;

/** One water molecule, O H H, Å. */
const MOLECULE = [
  [0, 0, 0],
  [0.757, 0.586, 0],
  [-0.757, 0.586, 0],
];

/**
 * @typedef {object} Box
 * @property {number} molecules
 * @property {number} edge Å
 * @property {number[][]} positions O H H of each molecule
 */

/** Molecules on a grid, each turned another way. @returns {Box} */
export function waterBox() {
  const positions = [];
  for (let site = 0; site < PER_EDGE ** 3; site++) {
    const centre = [site % PER_EDGE, Math.floor(site / PER_EDGE) % PER_EDGE, Math.floor(site / PER_EDGE ** 2)];
    // Angles from the golden ratio: spread, and the same every time.
    const [a, b] = [2 * Math.PI * ((site * 0.618034) % 1), Math.acos(1 - 2 * ((site * 0.381966 + 0.5) % 1))];
    for (const [x, y, z] of MOLECULE) {
      const [u, v] = [x * Math.cos(a) - y * Math.sin(a), x * Math.sin(a) + y * Math.cos(a)];
      const turned = [u, v * Math.cos(b) - z * Math.sin(b), v * Math.sin(b) + z * Math.cos(b)];
      positions.push(turned.map((value, k) => value + SPACING * (centre[k] + 0.5)));
    }
  }
  return { molecules: PER_EDGE ** 3, edge: SPACING * PER_EDGE, positions };
}

/** @param {Box} box */
export function waterData({ edge, positions }) {
  const bounds = ['x', 'y', 'z'].map((axis) => `0 ${edge} ${axis}lo ${axis}hi`);
  const rows = positions.map((r, i) => `${i + 1} ${i % 3 === 0 ? 1 : 2} ${r.join(' ')}`);
  return [
    'water',
    '',
    `${positions.length} atoms`,
    '2 atom types',
    ...bounds,
    '',
    'Atoms # atomic',
    '',
    ...rows,
    '',
  ].join('\n');
}

/** @param {string} plugin @param {string} endpoint */
export function deck(plugin, endpoint) {
  return `plugin load ${plugin}
units metal
newton on
atom_style atomic
atom_modify map array
read_data water.data
mass 1 15.999
mass 2 1.008

pair_style mlts ${endpoint} model default
pair_coeff * * O H

compute u all pair mlts
variable sigma_f equal c_u[1]
variable sigma_e equal c_u[2]
fix sigma all pair ${SAMPLE} mlts sigma_f 1
thermo_style custom step time temp pe etotal press v_sigma_f v_sigma_e
thermo_modify format float %.10g
thermo ${SAMPLE}

min_style cg
minimize 0 0.5 60 200
reset_timestep 0 time 0
timestep 0.0005
velocity all create 300 4928459 mom yes rot yes dist gaussian
fix warm all langevin 300 300 0.05 699483
fix move all nve
run ${WARM_UP}
unfix warm

reset_timestep 0 time 0
dump frames all custom ${SAMPLE} water.dump id element x y z f_sigma
dump_modify frames element O H sort id format float %.9g
run ${PRODUCTION}
`;
}

/**
 * Columns of the last run.
 * @typedef {object} Thermo
 * @property {number[]} time ps
 * @property {number[]} temperature K
 * @property {number[]} potential eV
 * @property {number[]} total eV
 * @property {number[]} sigmaForce eV/Å
 * @property {number[]} sigmaEnergy eV
 * @property {number} secondsPerStep
 */

/** @param {string} log log.lammps @returns {Thermo} */
export function readThermo(log) {
  const lastRun = log.slice(log.lastIndexOf('\n   Step '));
  const rows = lastRun
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter((row) => row.length === 8 && row.every(Number.isFinite));
  const column = (/** @type {number} */ k) => rows.map((row) => row[k]);
  const [, seconds, steps] = /Loop time of (\S+) on \d+ procs for (\d+) steps/.exec(lastRun) ?? [];
  return {
    time: column(1),
    temperature: column(2),
    potential: column(3),
    total: column(4),
    sigmaForce: column(6),
    sigmaEnergy: column(7),
    secondsPerStep: Number(seconds) / Number(steps),
  };
}

/**
 * @typedef {object} Frame
 * @property {number} edge Å
 * @property {string[]} symbols
 * @property {number[][]} positions Å
 * @property {number[]} sigma eV/Å
 */

/** @param {string} dump @returns {Frame[]} */
export function readFrames(dump) {
  return dump
    .split('ITEM: TIMESTEP\n')
    .slice(1)
    .map((text) => {
      const lines = text.trim().split('\n');
      const [low, high] = lines[4].split(' ').map(Number);
      const rows = lines.slice(8).map((line) => line.split(' '));
      return {
        edge: high - low,
        symbols: rows.map((row) => row[1]),
        positions: rows.map((row) => row.slice(2, 5).map(Number)),
        sigma: rows.map((row) => Number(row[5])),
      };
    });
}

/**
 * Radial distribution of oxygen around oxygen.
 * @param {Frame[]} frames
 * @returns {[number, number][]} r in Å, g
 */
export function oxygenDistribution(frames) {
  const width = 0.1;
  const bins = new Array(Math.floor(frames[0].edge / 2 / width)).fill(0);
  for (const { edge, symbols, positions } of frames) {
    const oxygens = positions.filter((_, i) => symbols[i] === 'O');
    for (let i = 0; i < oxygens.length; i++) {
      for (let j = 0; j < i; j++) {
        const d = oxygens[i].map((x, k) => x - oxygens[j][k] - edge * Math.round((x - oxygens[j][k]) / edge));
        const bin = Math.floor(Math.hypot(...d) / width);
        if (bin < bins.length) bins[bin] += 2;
      }
    }
  }
  const count = frames[0].symbols.filter((symbol) => symbol === 'O').length;
  const density = count / frames[0].edge ** 3;
  return bins.map((pairs, bin) => {
    const shell = (4 / 3) * Math.PI * ((bin + 1) ** 3 - bin ** 3) * width ** 3;
    return [(bin + 0.5) * width, pairs / frames.length / count / shell / density];
  });
}
