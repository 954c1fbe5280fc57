import type { Potential, Result, System } from '../engine/potential.ts';
import { evaluate, largestDifference, normal, randomNumbers, timesMatrix } from './evaluate.ts';

/** Largest change of energy (eV) or force (eV/Å) between two results. */
function change(a: Result, b: Result): number {
  return Math.max(Math.abs(a.energy - b.energy), largestDifference(a.forces ?? [], b.forces ?? []));
}

/** Under a shift of all atoms by one vector. */
export async function translationError(potential: Potential, system: System): Promise<number> {
  const shift = [1.37, -0.61, 2.03];
  const positions = system.positions.map((x, i) => x + shift[i % 3]);
  const [before, after] = await evaluate(potential, [system, { ...system, positions }]);
  return change(before, after);
}

/** Under a rotation of atoms and cell: the energy stays, the forces turn. */
export async function rotationError(potential: Potential, system: System): Promise<number> {
  const rotation = randomRotation(3);
  const positions = timesMatrix(system.positions, rotation);
  const turned = { ...system, positions, cell: system.cell && timesMatrix(system.cell, rotation) };
  const [before, after] = await evaluate(potential, [system, turned]);
  return change({ ...before, forces: timesMatrix(before.forces ?? [], rotation) }, after);
}

/** Under another order of the atoms. */
export async function permutationError(potential: Potential, system: System): Promise<number> {
  const n = system.numbers.length;
  const random = randomNumbers(4);
  const order = Array.from({ length: n }, (_, i) => i)
    .map((i) => [random(), i])
    .sort(([a], [b]) => a - b)
    .map(([, i]) => i);
  const permute = (rows: ArrayLike<number>) =>
    Float64Array.from({ length: 3 * n }, (_, i) => rows[3 * order[Math.floor(i / 3)] + (i % 3)]);
  const numbers = Int32Array.from(order, (i) => system.numbers[i]);
  const [before, after] = await evaluate(potential, [
    system,
    { ...system, numbers, positions: permute(system.positions) },
  ]);
  return change({ ...before, forces: permute(before.forces ?? []) }, after);
}

/** Between a system alone, first, and last in a batch with others. */
export async function batchError(potential: Potential, system: System): Promise<number> {
  const random = randomNumbers(5);
  const rattled = { ...system, positions: system.positions.map((x) => x + 0.01 * normal(random)) };
  const atom: System = { numbers: system.numbers.slice(0, 1), positions: new Float64Array(3) };
  const [alone] = await evaluate(potential, [system]);
  const [first] = await evaluate(potential, [system, atom, rattled]);
  const last = (await evaluate(potential, [rattled, atom, system]))[2];
  return Math.max(change(alone, first), change(alone, last));
}

/** A rotation matrix from a random unit quaternion. */
function randomRotation(seed: number): Float64Array {
  const random = randomNumbers(seed);
  const q = [0, 1, 2, 3].map(() => normal(random));
  const length = Math.hypot(...q);
  const [w, x, y, z] = q.map((component) => component / length);
  return Float64Array.of(
    ...[1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)],
    ...[2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)],
    ...[2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)],
  );
}
