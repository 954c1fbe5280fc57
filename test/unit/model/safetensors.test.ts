import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MltsError } from '../../../src/errors.ts';
import { modelFromBytes } from '../../../src/model/load.ts';
import { readSafetensors, type Tensor, writeSafetensors } from '../../../src/model/safetensors.ts';
import { expectError } from '../../support/expect-error.ts';
import { testModel } from '../../support/models.ts';

const tensors = new Map<string, Tensor>([
  ['b', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ['a', { shape: [2], data: Float32Array.of(-1, 0.5) }],
  ['none', { shape: [0, 4], data: new Float32Array(0) }],
]);

/** A file with this header (text or object) before `bytes` bytes of data. */
function file(header: unknown, bytes = 32): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + json.length + bytes);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
  out.set(json, 8);
  return out;
}

const entry = (shape: unknown, offsets: unknown, dtype: unknown = 'F32') => ({ dtype, shape, data_offsets: offsets });

describe('a safetensors file', () => {
  it('comes back as it was written, as views of its bytes', () => {
    const bytes = writeSafetensors({ key: 'value "quoted": ü' }, tensors);
    const read = readSafetensors(bytes, 'x');
    expect(read.metadata).toEqual({ key: 'value "quoted": ü' });
    expect([...read.tensors.keys()].sort()).toEqual(['a', 'b', 'none']);
    for (const [name, { shape, data }] of tensors) expect(read.tensors.get(name)).toEqual({ shape, data });
    expect(read.tensors.get('b')!.data.buffer).toBe(bytes.buffer);
  });

  it('does not depend on the order in which tensors were made', () => {
    const other = new Map([...tensors].reverse());
    expect(writeSafetensors({}, other)).toEqual(writeSafetensors({}, tensors));
  });

  it('is read at any alignment', () => {
    const bytes = writeSafetensors({}, tensors);
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    expect(readSafetensors(shifted, 'x').tensors.get('b')!.data).toEqual(tensors.get('b')!.data);
  });

  const bad: [string, Uint8Array, string][] = [
    ['no bytes', new Uint8Array(0), '0 bytes'],
    ['seven bytes', new Uint8Array(7), '7 bytes'],
    ['a header longer than the file', file({}).slice(0, 9), 'header length is 2'],
    [
      'a header of 2⁶³ bytes',
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 128, 123, 125),
      'header length is 9223372036854776000',
    ],
    ['a header that is no JSON', file('{"a":'), 'not JSON'],
    [
      'a header that is not UTF-8',
      (() => {
        const f = file('{"aé":1}');
        f[12] = 0xff;
        return f;
      })(),
      'not JSON',
    ],
    ['a header that is a list', file('[]'), 'not a JSON object'],
    [
      'a key twice',
      file(
        '{"a":{"dtype":"F32","shape":[8],"data_offsets":[0,32]},"a":{"dtype":"F32","shape":[8],"data_offsets":[0,32]}}',
      ),
      'twice',
    ],
    ['a key twice inside', file('{"a":{"dtype":"F32","shape":[2],"shape":[8],"data_offsets":[0,32]}}'), 'twice'],
    ['nesting without end', file(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`), 'nested too deep'],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }, 0), '__metadata__'],
    ['a tensor that is a number', file({ a: 7 }), 'tensor a'],
    ['another dtype', file({ a: entry([8], [0, 32], 'F64') }), 'dtype F64'],
    ['a negative shape', file({ a: entry([-8], [0, 32]) }), 'shape [-8]'],
    ['a fractional shape', file({ a: entry([1.5], [0, 6]) }, 6), 'shape [1.5]'],
    ['a huge shape', file({ a: entry([1e9, 1e9, 1e9], [0, 32]) }), 'needs'],
    ['offsets that are text', file({ a: entry([8], 'all') }), 'data_offsets'],
    ['offsets beyond the file', file({ a: entry([16], [0, 64]) }), 'the file has 32 bytes'],
    ['offsets that end before they begin', file({ a: entry([8], [32, 0]) }), 'has -32 bytes'],
    ['bytes that do not fit the shape', file({ a: entry([7], [0, 32]) }), 'needs 28'],
    ['tensors that overlap', file({ a: entry([8], [0, 32]), b: entry([1], [4, 8]) }), 'tensor b begins at byte 4'],
    ['a gap between tensors', file({ a: entry([2], [0, 8]), b: entry([4], [16, 32]) }), 'must begin at 8'],
    ['bytes after the last tensor', file({ a: entry([7], [0, 28]) }), 'tensors end at byte 28'],
  ];
  it.each(bad)('with %s is E_MODEL', (_, bytes, part) =>
    expectError(() => readSafetensors(bytes, 'x.mlts'), 'E_MODEL', 'x.mlts', part),
  );
});

describe('a damaged model file', () => {
  const { bytes, model } = testModel('test-two');

  it('of any length but its own is E_MODEL', async () => {
    for (let length = 0; length < bytes.length; length += 1 + Math.floor(length / 50)) {
      await expectError(() => modelFromBytes(bytes.slice(0, length), 'x'), 'E_MODEL');
    }
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    await expectError(() => modelFromBytes(longer, 'x'), 'E_MODEL');
  });

  it('with flipped bits is E_MODEL, or another model with another hash', () => {
    const flips = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(7)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(flips, (list) => {
        const damaged = bytes.slice();
        for (const [at, bit] of list) damaged[at] ^= 1 << bit;
        try {
          const read = modelFromBytes(damaged, 'x').model;
          return read.sha256 !== model.sha256 || list.length > 1;
        } catch (error) {
          return error instanceof MltsError && error.code === 'E_MODEL';
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('of any bytes is E_MODEL', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (any) => {
        try {
          modelFromBytes(any, 'x');
          return false;
        } catch (error) {
          return error instanceof MltsError && error.code === 'E_MODEL';
        }
      }),
      { numRuns: 3000 },
    );
  });
});
