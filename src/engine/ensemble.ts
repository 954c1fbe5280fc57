/**
 * Mean and spread over the members of an ensemble. All deviations are sample standard deviations (ddof 1);
 * those of a single member are 0.
 */

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let m = 0; m < values.length; m++) sum += values[m];
  return sum / values.length;
}

/** √(Σ(x − x̄)²/(M − 1)) */
export function deviation(values: ArrayLike<number>): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  let sum = 0;
  for (let m = 0; m < values.length; m++) sum += (values[m] - centre) ** 2;
  return Math.sqrt(sum / (values.length - 1));
}

/** Mean over the first axis of a [members, size] array. */
export function memberMean(values: Float64Array, members: number): Float64Array {
  const size = values.length / members;
  const result = new Float64Array(size);
  for (let m = 0; m < members; m++) for (let i = 0; i < size; i++) result[i] += values[m * size + i] / members;
  return result;
}

/** Deviations over the first axis of a [members, size] array. */
export function memberDeviations(values: Float64Array, members: number): Float64Array {
  const size = values.length / members;
  const column = new Float64Array(members);
  return Float64Array.from({ length: size }, (_, i) => {
    for (let m = 0; m < members; m++) column[m] = values[m * size + i];
    return deviation(column);
  });
}

/** F_m − F̄ of [members, n, 3] forces and their [n,3] mean, in single precision. */
export function forceDeviations(forces: Float64Array, average: Float64Array): Float32Array {
  return Float32Array.from(forces, (force, i) => force - average[i % average.length]);
}

/** σ_F,i = √(Σ_xyz var F_i), eV/Å. @param forces [members, n, 3] @returns [n] */
export function sigmaForces(forces: Float64Array, members: number): Float64Array {
  const components = memberDeviations(forces, members);
  return Float64Array.from({ length: components.length / 3 }, (_, i) =>
    Math.hypot(components[3 * i], components[3 * i + 1], components[3 * i + 2]),
  );
}

/** ρ = σ_E/√n, eV; 0 without atoms. */
export const rho = (sigmaEnergy: number, atoms: number): number => (atoms === 0 ? 0 : sigmaEnergy / Math.sqrt(atoms));
