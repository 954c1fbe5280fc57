import { NativePotential, nativeInstructionSets } from '../../../src/engine/native.ts';
import { potentialLaws } from '../../laws/potential.ts';

for (const isa of nativeInstructionSets()) {
  for (const precision of ['double', 'single'] as const) {
    potentialLaws(`the native backend on ${isa}`, ({ model }) => new NativePotential(model, { threads: 2, isa }), {
      precision,
    });
  }
}
