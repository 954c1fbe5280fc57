/**
 * The safetensors container (https://github.com/huggingface/safetensors): 8 bytes little-endian header
 * length, a JSON header, tensor bytes. Read strictly; written as a pure function of its content.
 */
import { endianness } from 'node:os';
import { MltsError } from '../errors.ts';

/** A float32 tensor in C order. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface Container {
  readonly metadata: Readonly<Record<string, string>>;
  /** Views into the bytes that were read, wherever these are aligned. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** A header of a model is some 10 kB; more than this is not a model. */
const MAX_HEADER = 4 * 1024 * 1024;
const MAX_DEPTH = 32;
const REMEDY = 'The file is damaged or is no .mlts model: copy, fetch or import it again.';

/** @throws MltsError E_MODEL naming the entry, its value and what it should be */
export function readSafetensors(bytes: Uint8Array, file: string): Container {
  if (endianness() !== 'LE') {
    throw new MltsError('E_UNAVAILABLE', 'this machine is big-endian', 'Use a little-endian machine.');
  }
  const fail = (what: string): never => {
    throw new MltsError('E_MODEL', `${file}: ${what}`, REMEDY);
  };
  if (bytes.byteLength < 8) fail(`${bytes.byteLength} bytes, a model has at least 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const bound = Math.min(bytes.byteLength - 8, MAX_HEADER);
  if (length > bound) fail(`header length is ${length}, must be at most ${bound}`);
  const start = 8 + length;
  const header = parseObject(bytes.subarray(8, start), 'header', fail);

  let metadata: Record<string, string> = {};
  const spans: { name: string; begin: number; end: number; shape: number[] }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      if (!isObject(entry) || Object.values(entry).some((value) => typeof value !== 'string')) {
        fail('__metadata__ must map strings to strings');
      }
      metadata = entry as Record<string, string>;
    } else spans.push(readSpan(name, entry, bytes.byteLength - start, fail));
  }

  const tensors = new Map<string, Tensor>();
  let end = 0;
  for (const span of spans.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (span.begin !== end) fail(`tensor ${span.name} begins at byte ${span.begin}, must begin at ${end}`);
    end = span.end;
    tensors.set(span.name, { shape: span.shape, data: floats(bytes, start + span.begin, span.end - span.begin) });
  }
  if (start + end !== bytes.byteLength) {
    fail(`tensors end at byte ${end}, the file has ${bytes.byteLength - start} bytes of tensors`);
  }
  return { metadata, tensors };
}

/** The file of these tensors: sorted names, header padded with blanks to a multiple of 8 bytes. */
export function writeSafetensors(
  metadata: Readonly<Record<string, string>>,
  tensors: ReadonlyMap<string, Tensor>,
): Uint8Array {
  const names = [...tensors.keys()].sort();
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const name of names) {
    const { shape, data } = tensors.get(name) as Tensor;
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(8 + length + end).fill(0x20, 8, 8 + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  let at = 8 + length;
  for (const name of names) {
    const { data } = tensors.get(name) as Tensor;
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** JSON text of one object; duplicate keys and deep nesting are refused. */
export function parseObject(
  text: Uint8Array | string,
  what: string,
  fail: (what: string) => never,
): Record<string, unknown> {
  try {
    const json = typeof text === 'string' ? text : new TextDecoder('utf-8', { fatal: true }).decode(text);
    const value: unknown = JSON.parse(json);
    if (!isObject(value)) return fail(`${what} is not a JSON object`);
    if (countKeys(value) !== writtenKeys(json))
      return fail(`${what} has a key twice in one object or is nested too deep`);
    return value;
  } catch (error) {
    if (error instanceof MltsError) throw error;
    return fail(`${what} is not JSON (${(error as Error).message})`);
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readSpan(name: string, entry: unknown, bytes: number, fail: (what: string) => never) {
  if (!isObject(entry)) return fail(`tensor ${name} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (dtype !== 'F32') return fail(`tensor ${name} has dtype ${String(dtype)}, must be F32`);
  if (!isCounts(shape)) return fail(`tensor ${name} has shape ${JSON.stringify(shape)}, must be a list of counts`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    return fail(`tensor ${name} has data_offsets ${JSON.stringify(offsets)}, must be two byte counts`);
  }
  const [begin, end] = offsets as [number, number];
  const size = 4 * shape.reduce((product, count) => product * count, 1);
  if (end > bytes) return fail(`tensor ${name} ends at byte ${end}, the file has ${bytes} bytes of tensors`);
  if (end - begin !== size) return fail(`tensor ${name} has ${end - begin} bytes, its shape [${shape}] needs ${size}`);
  return { name, begin, end, shape };
}

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= 8 && value.every((count) => Number.isSafeInteger(count) && count >= 0);

/** A view where the bytes are aligned, else a copy. */
function floats(bytes: Uint8Array, at: number, length: number): Float32Array {
  if ((bytes.byteOffset + at) % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset + at, length / 4);
  return new Float32Array(bytes.slice(at, at + length).buffer);
}

/** Keys of all objects in a parsed value, −1 where it is nested deeper than MAX_DEPTH. */
function countKeys(value: unknown): number {
  let keys = 0;
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return -1;
    const next: unknown[] = [];
    for (const item of level) {
      if (isObject(item)) keys += Object.keys(item).length;
      if (typeof item === 'object' && item !== null) for (const child of Object.values(item)) next.push(child);
    }
    level = next;
  }
  return keys;
}

/** Keys as they stand in valid JSON text: every string that a colon follows. JSON.parse keeps the last of two equal ones. */
function writtenKeys(json: string): number {
  let keys = 0;
  for (const match of json.matchAll(/"(?:[^"\\]|\\.)*"\s*(:?)/gs)) if (match[1] === ':') keys++;
  return keys;
}
