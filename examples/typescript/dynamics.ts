/**
 * Molecular dynamics of a water molecule in forty lines: velocity Verlet over a session, which sends positions only.
 *
 *   npx tsc -p examples/typescript && node build/examples/dynamics.js [ENDPOINT]
 *
 * Needs a server: `mlts serve`.
 */
import assert from 'node:assert/strict';
import { Client } from 'mlts';

const ENDPOINT = process.argv[2] ?? 'tcp://127.0.0.1:5588';
const STEPS = 400;
const TIME_STEP = 0.25; // fs
const ACCELERATION = 9.648533e-3; // Å/fs² for 1 eV/Å on 1 amu

const numbers = Int32Array.of(8, 1, 1);
const masses = [15.999, 1.008, 1.008];
const positions = Float64Array.of(0, 0, 0.119, 0, 0.8, -0.5, 0, -0.763, -0.477); // one O–H bond stretched
const velocities = new Float64Array(9);

const client = await Client.connect(ENDPOINT);
const session = await client.open({ numbers, precision: 'double', want: ['forces', 'sigma'] });

const kinetic = (): number =>
  velocities.reduce((sum, v, i) => sum + (0.5 * masses[Math.floor(i / 3)] * v * v) / ACCELERATION, 0);
const kick = (forces: Float64Array): void => {
  for (let i = 0; i < 9; i++) velocities[i] += (0.5 * TIME_STEP * ACCELERATION * forces[i]) / masses[Math.floor(i / 3)];
};

const totals: number[] = [];
let { energy, forces, sigma } = await session.evaluate(positions);
for (let step = 0; step <= STEPS; step++) {
  assert.ok(forces !== undefined && sigma !== undefined);
  totals.push(energy + kinetic());
  if (step % 50 === 0) {
    const bond = Math.hypot(...[0, 1, 2].map((axis) => positions[axis] - positions[3 + axis]));
    const columns = [`${(step * TIME_STEP).toFixed(1).padStart(6)} fs`, `O–H ${bond.toFixed(3)} Å`];
    console.log(...columns, `total ${totals[step].toFixed(6)} eV`, `max σ_F ${sigma.maxForce?.toFixed(3)} eV/Å`);
  }
  kick(forces);
  for (let i = 0; i < 9; i++) positions[i] += TIME_STEP * velocities[i];
  ({ energy, forces, sigma } = await session.evaluate(positions));
  assert.ok(forces !== undefined);
  kick(forces);
}
client.close();

const spread = Math.max(...totals) - Math.min(...totals);
console.log(`total energy within ${(1000 * spread).toFixed(2)} meV over ${STEPS * TIME_STEP} fs`);
assert.ok(spread < 0.01, 'the total energy is not conserved');
