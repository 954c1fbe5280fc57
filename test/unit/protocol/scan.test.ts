import fc from 'fast-check';
import { pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { MltsError } from '../../../src/errors.ts';
import { decode, encode } from '../../../src/protocol/codec.ts';
import { scan } from '../../../src/protocol/scan.ts';

const limits = { maxBytes: 2 ** 20, maxDepth: 4, maxValues: 1000 };
const bytes = (...values: number[]) => Uint8Array.from(values);
const codeOf = (frame: Uint8Array, bounds = limits): string => {
  try {
    scan(frame, bounds);
    return 'accepted';
  } catch (error) {
    if (error instanceof MltsError) return error.code;
    throw error;
  }
};

describe('scan', () => {
  it('accepts every kind that the protocol uses', () => {
    const message = {
      a: 1,
      b: -1,
      c: 300,
      d: 70_000,
      e: 2 ** 40,
      f: 0.5,
      g: 'text',
      h: 'x'.repeat(300),
      i: true,
      j: [1, [2]],
      k: { l: {} },
    };
    expect(codeOf(encode({ ...message, m: new Float64Array(100) }))).toBe('accepted');
    expect(codeOf(bytes(0x81, 0xa1, 0x61, 0xc0))).toBe('accepted');
  });

  it.each([
    ['nothing', bytes()],
    ['a number', bytes(0x01)],
    ['an array', bytes(0x90)],
    ['a reserved byte', bytes(0x81, 0xa1, 0x61, 0xc1)],
    ['an extension', bytes(0x81, 0xa1, 0x61, 0xd4, 0x01, 0x00)],
    ['an extension of any length', bytes(0x81, 0xa1, 0x61, 0xc7, 0x01, 0x01, 0x00)],
    ['a record definition of msgpackr', bytes(0x81, 0xa1, 0x61, 0xd4, 0x72, 0x40)],
    ['a key that is no string', bytes(0x81, 0x01, 0x01)],
    ['bytes after the map', bytes(0x80, 0x00)],
    ['a map cut short', bytes(0x82, 0xa1, 0x61, 0x01)],
    ['a string cut short', bytes(0x81, 0xa1, 0x61, 0xa5, 0x61)],
    ['a length cut short', bytes(0x81, 0xa1, 0x61, 0xc6, 0x00)],
  ])('refuses %s', (_, frame) => {
    expect(codeOf(frame)).toBe('E_PROTOCOL');
  });

  it.each([
    ['array 32', 0xdd],
    ['map 32', 0xdf],
    ['bin 32', 0xc6],
    ['str 32', 0xdb],
  ])('refuses 4 GB claimed in five bytes of %s before anything is allocated', (_, token) => {
    const frame = bytes(0x81, 0xa1, 0x61, token, 0xff, 0xff, 0xff, 0xff);
    const before = process.memoryUsage().arrayBuffers;
    expect(codeOf(frame)).toBe('E_PROTOCOL');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
    expect(codeOf(frame.slice(3).fill(token, 0, 1))).toBe('E_PROTOCOL');
  });

  it('bounds depth, values and bytes, at the bound and beyond', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(codeOf(encode({ a: nested(3) }))).toBe('accepted');
    expect(codeOf(encode({ a: nested(4) }))).toBe('E_LIMIT');
    // The map itself, its key and the array are three values.
    expect(codeOf(encode({ a: new Array(997).fill(1) }))).toBe('accepted');
    expect(codeOf(encode({ a: new Array(998).fill(1) }))).toBe('E_LIMIT');
    const frame = encode({ a: 'x'.repeat(100) });
    expect(codeOf(frame, { ...limits, maxBytes: frame.length })).toBe('accepted');
    expect(codeOf(frame, { ...limits, maxBytes: frame.length - 1 })).toBe('E_LIMIT');
  });

  it('lets the decoder see only what it can decode', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (frame) => {
        // Half of all frames begin as a map would.
        const map = Uint8Array.from([0x81, 0xa1, 0x61, ...frame]);
        for (const candidate of [frame, map]) {
          try {
            expect(typeof decode(candidate, limits)).toBe('object');
          } catch (error) {
            expect(error).toBeInstanceOf(MltsError);
          }
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('accepts whatever msgpackr packs as a map', () => {
    const value = fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true }),
      fc.string(),
      fc.boolean(),
      fc.array(fc.integer()),
      fc.uint8Array(),
    );
    fc.assert(fc.property(fc.dictionary(fc.string(), value), (map) => codeOf(pack({ ...map })) === 'accepted'));
  });
});
