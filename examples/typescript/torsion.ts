/**
 * The torsion of ethanol's hydroxyl group: 36 rigid structures in one round trip, and how sure the ensemble is of each.
 *
 *   npx tsc -p examples/typescript && node build/examples/torsion.js [ENDPOINT]
 *
 * Needs a server: `mlts serve`.
 */
import assert from 'node:assert/strict';
import { Client, MltsError } from 'mlts';

const ENDPOINT = process.argv[2] ?? 'tcp://127.0.0.1:5588';
const KCAL_PER_MOL = 23.0605; // in one eV
const STEP = 10; // degrees

const numbers = Int32Array.of(6, 6, 8, 1, 1, 1, 1, 1, 1);
const [CARBON, OXYGEN, HYDROGEN] = [1, 2, 3];
const ethanol = Float64Array.of(
  ...[1.168181, -0.400382, 0, 0, 0.559462, 0, -1.190083, -0.227669, 0, -1.946623, 0.381525, 0],
  ...[0.042557, 1.207508, 0.886933, 0.042557, 1.207508, -0.886933, 2.115891, 0.1448, 0],
  ...[1.128599, -1.037234, 0.885881, 1.128599, -1.037234, -0.885881],
);

const atom = (positions: Float64Array, i: number): Float64Array => positions.subarray(3 * i, 3 * i + 3);
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** Ethanol with its hydroxyl hydrogen turned about the C–O bond (Rodrigues' rotation). */
function turned(degrees: number): Float64Array {
  const positions = ethanol.slice();
  const origin = atom(ethanol, OXYGEN);
  const bond = atom(ethanol, CARBON).map((x, axis) => origin[axis] - x);
  const unit = bond.map((x) => x / Math.sqrt(dot(bond, bond)));
  const v = atom(ethanol, HYDROGEN).map((x, axis) => x - origin[axis]);
  const cross = [unit[1] * v[2] - unit[2] * v[1], unit[2] * v[0] - unit[0] * v[2], unit[0] * v[1] - unit[1] * v[0]];
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const along = dot(unit, v) * (1 - cos);
  for (let axis = 0; axis < 3; axis++) {
    positions[3 * HYDROGEN + axis] = origin[axis] + cos * v[axis] + sin * cross[axis] + along * unit[axis];
  }
  return positions;
}

const client = await Client.connect(ENDPOINT);
const angles = Array.from({ length: 360 / STEP }, (_, i) => i * STEP);
const outcomes = await client.evaluateMany(
  angles.map((angle) => ({ numbers, positions: turned(angle) })),
  { precision: 'double', want: ['sigma'] },
);
client.close();

const energies: number[] = [];
for (const [i, outcome] of outcomes.entries()) {
  if (outcome instanceof MltsError) throw outcome;
  energies.push(outcome.energy);
  const relative = (outcome.energy - energies[0]) * KCAL_PER_MOL;
  console.log(
    `${String(angles[i]).padStart(4)}°  ${relative.toFixed(2).padStart(6)} kcal/mol  σ_E ${outcome.sigma?.energy.toFixed(4)} eV`,
  );
}

// Ethanol has a mirror plane, so θ and −θ are the same structure; its barrier is between 0.5 and 3 kcal/mol.
const barrier = (Math.max(...energies) - Math.min(...energies)) * KCAL_PER_MOL;
console.log(`barrier ${barrier.toFixed(2)} kcal/mol`);
for (let i = 1; i < angles.length; i++) assert.ok(Math.abs(energies[i] - energies[angles.length - i]) < 1e-5);
assert.ok(barrier > 0.5 && barrier < 3);
