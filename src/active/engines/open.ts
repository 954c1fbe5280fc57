import type { LabelEngine } from '../label.ts';
import { AseEngine } from './ase.ts';
import { EspressoEngine } from './espresso/engine.ts';
import type { EngineSettings } from './settings.ts';

/** An engine ready to label. @throws MltsError E_UNAVAILABLE where it is not set up */
export const openEngine = (settings: EngineSettings): Promise<LabelEngine> =>
  settings.kind === 'espresso' ? EspressoEngine.open(settings) : AseEngine.open(settings);
