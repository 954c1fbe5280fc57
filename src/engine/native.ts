/** The native backend: C++ kernels (native/) reached through the addon (bridge/). Same contract, same results, much faster. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Code, MltsError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import type {
  EvaluateOptions,
  Outcome,
  Potential,
  Precision,
  Result,
  Stages,
  System,
  Trajectory,
  Want,
} from './potential.ts';
import { validateSystem } from './validate.ts';

export interface AddonError {
  code: Code;
  what: string;
  remedy: string;
  atom?: number;
}

/** One system as bridge/addon.cc takes it: the inputs, and an array for each result that is wanted. */
type NativeSystem = Omit<Result, 'energy' | 'sigmaEnergy' | 'rho'> & {
  numbers: Int32Array;
  positions: Float64Array;
  cell?: Float64Array | undefined;
  pbc: number;
  owned: number;
  trajectory?: object | undefined;
  energy: Float64Array;
  sigmaEnergy?: Float64Array;
};

interface AddonEngine {
  evaluate(systems: NativeSystem[], precision: Precision, cancel?: Int32Array): Promise<(AddonError | undefined)[]>;
  stages(): NativeStages;
  memoryBytes(): number;
  peak(precision: Precision): number;
  readonly isa: string;
}

interface Addon {
  Pool: new (threads: number) => { close(): void };
  Engine: new (model: Model, pool: object, isa: string) => AddonEngine;
  Trajectory: new () => { close(): void };
  /** src/training/trainer.ts */
  Trainer: new (
    model: Model,
    threads: number,
    precision: Precision,
    descriptorBytes: number,
    isa: string,
  ) => object;
  isas(): string[];
}

/** Stage times with the flops of the network part, which `mlts bench` sets against the peak. */
export interface NativeStages extends Stages {
  flops: number;
}

export interface NativeOptions {
  /** Threads of this process's pool; the first potential decides. Default: all processors. */
  readonly threads?: number | undefined;
  /** Instruction set; default the best one (`$MLTS_ISA` for tests and benchmarks). */
  readonly isa?: string | undefined;
}

const ADDON = fileURLToPath(new URL('../../build/mlts.node', import.meta.url));

let loaded: Addon | undefined;

/** @throws MltsError E_UNAVAILABLE where the addon was not built or does not load */
export function addon(): Addon {
  if (loaded) return loaded;
  if (!existsSync(ADDON)) {
    throw new MltsError(
      'E_UNAVAILABLE',
      `the native backend is not built (no ${ADDON})`,
      'Run `npm run setup`, or use the reference backend.',
    );
  }
  try {
    loaded = createRequire(import.meta.url)(ADDON) as Addon;
  } catch (cause) {
    throw new MltsError(
      'E_UNAVAILABLE',
      `the native backend does not load: ${(cause as Error).message}`,
      'Run `npm run setup` again with this Node.',
      {
        cause,
      },
    );
  }
  return loaded;
}

/** Instruction sets that this processor has kernels for, best first. */
export const nativeInstructionSets = (): string[] => addon().isas();

let pool: { threads: number; handle: object } | undefined;

function sharedPool(threads: number | undefined): object {
  const wanted = threads ?? pool?.threads ?? availableParallelism();
  if (pool && pool.threads !== wanted) {
    throw new MltsError(
      'E_USAGE',
      `this process computes on ${pool.threads} threads, not ${wanted}`,
      'Ask for the same number for every model.',
    );
  }
  pool ??= { threads: wanted, handle: new (addon().Pool)(wanted) };
  return pool.handle;
}

export const toError = (e: AddonError): MltsError =>
  new MltsError(e.code, e.what, e.remedy, e.atom === undefined ? {} : { atom: e.atom });

class NativeTrajectory implements Trajectory {
  readonly handle = new (addon().Trajectory)();
  close(): void {
    this.handle.close();
  }
}

export class NativePotential implements Potential {
  readonly backend = 'native';
  readonly model: Model;
  #engine: AddonEngine | undefined;

