import { ReferencePotential } from '../../../src/engine/reference/reference.ts';
import { publishedLaws } from '../../laws/published.ts';

publishedLaws('the reference backend', ({ model }) => new ReferencePotential(model), { precision: 'double' });
