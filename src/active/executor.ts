/**
 * What every executor is: labels to compute in, a file for each out. A manifest says what is to be done, chunk by chunk; a
 * worker (`mlts learn work MANIFEST CHUNK`) does one chunk; a result is a file that appears whole or not at all. Whatever dies,
 * and wherever, what has a file is done and the rest is not.
 */
import type { EngineSettings } from './engines/settings.ts';
import type { FailureKind } from './label.ts';

/** `manifest.json`. Paths are absolute. */
export interface Manifest {
  readonly version: 1;
  /** Where results go: FOLDER/ID.json, and raw files FOLDER/ID/NAME beside it. */
  readonly labels: string;
  readonly engine: EngineSettings;
  /** Wall-time limit of one label, s. */
  readonly seconds: number;
  /** `chunk-00000.extxyz` … beside the manifest: structures whose info has `id`. */
  readonly chunks: number;
}

/** The content of a result, ID.json. */
export type LabelRecord = Labelled | Failed;

interface Recorded {
  /** structureHash of the structure, hex. */
  readonly id: string;
  readonly level: string;
  readonly program: string;
  /** Wall time, s. */
  readonly seconds: number;
}

export interface Labelled extends Recorded {
  readonly status: 'labelled';
  /** eV */
  readonly energy: number;
  /** eV/Å */
  readonly forces: readonly (readonly [number, number, number])[];
  /** [9] eV, W = −∂E/∂ε */
  readonly virial?: readonly number[];
}

export interface Failed extends Recorded {
  readonly status: 'failed';
  readonly kind: FailureKind;
  readonly what: string;
}

export interface ExecutorOptions<R = LabelRecord> {
  /** Called once for each structure, in the order in which results appear, those that were there already included. */
  readonly onResult: (record: R) => void;
  /** For people: what waits, what was sent again and why. */
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface Executor {
  /**
   * Resolves when every structure of the manifest has its file. A structure whose worker dies three times is recorded as
   * failed (`crashed`).
   * @throws MltsError E_CANCELLED when `signal` fires: what runs is stopped, what is done stays; E_UNAVAILABLE where workers
   *   cannot run at all: engine not set up, queue refuses
   */
  run(manifest: string, options: ExecutorOptions): Promise<void>;
}
