/**
 * What the atoms' energies and gradients add up to for one system (docs/maths.md, eq. 15 and 16).
 */
import { deviation, forceDeviations, mean, memberDeviations, memberMean, rho, sigmaForces } from '../ensemble.ts';
import type { Result, System, Want } from '../potential.ts';

export class Sums {
  /** Whether any derivative is wanted. */
  readonly gradients: boolean;
  /** Whether derivatives are wanted member by member, not of their mean alone. */
  readonly perMember: boolean;
  readonly #want: ReadonlySet<Want>;
  readonly #n: number;
  readonly #owned: number;
  readonly #whole: boolean;
  readonly #members: number;
  /** [members, n] ε_m,i eV */
  readonly #energies: Float64Array;
  /** [members or 1, n, 3] eV/Å */
  readonly #forces: Float64Array;
  /** [n,3,3] eV */
  readonly #virials: Float64Array;

  constructor({ numbers, owned }: System, want: ReadonlySet<Want>, members: number) {
    this.#want = want;
    this.#n = numbers.length;
    this.#owned = owned ?? this.#n;
    this.#whole = owned === undefined;
    this.#members = members;
    const sigmaForces = want.has('sigma') && this.#whole;
    this.perMember = sigmaForces || want.has('memberForces') || want.has('forceDeviations');
    this.gradients = this.perMember || want.has('forces') || want.has('virial') || want.has('virials');
    this.#energies = new Float64Array(members * this.#n);
    this.#forces = new Float64Array(this.gradients ? (this.perMember ? members : 1) * this.#n * 3 : 0);
    this.#virials = new Float64Array(want.has('virial') || want.has('virials') ? this.#n * 9 : 0);
  }

  addEnergy(member: number, atom: number, energy: number): void {
    this.#energies[member * this.#n + atom] += energy;
  }

  /**
   * Eq. 15: F_j −= v_D, F_i += v_D, W −= D ⊗ v_D with v_D = ∂ε_i/∂D.
   * @param gradient [members or 1, neighbours, 3] eV/Å
   */
  addGradient(centre: number, atoms: readonly number[], vectors: readonly number[], gradient: Float64Array): void {
    const F = this.#forces;
    const count = this.perMember ? this.#members : 1;
    for (let m = 0; m < count; m++) {
      for (const [k, j] of atoms.entries()) {
        for (let b = 0; b < 3; b++) {
          const v = gradient[(m * atoms.length + k) * 3 + b];
          F[(m * this.#n + j) * 3 + b] -= v;
          F[(m * this.#n + centre) * 3 + b] += v;
          if (this.#virials.length === 0) continue;
          for (let a = 0; a < 3; a++) this.#virials[9 * j + 3 * a + b] -= (vectors[3 * k + a] * v) / count;
        }
      }
    }
  }

  /**
   * Adds what a backend has summed already: the forces of one atom, and its virial.
   * @param forces [members or 1, 3] from `at` on, eV/Å; where derivatives of the mean will do, that of the members is taken
   * @param virial [3,3] from `virialAt` on, eV
   */
  addForces(atom: number, forces: Float32Array, at: number, count: number, virial?: Float32Array, virialAt = 0): void {
    for (let m = 0; m < count; m++) {
      const to = this.perMember ? m * this.#n + atom : atom;
      const weight = this.perMember ? 1 : 1 / count;
      for (let b = 0; b < 3; b++) this.#forces[3 * to + b] += weight * forces[at + 3 * m + b];
    }
    if (virial === undefined || this.#virials.length === 0) return;
    for (let k = 0; k < 9; k++) this.#virials[9 * atom + k] += virial[virialAt + k];
  }

  result(): Result {
    const want = this.#want;
    const memberEnergies = Float64Array.from({ length: this.#members }, (_, m) =>
      sum(this.#energies.subarray(m * this.#n, (m + 1) * this.#n)),
    );
    const result: Result = { energy: mean(memberEnergies) };
    const forces = this.perMember ? memberMean(this.#forces, this.#members) : this.#forces;
    if (want.has('forces')) result.forces = forces;
    if (want.has('virial'))
      result.virial = Float64Array.from({ length: 9 }, (_, k) => sum(this.#virials.filter((_, i) => i % 9 === k)));
    if (want.has('virials')) result.virials = this.#virials;
    if (want.has('energies')) result.energies = memberMean(this.#energies, this.#members);
    if (want.has('sigma')) {
      result.sigmaEnergy = deviation(memberEnergies);
      result.rho = rho(result.sigmaEnergy, this.#owned);
      result.sigmaEnergies = memberDeviations(this.#energies, this.#members);
      if (this.#whole) result.sigmaForces = sigmaForces(this.#forces, this.#members);
    }
    if (want.has('memberEnergies')) result.memberEnergies = memberEnergies;
    if (want.has('memberForces')) result.memberForces = this.#forces;
    if (want.has('forceDeviations')) result.forceDeviations = forceDeviations(this.#forces, forces);
    return result;
  }
}

function sum(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}
