import { potentialLaws } from '../../laws/potential.ts';
import { publishedLaws } from '../../laws/published.ts';
import { tensorflowPotential } from '../../support/tensorflow.ts';

potentialLaws('the TensorFlow.js backend', ({ model }) => tensorflowPotential(model), { precision: 'single' });
publishedLaws('the TensorFlow.js backend', ({ model }) => tensorflowPotential(model), { precision: 'single' });
