/** A decoded map as one of the requests, every field checked. */
import { MltsError } from '../errors.ts';
import type { WireMap } from './codec.ts';
import { array, asMap, cell, flag, list, oneOf, pbc, required, text, want, whole } from './fields.ts';
import {
  type EvaluateRequest,
  type HelloRequest,
  type OpenRequest,
  REQUEST_TYPES,
  type Request,
  UNITS,
  type WireSystem,
} from './messages.ts';

const PRECISIONS = ['single', 'double'] as const;

type Draft<T> = { -readonly [K in keyof T]: T[K] | undefined };
/** Without the fields that are not there. */
function present<T>(draft: Draft<T>): T {
  for (const key in draft) if (draft[key] === undefined) delete draft[key];
  return draft as T;
}

function hello(map: WireMap, id: number): HelloRequest {
  if (map.units !== undefined) {
    const units = asMap(map.units, 'units');
    for (const quantity of ['length', 'energy'] as const) {
      const unit = text(units, quantity);
      if (unit === undefined || unit === UNITS[quantity]) continue;
      throw new MltsError(
        'E_USAGE',
        `the client's unit of ${quantity} is '${unit.slice(0, 40)}'`,
        `Convert in the client: the wire carries ${UNITS.length} and ${UNITS.energy}.`,
      );
    }
  }
  const version = required(whole(map, 'version'), 'hello', 'version');
  return { type: 'hello', id, version, client: text(map, 'client') ?? 'unnamed' };
}

function open(map: WireMap, id: number): OpenRequest {
  return present<OpenRequest>({
    type: 'open',
    id,
    model: text(map, 'model'),
    sha256: text(map, 'sha256'),
    numbers: required(array(map, 'numbers'), 'open', 'numbers'),
    pbc: pbc(map),
    precision: oneOf(map, 'precision', PRECISIONS),
    want: want(map),
    domain: flag(map, 'domain'),
  });
}

const system = (map: WireMap, message: string): WireSystem =>
  present<WireSystem>({
    numbers: required(array(map, 'numbers'), message, 'numbers'),
    positions: required(array(map, 'positions'), message, 'positions'),
    cell: cell(map),
    pbc: pbc(map),
  });

function evaluate(map: WireMap, id: number): EvaluateRequest {
  const session = whole(map, 'session');
  if (session !== undefined) {
    return {
      type: 'evaluate',
      id,
      session,
      positions: required(array(map, 'positions'), 'evaluate', 'positions'),
      ...present({ cell: cell(map), numbers: array(map, 'numbers'), owned: whole(map, 'owned'), want: want(map) }),
    };
  }
  const common = present({
    model: text(map, 'model'),
    sha256: text(map, 'sha256'),
    precision: oneOf(map, 'precision', PRECISIONS),
    want: want(map),
  });
  const systems = list(map, 'systems');
  if (systems === undefined) return { type: 'evaluate', id, ...common, ...system(map, 'evaluate') };
  return {
    type: 'evaluate',
    id,
    ...common,
    systems: systems.map((entry) => system(asMap(entry, 'systems'), 'systems')),
  };
}

/** The id of a request where it has a usable one, for replies to requests that have nothing else usable. */
export function idOf(map: WireMap): number | undefined {
  const id = map.id;
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? id : undefined;
}

/**
 * The request in a map. Fields that are not known are ignored.
 * @throws MltsError E_PROTOCOL for fields that are missing or of a wrong type, E_SHAPE for arrays of a wrong length,
 *   E_USAGE for values that are not known
 */
export function readRequest(map: WireMap): Request {
  const type = required(text(map, 'type'), 'message', 'type');
  const id = required(whole(map, 'id'), type.slice(0, 40), 'id');
  switch (type) {
    case 'evaluate':
      return evaluate(map, id);
    case 'open':
      return open(map, id);
    case 'hello':
      return hello(map, id);
    case 'close':
      return { type, id, session: required(whole(map, 'session'), type, 'session') };
    case 'ping':
    case 'models':
    case 'stats':
      return { type, id };
    default:
      throw new MltsError(
        'E_PROTOCOL',
        `'type' is '${type.slice(0, 40)}', which this server does not know`,
        `Send one of ${REQUEST_TYPES.join(', ')}.`,
      );
  }
}
