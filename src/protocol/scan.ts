/**
 * A walk over one MessagePack frame before anything is decoded: nothing is allocated, each byte is
 * looked at most once, and a declared length that the frame cannot hold ends the walk. Of MessagePack
 * the protocol uses nil, booleans, integers, floats, UTF-8 strings, binaries, arrays and maps with
 * string keys; extension types are refused.
 */
import { MltsError } from '../errors.ts';

export interface ScanLimits {
  /** Bytes of the frame. */
  readonly maxBytes: number;
  /** Nesting of arrays and maps. */
  readonly maxDepth: number;
  /** Values of every kind, map keys included. */
  readonly maxValues: number;
}

const malformed = (what: string): MltsError =>
  new MltsError('E_PROTOCOL', what, 'Send one MessagePack map a frame, as docs/protocol.md says.');

const limit = (what: string): MltsError =>
  new MltsError('E_LIMIT', what, 'Send smaller requests, or raise the limit in the configuration of the server.');

/** Payload bytes of nil, booleans, floats and integers, from 0xc0 on; −1 for what has a length, or is refused. */
const FIXED = [0, -1, 0, 0, -1, -1, -1, -1, -1, -1, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8];

/**
 * @throws MltsError E_PROTOCOL for bytes that are not one map of the kinds above, E_LIMIT for one that is too
 *   long, too deep or of too many values
 */
export function scan(bytes: Uint8Array, limits: ScanLimits): void {
  const length = bytes.byteLength;
  if (length > limits.maxBytes) throw limit(`the frame has ${length} bytes, the limit is ${limits.maxBytes}`);
  const first = bytes[0] ?? 0xc1;
  if (!((first & 0xf0) === 0x80 || first === 0xde || first === 0xdf))
    throw malformed('the frame is not a MessagePack map');

  let at = 0;
  let values = 0;

  const size = (width: number): number => {
    if (at + width > length) throw malformed(`the frame ends at byte ${length} inside a length`);
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 256 + bytes[at++];
    return value;
  };
  const skip = (count: number): void => {
    if (count > length - at)
      throw malformed(`a value of ${count} bytes at byte ${at} does not fit a frame of ${length} bytes`);
    at += count;
  };

  const children = (count: number, depth: number, keyed: boolean): void => {
    if (depth > limits.maxDepth) throw limit(`the frame nests deeper than ${limits.maxDepth} levels`);
    const items = keyed ? count * 2 : count;
    // Every value takes a byte or more: what the frame cannot hold is refused before anyone allocates it.
    if (items > length - at) throw malformed(`${count} entries at byte ${at} do not fit a frame of ${length} bytes`);
    for (let i = 0; i < count; i++) {
      if (keyed) key();
      value(depth);
    }
  };

  const key = (): void => {
    const token = bytes[at];
    if (!((token & 0xe0) === 0xa0 || (token >= 0xd9 && token <= 0xdb)))
      throw malformed(`a map key at byte ${at} is not a string`);
    value(0);
  };

  const value = (depth: number): void => {
    if (at >= length) throw malformed(`the frame ends at byte ${length} where a value should be`);
    if (++values > limits.maxValues) throw limit(`the frame holds more than ${limits.maxValues} values`);
    const token = bytes[at++];
    if (token < 0x80 || token >= 0xe0) return;
    if (token < 0x90) children(token & 0x0f, depth + 1, true);
    else if (token < 0xa0) children(token & 0x0f, depth + 1, false);
    else if (token < 0xc0) skip(token & 0x1f);
    else if (token >= 0xc4 && token <= 0xc6) skip(size(1 << (token - 0xc4)));
    else if (token >= 0xd9 && token <= 0xdb) skip(size(1 << (token - 0xd9)));
    else if (token === 0xdc || token === 0xdd) children(size(token === 0xdc ? 2 : 4), depth + 1, false);
    else if (token === 0xde || token === 0xdf) children(size(token === 0xde ? 2 : 4), depth + 1, true);
    else if ((FIXED[token - 0xc0] ?? -1) >= 0) skip(FIXED[token - 0xc0]);
    else
      throw malformed(`byte ${at - 1} (0x${token.toString(16)}) is a MessagePack type that this protocol does not use`);
  };

  value(0);
  if (at !== length) throw malformed(`${length - at} bytes follow the map`);
}
