/**
 * The golden messages of the wire. test/unit/protocol/frames.test.ts writes each as
 * test/vectors/frames/NAME.json (the message as JSON and the same as hex bytes), read by the tests of all
 * three implementations.
 */
import type { Reply, Request, WireModel } from '../../src/protocol/messages.ts';

const sha256 = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';
const model: WireModel = {
  name: 'ani-2x',
  sha256,
  architecture: 'ani',
  elements: [1, 6, 7, 8, 16, 9, 17],
  members: 8,
  cutoff: 5.1,
  reach: 5.1,
  min_distance: 0.25,
  calibration: { sigma_force: 1.5, sigma_energy: 3 },
  backend: 'native',
};
const bare = ({ backend, calibration, ...rest }: WireModel): WireModel => rest;
const limits = { max_atoms: 200_000, max_bytes: 67_108_864, max_depth: 8 };
const ints = (...values: number[]) => Int32Array.from(values);
const floats = (...values: number[]) => Float64Array.from(values);

const water = {
  numbers: ints(8, 1, 1),
  positions: floats(0, 0, 0.119, 0, 0.763, -0.477, 0, -0.763, -0.477),
};
const cell = floats(9.5, 0, 0, 0.25, 10, 0, -0.125, 0.5, 11);
const waterForces = floats(0, 0, -0.0625, 0, 0.5, 0.03125, 0, -0.5, 0.03125);
const waterVirial = floats(-0.5, 0, 0, 0, -0.763, 0, 0, 0, -0.037);

