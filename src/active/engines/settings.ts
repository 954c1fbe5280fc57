/** Which engine labels: plain JSON, for it travels in manifests. Paths are absolute. */

import type { EspressoSettings } from './espresso/settings.ts';
import type { ProgramSettings } from './program/settings.ts';

/** Any calculator of ASE, in a Python process of its own. */
export interface AseSettings {
  readonly kind: 'ase';
  /** `package.module.Class`, called with `arguments`. */
  readonly calculator: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly level: string;
  /** The interpreter that has ASE, mlts_ase and the calculator; default: the one that set-up made, else python3. */
  readonly python?: string | undefined;
}

export type EngineSettings = AseSettings | EspressoSettings | ProgramSettings;