  /** @throws MltsError E_UNAVAILABLE without an addon or that instruction set; E_MODEL for shapes beyond the kernels */
  constructor(model: Model, options: NativeOptions = {}) {
    this.model = model;
    try {
      this.#engine = new (addon().Engine)(
        model,
        sharedPool(options.threads),
        options.isa ?? process.env.MLTS_ISA ?? '',
      );
    } catch (error) {
      throw error instanceof MltsError || !(error instanceof Error && 'remedy' in error)
        ? error
        : toError(error as unknown as AddonError);
    }
  }

  async evaluate(batch: readonly System[], want: ReadonlySet<Want>, options: EvaluateOptions = {}): Promise<Outcome[]> {
    if (batch.length === 0) throw new MltsError('E_EMPTY', 'a batch of no systems', 'Send at least one system.');
    const { precision = 'single', signal } = options;
    const outcomes = new Array<Outcome | undefined>(batch.length);
    const prepared: NativeSystem[] = [];
    const places: number[] = [];
    batch.forEach((system, i) => {
      const fault = validateSystem(system, this.model);
      if (fault) {
        outcomes[i] = fault;
      } else {
        places.push(i);
        prepared.push(this.#prepare(system, want));
      }
    });
    if (prepared.length > 0) {
      const errors = await this.#run(prepared, precision, signal);
      prepared.forEach((system, k) => {
        const error = errors[k];
        outcomes[places[k]!] = error ? toError(error) : collect(system);
      });
    }
    return outcomes as Outcome[];
  }

  async #run(systems: NativeSystem[], precision: Precision, signal: AbortSignal | undefined) {
    const engine = this.#live();
    try {
      if (!signal) return await engine.evaluate(systems, precision);
      signal.throwIfAborted();
      const cancel = new Int32Array(1);
      const onAbort = () => Atomics.store(cancel, 0, 1);
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        return await engine.evaluate(systems, precision, cancel);
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    } catch (error) {
      if (signal?.aborted)
        throw new MltsError('E_CANCELLED', 'the evaluation was cancelled', 'Send it again if it is still wanted.', {
          cause: error,
        });
      throw typeof error === 'object' && error !== null && 'remedy' in error ? toError(error as AddonError) : error;
    }
  }

  /** Arrays for what is wanted; the kernels fill them. */
  #prepare(system: System, want: ReadonlySet<Want>): NativeSystem {
    const n = system.numbers.length;
    const members = this.model.members;
    const pbc = system.pbc ?? [false, false, false];
    const out: NativeSystem = {
      numbers: system.numbers,
      positions: system.positions,
      cell: system.cell,
      pbc: (pbc[0] ? 1 : 0) | (pbc[1] ? 2 : 0) | (pbc[2] ? 4 : 0),
      owned: system.owned ?? -1,
      trajectory: (system.trajectory as NativeTrajectory | undefined)?.handle,
      energy: new Float64Array(1),
    };
    if (want.has('forces')) out.forces = new Float64Array(3 * n);
    if (want.has('virial')) out.virial = new Float64Array(9);
    if (want.has('energies')) out.energies = new Float64Array(n);
    if (want.has('virials')) out.virials = new Float64Array(9 * n);
    if (want.has('memberEnergies')) out.memberEnergies = new Float64Array(members);
    if (want.has('memberForces')) out.memberForces = new Float64Array(3 * n * members);
    if (want.has('forceDeviations')) out.forceDeviations = new Float32Array(3 * n * members);
    if (want.has('hierarchicality') && this.model.architecture === 'hipnn') out.hierarchicality = new Float64Array(n);
    if (want.has('sigma')) {
      out.sigmaEnergy = new Float64Array(1);
      out.sigmaEnergies = new Float64Array(n);
      if (system.owned === undefined) out.sigmaForces = new Float64Array(n);
    }
    return out;
  }

  createTrajectory(): Trajectory {
    return new NativeTrajectory();
  }

  memoryBytes(): number {
    return this.#live().memoryBytes();
  }

  lastStages(): NativeStages {
    return this.#live().stages();
  }

  /** Flops per second of the matrix kernel with its operands in L1, all threads at once. Blocks for a fraction of a second. */
  gemmPeak(precision: Precision = 'single'): number {
    return this.#live().peak(precision);
  }

  /** Instruction set in use. */
  get isa(): string {
    return this.#live().isa;
  }

  close(): void {
    this.#engine = undefined;
  }

  #live(): AddonEngine {
    if (!this.#engine) throw new MltsError('E_UNAVAILABLE', 'this potential is closed', 'Load the model again.');
    return this.#engine;
  }
}

function collect(system: NativeSystem): Result {
  const {
    numbers,
    positions: _,
    cell: _cell,
    pbc: _pbc,
    owned,
    trajectory: _trajectory,
    energy,
    sigmaEnergy,
    ...arrays
  } = system;
  const result: Result = { energy: energy[0]!, ...arrays };
  if (sigmaEnergy) {
    const atoms = owned < 0 ? numbers.length : owned;
    result.sigmaEnergy = sigmaEnergy[0]!;
    result.rho = atoms > 0 ? sigmaEnergy[0]! / Math.sqrt(atoms) : 0;
  }
  return result;
}
