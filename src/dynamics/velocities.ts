/** Velocities drawn at a temperature. */
import { AMU_ANGSTROM2_PER_FS2, BOLTZMANN } from '../units.ts';
import type { Constraints } from './constraints.ts';
import type { Random } from './random.ts';
import { kineticEnergy, type State, scaleVelocities, temperature } from './state.ts';

/**
 * Draws all velocities from the Maxwell–Boltzmann distribution, without motion of the centre of mass and along no
 * constraint, then scales them to the temperature exactly.
 * @param kelvin T, K
 */
export function drawVelocities(state: State, constraints: Constraints, kelvin: number, random: Random): void {
  const { masses, mobility, velocities } = state;
  for (let i = 0; i < masses.length; i++) {
    const width = mobility[i] === 0 ? 0 : Math.sqrt((BOLTZMANN * kelvin) / (masses[i] * AMU_ANGSTROM2_PER_FS2));
    for (let k = 0; k < 3; k++) velocities[3 * i + k] = width * random.normal();
  }
  constraints.admit(state, true);
  const now = temperature(kineticEnergy(state), state.freedom);
  if (now > 0) scaleVelocities(state, Math.sqrt(kelvin / now));
}
