/**
 * What travels on the wire, version 1 (docs/protocol.md). Field names are those of the wire; arrays
 * are typed arrays of the dtype that the field's name fixes. Å, eV, eV/Å.
 */
import type { Code } from '../errors.ts';

/** What may be asked for beside the energy. */
export const WANTS = [
  'forces',
  'virial',
  'energies',
  'virials',
  'sigma',
  'member_energies',
  'member_forces',
  'force_deviations',
  'hierarchicality',
] as const;
export type WireWant = (typeof WANTS)[number];
export const DEFAULT_WANT: readonly WireWant[] = ['forces', 'virial', 'sigma'];

export type WirePrecision = 'single' | 'double';
export type Pbc = readonly [boolean, boolean, boolean];

/** The units of every number on the wire; a client may state them in `hello` to be refused early. */
export const UNITS = { length: 'angstrom', energy: 'eV' } as const;

export interface WireModel {
  name: string;
  sha256: string;
  architecture: string;
  /** Atomic numbers. */
  elements: readonly number[];
  members: number;
  /** Å */
  cutoff: number;
  /** Å, cutoff × message layers */
  reach: number;
  /** Å; closer atoms are refused (E_OVERLAP) */
  min_distance: number;
  /** RMS error over RMS σ, where it was measured. */
  calibration?: { sigma_force: number; sigma_energy: number };
  /** What computes it; absent where the server does not tell. */
  backend?: string;
}

export interface WireLimits {
  max_atoms: number;
  max_bytes: number;
  max_depth: number;
}

/** A whole system. */
export interface WireSystem {
  /** [n] */
  numbers: Int32Array;
  /** [n,3] Å */
  positions: Float64Array;
  /** [3,3] Å, rows are lattice vectors */
  cell?: Float64Array;
  pbc?: Pbc;
}

interface Id {
  /** Chosen by the client, 0 … 2⁵³−1. */
  id: number;
}

export interface HelloRequest extends Id {
  type: 'hello';
  /** The highest version the client speaks. */
  version: number;
  client: string;
  units?: { length: string; energy: string };
}

export interface OpenRequest extends Id {
  type: 'open';
  model?: string;
  sha256?: string;
  numbers: Int32Array;
  pbc?: Pbc;
  precision?: WirePrecision;
  want?: readonly WireWant[];
  domain?: boolean;
}

/** A step of a session: positions and what changed. */
export interface SessionEvaluateRequest extends Id {
  type: 'evaluate';
  session: number;
  positions: Float64Array;
  cell?: Float64Array;
  numbers?: Int32Array;
  owned?: number;
  want?: readonly WireWant[];
}

interface Unremembered extends Id {
  type: 'evaluate';
  model?: string;
  sha256?: string;
  precision?: WirePrecision;
  want?: readonly WireWant[];
}

/** One whole system in one message. */
export interface SystemEvaluateRequest extends Unremembered, WireSystem {}

/** Many whole systems in one message. */
export interface BatchEvaluateRequest extends Unremembered {
  systems: readonly WireSystem[];
}

export type EvaluateRequest = SessionEvaluateRequest | SystemEvaluateRequest | BatchEvaluateRequest;

export interface CloseRequest extends Id {
  type: 'close';
  session: number;
}

export interface PlainRequest extends Id {
  type: 'ping' | 'models' | 'stats';
}

export type Request = HelloRequest | OpenRequest | EvaluateRequest | CloseRequest | PlainRequest;
export const REQUEST_TYPES = ['hello', 'models', 'open', 'evaluate', 'close', 'ping', 'stats'] as const;

/** Numbers of one evaluated system; n atoms, M members. */
export interface WireResult {
  natoms: number;
  energy: number;
  forces?: Float64Array;
  virial?: Float64Array;
  energies?: Float64Array;
  virials?: Float64Array;
  sigma_energy?: number;
  rho?: number;
  sigma_energies?: Float64Array;
  sigma_forces?: Float64Array;
  member_energies?: Float64Array;
  member_forces?: Float64Array;
  force_deviations?: Float32Array;
  /** Absent where the model has none. */
  hierarchicality?: Float64Array;
}

export interface WireError {
  code: Code;
  what: string;
  remedy: string;
  /** Index in the request's own order. */
  atom?: number;
}

export interface HelloReply extends Id {
  type: 'hello';
  version: number;
  server: string;
  units: typeof UNITS;
  models: readonly WireModel[];
  limits: WireLimits;
}

export interface ModelsReply extends Id {
  type: 'models';
  models: readonly WireModel[];
}

export interface OpenReply extends Id {
  type: 'open';
  session: number;
  model: WireModel;
  sha256: string;
}

export interface EvaluateReply extends Id, WireResult {
  type: 'evaluate';
  sha256: string;
  session?: number;
}

export interface BatchEvaluateReply extends Id {
  type: 'evaluate';
  sha256: string;
  results: readonly (WireResult | WireError)[];
}

export interface EmptyReply extends Id {
  type: 'close' | 'ping';
}

export interface ErrorReply extends WireError {
  type: 'error';
  /** Absent where the bytes gave none. */
  id?: number;
}

/** What the server has done since it started. Times in s (uptime) and ms (latency), sizes in bytes. */
export interface Stats {
  uptime: number;
  /** Requests received, of every type. */
  requests: number;
  /** Systems evaluated, and the atoms in them. */
  systems: number;
  atoms: number;
  /** Error replies by code. */
  errors: Record<string, number>;
  queue: { requests: number; atoms: number };
  batches: { count: number; mean: number; max: number };
  clients: number;
  sessions: number;
  /** From the arrival of an `evaluate` to its reply, over the last 1024 of them. */
  latency: { p50: number; p95: number; p99: number };
  memory: { resident: number; models: number };
}

export interface StatsReply extends Id, Stats {
  type: 'stats';
}

export type Reply =
  | HelloReply
  | ModelsReply
  | OpenReply
  | EvaluateReply
  | BatchEvaluateReply
  | EmptyReply
  | ErrorReply
  | StatsReply;
