import { describe, expect, it } from 'vitest';
import { MltsError } from '../../../src/errors.ts';
import { arrayOf } from '../../../src/protocol/arrays.ts';
import { decode, encode } from '../../../src/protocol/codec.ts';
import { readReply } from '../../../src/protocol/reply.ts';
import { readRequest } from '../../../src/protocol/request.ts';
import { frames } from '../../support/frames.ts';

const limits = { maxBytes: 2 ** 20, maxDepth: 8, maxValues: 10_000 };

describe('codec', () => {
  it.each(Object.entries(frames))('reads back %s', (name, message) => {
    const map = decode(encode(message), limits);
    const read = name.endsWith('-request') ? readRequest(map) : readReply(map);
    if (message.type !== 'hello') expect(read).toEqual(message);
    else expect(read).toMatchObject(name.endsWith('-request') ? { version: 1, client: 'lammps 0.1.0' } : message);
  });

  it('copies arrays out of the frame, aligned', () => {
    const positions = Float64Array.of(1, 2, 3);
    for (const pad of ['', 'x', 'xx', 'xxx']) {
      const map = decode(encode({ pad, positions }), limits);
      const bytes = map.positions as Uint8Array;
      const copy = arrayOf('positions', bytes);
      bytes.fill(0);
      expect(copy).toEqual(positions);
      expect(copy.byteOffset % 8).toBe(0);
    }
  });

  it('writes whole floats as floats and large ids as unsigned integers', () => {
    const hex = (message: object) => Buffer.from(encode(message)).toString('hex');
    expect(hex({ energy: 1 })).toContain('cb3ff0000000000000');
    expect(hex({ energy: -0 })).toContain('cb8000000000000000');
    expect(hex({ id: 2 ** 32 })).toContain('cf0000000100000000');
    expect(hex({ id: 1 })).toMatch(/01$/);
  });

  it('leaves out what is undefined', () => {
    expect(decode(encode({ type: 'ping', id: 1, model: undefined }), limits)).toEqual({ type: 'ping', id: 1 });
  });

  it('refuses bytes that are no whole number of elements', () => {
    expect(() => arrayOf('positions', new Uint8Array(12))).toThrow(MltsError);
    expect(() => arrayOf('positions', new Uint8Array(12))).toThrow(/'positions' has 12 bytes, not a multiple of 8/);
  });

  it('keeps frames apart that were encoded one after the other', () => {
    const all = Array.from({ length: 500 }, (_, id) => ({
      type: 'ping',
      id,
      forces: new Float64Array(id % 40).fill(id),
    }));
    const encoded = all.map(encode);
    encoded.forEach((frame, id) => {
      const map = decode(frame, limits);
      expect(map.id).toBe(id);
      expect(arrayOf('forces', map.forces as Uint8Array)).toEqual(all[id].forces);
    });
  });
});
