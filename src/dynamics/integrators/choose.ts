/** From what a user asks for to the integrator that does it. */
import { MltsError } from '../../errors.ts';
import type { CellFreedom } from '../minimise/coordinates.ts';
import { CellRescaling } from './cell-rescaling.ts';
import type { Integrator, Means } from './integrator.ts';
import { Langevin } from './langevin.ts';
import { Mtk } from './mtk.ts';
import { NoseHoover } from './nose-hoover.ts';
import { StochasticRescaling } from './rescaling.ts';
import { VelocityVerlet } from './velocity-verlet.ts';

export type Thermostat = 'rescale' | 'langevin' | 'nose-hoover';
export type Barostat = 'rescale' | 'mtk';

export interface Ensemble {
  readonly ensemble: 'nve' | 'nvt' | 'npt';
  readonly thermostat: Thermostat;
  /** fs */
  readonly thermostatTime: number;
  readonly barostat: Barostat;
  /** fs */
  readonly barostatTime: number;
  readonly cell: CellFreedom;
  /** Å³/eV */
  readonly compressibility: number;
}

/** Whether the total momentum of atoms that are all free stays what it is. */
export const keepsMomentum = ({ ensemble, thermostat }: Ensemble): boolean =>
  ensemble !== 'nvt' || thermostat !== 'langevin';

/** @throws MltsError E_USAGE for what does not go together */
export function chooseIntegrator(wanted: Ensemble, means: Means): Integrator {
  const { ensemble, thermostat, thermostatTime } = wanted;
  if (ensemble === 'nve') return new VelocityVerlet(means);
  if (ensemble === 'nvt') {
    if (thermostat === 'langevin') return new Langevin(means, thermostatTime);
    if (thermostat === 'nose-hoover') return new NoseHoover(means, thermostatTime);
    return new StochasticRescaling(means, thermostatTime);
  }
  const { barostatTime, cell: freedom, compressibility, barostat } = wanted;
  if (barostat === 'rescale') {
    if (thermostat !== 'rescale') throw mixed(barostat, thermostat, 'rescale');
    return new CellRescaling(means, { freedom, thermostatTime, barostatTime, compressibility });
  }
  if (thermostat === 'langevin') throw mixed(barostat, thermostat, 'nose-hoover');
  if (means.constraints.bonds.length > 0) {
    throw new MltsError(
      'E_USAGE',
      "the barostat 'mtk' strains bonds of fixed length",
      "Use the barostat 'rescale', or let the bonds vibrate.",
    );
  }
  return new Mtk(means, { freedom, thermostatTime, barostatTime });
}

const mixed = (barostat: Barostat, thermostat: Thermostat, own: Thermostat): MltsError =>
  new MltsError(
    'E_USAGE',
    `the barostat '${barostat}' does not go with the thermostat '${thermostat}'`,
    `Use the thermostat '${own}' with it.`,
  );
