/** Where labels are computed. */

/** Processes on this machine. */
export interface LocalSettings {
  readonly kind: 'local';
  /** Side by side; default: one a core. */
  readonly workers: number | undefined;
}

/** Job arrays. */
export interface SlurmSettings {
  readonly kind: 'slurm';
  readonly partition: string | undefined;
  readonly account: string | undefined;
  /** Wall-time limit of a job, s. */
  readonly time: number;
  /** Of a task. */
  readonly nodes: number;
  readonly cpus: number;
  /** Tasks of an array that run at once. */
  readonly throttle: number | undefined;
  /** Further options of sbatch: `--mem=4G`. */
  readonly extra: readonly string[];
}

/** Processes in allocations held open, which come and ask. */
export interface PilotSettings {
  readonly kind: 'pilot';
  /** tcp://HOST:PORT or ipc:///PATH */
  readonly bind: string;
  /** Files of the own key pair and of the pilots let in; default: those of `mlts keys`. */
  readonly keys: { readonly server?: string | undefined; readonly allowed?: string | undefined };
}

export type ExecutorSettings = LocalSettings | SlurmSettings | PilotSettings;
