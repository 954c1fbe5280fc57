import { ReferencePotential } from '../../../src/engine/reference/reference.ts';
import { potentialLaws } from '../../laws/potential.ts';

potentialLaws('the reference backend', ({ model }) => new ReferencePotential(model), { precision: 'double' });
