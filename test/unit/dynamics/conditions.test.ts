/** Conditions say what was met, where, its value and its bound. */
import { expect, it } from 'vitest';
import type { Condition } from '../../../src/dynamics/input/stages.ts';
import { checkCalibration, met } from '../../../src/dynamics/run/conditions.ts';
import { Simulation } from '../../../src/dynamics/simulation.ts';
import { expectError } from '../../support/expect-error.ts';
import { Springs } from '../../support/springs.ts';

/** H, C and O on springs at the origin of 1 and 3 eV/Å² (σ = √2 eV/Å² × distance), at 0.5, 1 and 2 Å along x; at rest. */
async function resting() {
  const simulation = new Simulation(
    [{ numbers: Int32Array.of(1, 6, 8), positions: Float64Array.of(0.5, 0, 0, 1, 0, 0, -2, 0, 0) }],
    {
      ...{ ensemble: 'nve', thermostat: 'rescale', thermostatTime: 1, barostat: 'rescale', barostatTime: 1 },
      ...{
        cell: 'isotropic',
        compressibility: 1,
        potential: new Springs(),
        timestep: 1,
        duration: 1,
        seed: 1,
        draw: 0,
      },
    },
  );
  await simulation.start(['sigma']);
  const [walker] = simulation.walkers;
  return (quantity: Condition['quantity'], sense: '<' | '>', bound: number, calibrated?: true) =>
    met({ quantity, sense, bound, ...(calibrated && { calibrated }) }, walker, simulation.observe(walker), {
      sigmaForce: 2,
      sigmaEnergy: 10,
    });
}

it('names the atom of the largest σ_F', async () => {
  const ask = await resting();
  expect(ask('max_sigma_force', '>', 2.8)).toBe('max_sigma_force is 2.828 (atom 2, O), > 2.8');
  expect(ask('max_sigma_force', '>', 2.9)).toBeUndefined();
});

it('names the two atoms that are too close', async () => {
  const ask = await resting();
  expect(ask('min_distance', '<', 0.6)).toBe('min_distance is 0.5000 (atoms 0, H and 1, C), < 0.6');
  expect(ask('min_distance', '<', 0.5)).toBeUndefined();
  expect(ask('min_distance', '>', 0.4)).toBe('min_distance is 0.5000 (atoms 0, H and 1, C), > 0.4');
});

it('compares the mean of σ_F, ρ and the temperature', async () => {
  const ask = await resting();
  expect(ask('mean_sigma_force', '>', 1.6)).toBe('mean_sigma_force is 1.650, > 1.6');
  // σ_E = √2 Σ r²/2 over √3
  expect(ask('rho', '>', 2)).toBe('rho is 2.143, > 2');
  expect(ask('rho', '<', 2)).toBeUndefined();
  expect(ask('temperature', '<', 1)).toBe('temperature is 0.000, < 1');
});

it('compares the errors that σ stands for, where the condition says so', async () => {
  const ask = await resting();
  expect(ask('max_sigma_force', '>', 5.6, true)).toBe('max_sigma_force is 5.657 calibrated (atom 2, O), > 5.6');
  expect(ask('max_sigma_force', '>', 5.7, true)).toBeUndefined();
  expect(ask('mean_sigma_force', '>', 3.2, true)).toBe('mean_sigma_force is 3.300 calibrated, > 3.2');
  expect(ask('rho', '>', 21, true)).toBe('rho is 21.43 calibrated, > 21');
});

it('asks for the calibration of the model before the first step', async () => {
  const { model } = new Springs();
  const plain: Condition = { quantity: 'max_sigma_force', sense: '>', bound: 3 };
  const calibrated: Condition = { ...plain, calibrated: true };
  checkCalibration('nvt', [plain], model);
  checkCalibration('nvt', [plain, calibrated], { ...model, calibration: { sigmaForce: 2, sigmaEnergy: 1 } });
  const words = "nvt: 'max_sigma_force > 3 calibrated' needs a calibration, and springs has none";
  await expectError(() => checkCalibration('nvt', [plain, calibrated], model), 'E_USAGE', words);
});
