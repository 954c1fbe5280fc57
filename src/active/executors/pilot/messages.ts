/**
 * What pilots and the executor say to each other: one MessagePack map a message, as on the wire of the server. Structures,
 * settings and records stand in it as the text that they are in files.
 */
import { CODES, type Code, MltsError } from '../../../errors.ts';
import { decode, encode, type WireMap } from '../../../protocol/codec.ts';
import { asMap, list, oneOf, real, required, text, whole } from '../../../protocol/fields.ts';

/** Of a message, bytes. */
export const MAX_BYTES = 64 * 2 ** 20;
const LIMITS = { maxBytes: MAX_BYTES, maxDepth: 4, maxValues: 2 ** 18 };

/** A chunk, or what is left of it, in a pilot's hands. */
export interface Held {
  readonly lease: string;
  /** Which engine with which settings. */
  readonly work: string;
  /** Without a record. */
  readonly ids: readonly string[];
}

export type FromPilot =
  /** The first on each connection. `version` is that of mlts. */
  | {
      readonly type: 'hello';
      readonly version: string;
      readonly pilot: string;
      readonly name: string;
      readonly workers: number;
      readonly held: readonly Held[];
    }
  /** Asks for one chunk. `left`: time until the pilot must end, s. */
  | { readonly type: 'pull'; readonly left?: number | undefined }
  /** `record` and `raw` are JSON; `seq` counts the records of a pilot from 1. */
  | {
      readonly type: 'record';
      readonly seq: number;
      readonly work: string;
      readonly id: string;
      readonly record: string;
      readonly raw: string;
    }
  /** Lets a chunk go: done, given back, or `why` a worker died with it. */
  | { readonly type: 'end'; readonly lease: string; readonly why?: string | undefined }
  | { readonly type: 'beat' }
  /** Leaves; with an error where its workers cannot work. */
  | { readonly type: 'bye'; readonly error?: WireFault | undefined };

export interface WireFault {
  readonly code: Code;
  readonly what: string;
  readonly remedy: string;
}

export type ToPilot =
  /** `beat`: how often it shall be heard, ms. */
  | { readonly type: 'welcome'; readonly beat: number }
  /** `engine` is JSON, `structures` extended XYZ, in the order of `ids`. `seconds`: limit of a label. */
  | {
      readonly type: 'chunk';
      readonly lease: string;
      readonly work: string;
      readonly engine: string;
      readonly seconds: number;
      readonly ids: readonly string[];
      readonly structures: string;
    }
  /** Nothing fits into the time that the pilot has. */
  | { readonly type: 'late' }
  /** Records up to this one need not be sent again. */
  | { readonly type: 'got'; readonly seq: number }
  /** Say hello. */
  | { readonly type: 'who' }
  /** Stop work on these. */
  | { readonly type: 'drop'; readonly leases: readonly string[] }
  /** The campaign has ended. */
  | { readonly type: 'end' }
  | { readonly type: 'error'; readonly error: WireFault };

export type Chunk = Extract<ToPilot, { type: 'chunk' }>;
export type RecordMessage = Extract<FromPilot, { type: 'record' }>;

/** @throws MltsError E_LIMIT where it is longer than any reader takes */
export function pack(message: FromPilot | ToPilot): Uint8Array {
  const bytes = encode(message);
  if (bytes.length <= MAX_BYTES) return bytes;
  throw new MltsError(
    'E_LIMIT',
    `a message of type ${message.type} has ${bytes.length} bytes, the limit is ${MAX_BYTES}`,
    'Lower chunk of label.',
  );
}

/** @throws MltsError E_PROTOCOL | E_LIMIT | E_USAGE: nothing else, whatever the bytes */
export function readFromPilot(frames: readonly Uint8Array[]): FromPilot {
  const map = unpack(frames);
  const type = required(
    oneOf(map, 'type', ['hello', 'pull', 'record', 'end', 'beat', 'bye'] as const),
    'a pilot',
    'type',
  );
  const word = (field: string) => required(text(map, field), type, field);
  const count = (field: string) => required(whole(map, field), type, field);
  if (type === 'hello') {
    const held = required(list(map, 'held'), type, 'held').map((one) => heldOf(asMap(one, 'held')));
    const [version, pilot, name] = [word('version'), word('pilot'), word('name')];
    return { type, version, pilot, name: name.slice(0, 100), workers: count('workers'), held };
  }
  if (type === 'pull') return { type, left: real(map, 'left') };
  if (type === 'record') {
    return {
      ...{ type, seq: count('seq'), work: word('work'), id: word('id') },
      ...{ record: word('record'), raw: word('raw') },
    };
  }
  if (type === 'end') return { type, lease: word('lease'), why: text(map, 'why')?.slice(0, 300) };
  if (type === 'beat') return { type };
  return { type, error: map.error === undefined ? undefined : faultOf(map.error) };
}

/** @throws MltsError E_PROTOCOL | E_LIMIT | E_USAGE */
export function readToPilot(frames: readonly Uint8Array[]): ToPilot {
  const map = unpack(frames);
  const type = required(
    oneOf(map, 'type', ['welcome', 'chunk', 'late', 'got', 'who', 'drop', 'end', 'error'] as const),
    'an executor',
    'type',
  );
  const word = (field: string) => required(text(map, field), type, field);
  if (type === 'welcome') return { type, beat: Math.max(10, required(real(map, 'beat'), type, 'beat')) };
  if (type === 'chunk') {
    return {
      ...{ type, lease: word('lease'), work: word('work'), engine: word('engine') },
      seconds: required(real(map, 'seconds'), type, 'seconds'),
      ...{ ids: words(map, 'ids', type), structures: word('structures') },
    };
  }
  if (type === 'got') return { type, seq: required(whole(map, 'seq'), type, 'seq') };
  if (type === 'drop') return { type, leases: words(map, 'leases', type) };
  if (type === 'error') return { type, error: faultOf(map.error) };
  return { type };
}

function unpack(frames: readonly Uint8Array[]): WireMap {
  if (frames.length === 1) return decode(frames[0], LIMITS);
  throw new MltsError('E_PROTOCOL', `the message has ${frames.length} frames, not one`, 'Send one map as one frame.');
}

const heldOf = (map: WireMap): Held => ({
  lease: required(text(map, 'lease'), 'held', 'lease'),
  work: required(text(map, 'work'), 'held', 'work'),
  ids: words(map, 'ids', 'held'),
});

function words(map: WireMap, field: string, message: string): readonly string[] {
  const values = required(list(map, field), message, field);
  if (values.every((one) => typeof one === 'string')) return values as readonly string[];
  throw new MltsError(
    'E_PROTOCOL',
    `'${field}' of '${message}' is no list of strings`,
    'Use the same mlts everywhere.',
  );
}

function faultOf(value: unknown): WireFault {
  const map = asMap(value, 'error');
  const code = text(map, 'code') ?? '';
  return {
    code: Object.hasOwn(CODES, code) ? (code as Code) : 'E_INTERNAL',
    what: required(text(map, 'what'), 'error', 'what'),
    remedy: required(text(map, 'remedy'), 'error', 'remedy'),
  };
}