export const frames: Record<string, Request | Reply> = {
  'hello-request': {
    type: 'hello',
    id: 1,
    version: 1,
    client: 'lammps 0.1.0',
    units: { length: 'angstrom', energy: 'eV' },
  },
  'hello-reply': {
    type: 'hello',
    id: 1,
    version: 1,
    server: 'mlts 0.1.0',
    units: { length: 'angstrom', energy: 'eV' },
    models: [model],
    limits,
  },
  'models-request': { type: 'models', id: 2 },
  'models-reply': {
    type: 'models',
    id: 2,
    models: [model, bare({ ...model, name: 'al', elements: [13], members: 1, cutoff: 7, reach: 7 })],
  },
  'open-request': {
    type: 'open',
    id: 3,
    model: 'ani-2x',
    sha256,
    numbers: water.numbers,
    pbc: [true, true, true],
    precision: 'single',
    want: ['forces', 'virial', 'sigma', 'energies'],
  },
  'open-domain-request': {
    type: 'open',
    id: 300,
    model: 'ani-2x',
    numbers: ints(8, 1, 1, 8),
    precision: 'double',
    want: ['forces', 'virial', 'member_energies', 'force_deviations'],
    domain: true,
  },
  'open-reply': { type: 'open', id: 3, session: 7, model, sha256 },
  'evaluate-session-request': { type: 'evaluate', id: 4, session: 7, positions: water.positions, cell },
  'evaluate-session-reply': {
    type: 'evaluate',
    id: 4,
    sha256,
    session: 7,
    natoms: 3,
    energy: -2078.501953125,
    forces: waterForces,
    virial: waterVirial,
    energies: floats(-2045.5, -16.5009765625, -16.5009765625),
    sigma_energy: 0.0123,
    rho: 0.0123 / Math.sqrt(3),
    sigma_energies: floats(0.01, 0.002, 0.003),
    sigma_forces: floats(0.05, 0.02, 0.025),
  },
  'evaluate-domain-request': {
    type: 'evaluate',
    id: 70_000,
    session: 8,
    positions: floats(0, 0, 0.119, 0, 0.763, -0.477, 0, -0.763, -0.477, 0, 0, 3),
    owned: 3,
  },
  'evaluate-domain-reply': {
    type: 'evaluate',
    id: 70_000,
    sha256,
    session: 8,
    natoms: 4,
    energy: -2078,
    forces: floats(0, 0, -0.0625, 0, 0.5, 0.03125, 0, -0.5, 0.03125, 0, 0, 0.015625),
    virial: waterVirial,
    member_energies: floats(-2078.0625, -2077.9375),
    force_deviations: Float32Array.from(
      Array.from({ length: 24 }, (_, i) => (i < 12 ? 1 : -1) * ((i % 12) - 5.5) * 0.0078125),
    ),
  },
  'evaluate-numbers-request': {
    type: 'evaluate',
    id: 5,
    session: 7,
    positions: floats(0, 0, 0, 0, 0, 0.74),
    numbers: ints(1, 1),
    want: ['member_energies', 'member_forces', 'virials'],
  },
  'evaluate-numbers-reply': {
    type: 'evaluate',
    id: 5,
    sha256,
    session: 7,
    natoms: 2,
    energy: -32,
    virials: floats(...Array.from({ length: 18 }, (_, i) => i / 16)),
    member_energies: floats(-32.25, -31.75),
    member_forces: floats(0, 0, 0.5, 0, 0, -0.5, 0, 0, 0.25, 0, 0, -0.25),
  },
  'evaluate-system-request': {
    type: 'evaluate',
    id: 6,
    model: 'ani-2x',
    ...water,
    cell,
    pbc: [true, true, false],
    precision: 'double',
    want: ['forces'],
  },
  'evaluate-system-reply': { type: 'evaluate', id: 6, sha256, natoms: 3, energy: -2078.5, forces: waterForces },
  'evaluate-batch-request': {
    type: 'evaluate',
    id: 9,
    model: 'ani-2x',
    want: ['forces', 'sigma'],
    systems: [water, { ...water, cell, pbc: [true, true, true] }, { numbers: ints(26), positions: floats(0, 0, 0) }],
  },
  'evaluate-batch-reply': {
    type: 'evaluate',
    id: 9,
    sha256,
    results: [
      {
        natoms: 3,
        energy: -2078.5,
        forces: waterForces,
        sigma_energy: 0,
        rho: 0,
        sigma_energies: floats(0, 0, 0),
        sigma_forces: floats(0, 0, 0),
      },
      {
        natoms: 3,
        energy: -2078.25,
        forces: waterForces,
        sigma_energy: 0.5,
        rho: 0.5 / Math.sqrt(3),
        sigma_energies: floats(0.25, 0.125, 0.125),
        sigma_forces: floats(0.5, 0.25, 0.25),
      },
      {
        code: 'E_SPECIES',
        what: 'atom 0 is Fe (Z=26), which ani-2x does not know',
        remedy: 'Load a model that lists Z=26.',
        atom: 0,
      },
    ],
  },
  'close-request': { type: 'close', id: 10, session: 7 },
  'close-reply': { type: 'close', id: 10 },
  'ping-request': { type: 'ping', id: 5_000_000_000 },
  'ping-reply': { type: 'ping', id: 5_000_000_000 },
  'stats-request': { type: 'stats', id: 12 },
  'stats-reply': {
    type: 'stats',
    id: 12,
    uptime: 60,
    requests: 1002,
    systems: 1000,
    atoms: 9000,
    errors: { E_SESSION: 1 },
    queue: { requests: 0, atoms: 0 },
    batches: { count: 250, mean: 4, max: 8 },
    clients: 8,
    sessions: 8,
    latency: { p50: 0.75, p95: 1, p99: 1.25 },
    memory: { resident: 104_857_600, models: 33_554_432 },
  },
  'error-overlap': {
    type: 'error',
    id: 4,
    code: 'E_OVERLAP',
    what: 'atoms 0 and 1 are 0.1 Å apart, the least that ani-2x takes is 0.25 Å',
    remedy: 'Move them apart.',
    atom: 0,
  },
  'error-busy': {
    type: 'error',
    id: 13,
    code: 'E_BUSY',
    what: 'this client has 64 requests waiting, the limit is 64',
    remedy: 'Send it again later.',
  },
  'error-without-id': {
    type: 'error',
    code: 'E_PROTOCOL',
    what: 'the frame is not a MessagePack map',
    remedy: 'Send one MessagePack map a frame, as docs/protocol.md says.',
  },
};
