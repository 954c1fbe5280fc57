import type { LabelEngine } from '../label.ts';
import { AseEngine } from './ase.ts';
import { EspressoEngine } from './espresso/engine.ts';
import { openProgram } from './program/engine.ts';
import type { EngineSettings } from './settings.ts';

/** An engine ready to label. @throws MltsError E_UNAVAILABLE where it is not set up */
export async function openEngine(settings: EngineSettings): Promise<LabelEngine> {
  if (settings.kind === 'espresso') return EspressoEngine.open(settings);
  return settings.kind === 'program' ? openProgram(settings) : AseEngine.open(settings);
}
