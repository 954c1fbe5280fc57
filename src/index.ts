/** What `import … from 'mlts'` offers. */
import type { Potential } from './engine/potential.ts';
import { openPotential, type SelectOptions } from './engine/select.ts';
import { loadModel as loadModelFile } from './model/load.ts';
import { findModel } from './model/registry.ts';

export { Client, type ConnectOptions, type ServedModel } from './client/client.ts';
export type { Choice, Evaluation, Sigma, Structure } from './client/evaluation.ts';
export { type RemoteOptions, RemotePotential } from './client/remote-potential.ts';
export type { Session, SessionOptions, StepOptions } from './client/session.ts';
export { type Relaxed, type RelaxOptions, relax } from './dynamics/minimise/relax.ts';
export { harmonicEnergies, type Modes, normalModes } from './dynamics/modes.ts';
export { type NebOptions, neb, type Path } from './dynamics/neb.ts';
export type { SimulationOptions, Start } from './dynamics/options.ts';
export { Simulation } from './dynamics/simulation.ts';
export type {
  EvaluateOptions,
  Outcome,
  Potential,
  Precision,
  Result,
  Stages,
  System,
  Trajectory,
  Want,
} from './engine/potential.ts';
export { CODES, type Code, MltsError } from './errors.ts';
export type { Model, ModelInfo } from './model/model.ts';
export type { KeyFile } from './protocol/keys.ts';
export type { Stats } from './protocol/messages.ts';

/**
 * A model in this process, without a server.
 * @param nameOrFile a `.mlts` file or a name from the model folders
 * @throws MltsError E_MODEL_NOT_FOUND, E_FILE, E_MODEL, E_UNAVAILABLE
 */
export async function loadModel(
  nameOrFile: string,
  options: Pick<SelectOptions, 'backend' | 'threads'> = {},
): Promise<Potential> {
  return openPotential(await loadModelFile(await findModel(nameOrFile)), options);
}
