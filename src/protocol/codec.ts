/** Frames to maps and back: MessagePack through msgpackr, with everything off that is not plain MessagePack. */
import { addExtension, Packr, Unpackr } from 'msgpackr';
import { bytesOf } from './arrays.ts';
import { type ScanLimits, scan } from './scan.ts';

/** A decoded map: every value still unchecked. */
export type WireMap = Readonly<Record<string, unknown>>;

/** A number whose MessagePack type msgpackr would choose otherwise: a whole float64, or an integer above 2³². */
class Eight {
  readonly token: 0xcb | 0xcf;
  readonly value: number;
  constructor(token: 0xcb | 0xcf, value: number) {
    this.token = token;
    this.value = value;
  }
}

type Room = { target: Uint8Array; targetView: DataView; position: number };
const writeEight = (number: Eight, allocate: (size: number) => Room): void => {
  const { target, targetView, position } = allocate(9);
  target[position] = number.token;
  if (number.token === 0xcb) targetView.setFloat64(position + 1, number.value);
  else targetView.setBigUint64(position + 1, BigInt(number.value));
};
// msgpackr asks for an extension type; none is ever written, and `scan` refuses them all in what arrives.
addExtension({ Class: Eight, type: 1, pack: writeEight as never });

/** Scalars that are MessagePack floats, wherever they stand. */
const FLOATS: ReadonlySet<string> = new Set([
  'energy',
  'sigma_energy',
  'sigma_force',
  'rho',
  'cutoff',
  'reach',
  'min_distance',
  'uptime',
  'mean',
  'p50',
  'p95',
  'p99',
]);

const packr = new Packr({ useRecords: false, variableMapSize: true, moreTypes: false, mapsAsObjects: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });

function wireValue(key: string, value: unknown): unknown {
  if (typeof value === 'number') {
    if (FLOATS.has(key)) return new Eight(0xcb, value);
    return value > 0xffff_ffff ? new Eight(0xcf, value) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) return bytesOf(value);
  if (Array.isArray(value)) return typeof value[0] === 'object' ? value.map(wireMap) : value;
  return wireMap(value);
}

function wireMap(message: object): object {
  const map: Record<string, unknown> = {};
  for (const key in message) {
    const value = (message as Record<string, unknown>)[key];
    if (value !== undefined) map[key] = wireValue(key, value);
  }
  return map;
}

/** One message as the bytes of one frame. Arrays are copied once, into the frame. Undefined fields are left out. */
export const encode = (message: object): Uint8Array => packr.pack(wireMap(message));

/**
 * The map in a frame; binaries are views of it.
 * @throws MltsError E_PROTOCOL | E_LIMIT
 */
export function decode(bytes: Uint8Array, limits: ScanLimits): WireMap {
  scan(bytes, limits);
  return unpackr.unpack(bytes) as WireMap;
}
