import { NativePotential } from '../../../src/engine/native.ts';
import { publishedLaws } from '../../laws/published.ts';

for (const precision of ['double', 'single'] as const) {
  publishedLaws('the native backend', ({ model }) => new NativePotential(model, { threads: 2 }), { precision });
}
