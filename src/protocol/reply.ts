/** A decoded map as one of the replies, every field checked: the client's side of request.ts. */
import { CODES, type Code, MltsError } from '../errors.ts';
import type { WireMap } from './codec.ts';
import { array, asMap, list, real, required, text, whole } from './fields.ts';
import type { Reply, Stats, WireError, WireLimits, WireModel, WireResult } from './messages.ts';
import { UNITS } from './messages.ts';

function readModel(value: unknown): WireModel {
  const map = asMap(value, 'model');
  const elements = required(list(map, 'elements'), 'model', 'elements');
  if (!elements.every((entry) => typeof entry === 'number')) {
    throw new MltsError('E_PROTOCOL', "'elements' is not a list of numbers", 'Use a server that speaks this protocol.');
  }
  const backend = text(map, 'backend');
  return {
    name: required(text(map, 'name'), 'model', 'name'),
    sha256: required(text(map, 'sha256'), 'model', 'sha256'),
    architecture: required(text(map, 'architecture'), 'model', 'architecture'),
    elements: elements as number[],
    members: required(whole(map, 'members'), 'model', 'members'),
    cutoff: required(real(map, 'cutoff'), 'model', 'cutoff'),
    reach: required(real(map, 'reach'), 'model', 'reach'),
    min_distance: required(real(map, 'min_distance'), 'model', 'min_distance'),
    ...(map.calibration === undefined ? {} : { calibration: readCalibration(map.calibration) }),
    ...(backend === undefined ? {} : { backend }),
  };
}

function readCalibration(value: unknown): NonNullable<WireModel['calibration']> {
  const map = asMap(value, 'calibration');
  return {
    sigma_force: required(real(map, 'sigma_force'), 'calibration', 'sigma_force'),
    sigma_energy: required(real(map, 'sigma_energy'), 'calibration', 'sigma_energy'),
  };
}

function readLimits(value: unknown): WireLimits {
  const map = asMap(value, 'limits');
  return {
    max_atoms: required(whole(map, 'max_atoms'), 'limits', 'max_atoms'),
    max_bytes: required(whole(map, 'max_bytes'), 'limits', 'max_bytes'),
    max_depth: required(whole(map, 'max_depth'), 'limits', 'max_depth'),
  };
}

const ARRAYS = [
  'forces',
  'virial',
  'energies',
  'virials',
  'sigma_energies',
  'sigma_forces',
  'member_energies',
  'member_forces',
  'hierarchicality',
] as const;

function readResult(map: WireMap): WireResult {
  const result: WireResult = {
    natoms: required(whole(map, 'natoms'), 'evaluate', 'natoms'),
    energy: required(real(map, 'energy'), 'evaluate', 'energy'),
  };
  for (const field of ARRAYS) {
    const value = array(map, field);
    if (value !== undefined) result[field] = value;
  }
  const deviations = array(map, 'force_deviations');
  if (deviations !== undefined) result.force_deviations = deviations;
  for (const field of ['sigma_energy', 'rho'] as const) {
    const value = real(map, field);
    if (value !== undefined) result[field] = value;
  }
  return result;
}

function readError(map: WireMap): WireError {
  const code = required(text(map, 'code'), 'error', 'code');
  const atom = whole(map, 'atom');
  return {
    // A newer server may know codes that this client does not.
    code: Object.hasOwn(CODES, code) ? (code as Code) : 'E_INTERNAL',
    what: required(text(map, 'what'), 'error', 'what'),
    remedy: required(text(map, 'remedy'), 'error', 'remedy'),
    ...(atom === undefined ? {} : { atom }),
  };
}

/** An error of the wire as the error to throw. */
export const errorOf = (error: WireError): MltsError =>
  new MltsError(error.code, error.what, error.remedy, error.atom === undefined ? {} : { atom: error.atom });

/**
 * The reply in a map. Fields that are not known are ignored.
 * @throws MltsError E_PROTOCOL | E_SHAPE
 */
export function readReply(map: WireMap): Reply {
  const type = required(text(map, 'type'), 'reply', 'type');
  const id = whole(map, 'id');
  if (type === 'error') return { type, ...(id === undefined ? {} : { id }), ...readError(map) };
  const common = { id: required(id, type.slice(0, 40), 'id') };
  const models = () => required(list(map, 'models'), type, 'models').map(readModel);
  switch (type) {
    case 'hello':
      return {
        type,
        ...common,
        version: required(whole(map, 'version'), type, 'version'),
        server: required(text(map, 'server'), type, 'server'),
        units: UNITS,
        models: models(),
        limits: readLimits(map.limits),
      };
    case 'models':
      return { type, ...common, models: models() };
    case 'open':
      return {
        type,
        ...common,
        session: required(whole(map, 'session'), type, 'session'),
        model: readModel(map.model),
        sha256: required(text(map, 'sha256'), type, 'sha256'),
      };
    case 'evaluate': {
      const sha256 = required(text(map, 'sha256'), type, 'sha256');
      const results = list(map, 'results');
      if (results !== undefined) {
        const read = (value: unknown) => {
          const entry = asMap(value, 'results');
          return entry.code === undefined ? readResult(entry) : readError(entry);
        };
        return { type, ...common, sha256, results: results.map(read) };
      }
      const session = whole(map, 'session');
      return { type, ...common, sha256, ...(session === undefined ? {} : { session }), ...readResult(map) };
    }
    case 'close':
    case 'ping':
      return { type, ...common };
    case 'stats':
      // Informative only: what a newer server adds or leaves out harms nobody.
      return { ...(map as unknown as Stats), type, ...common };
    default:
      throw new MltsError(
        'E_PROTOCOL',
        `the reply has the type '${type.slice(0, 40)}'`,
        'Use a server that speaks this protocol.',
      );
  }
}
