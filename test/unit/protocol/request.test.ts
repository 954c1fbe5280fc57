import { describe, expect, it } from 'vitest';
import { MltsError } from '../../../src/errors.ts';
import { checkKey, isKey, parseKeyFile } from '../../../src/protocol/keys.ts';
import { fieldName, wireName } from '../../../src/protocol/names.ts';
import { readReply } from '../../../src/protocol/reply.ts';
import { idOf, readRequest } from '../../../src/protocol/request.ts';
import { negotiate } from '../../../src/protocol/version.ts';

const caught = (action: () => unknown): MltsError => {
  try {
    action();
  } catch (error) {
    if (error instanceof MltsError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

const numbers = new Uint8Array(8);
const positions = new Uint8Array(48);

describe('readRequest', () => {
  it.each<[string, object, string, RegExp]>([
    ['no type', { id: 1 }, 'E_PROTOCOL', /lacks 'type'/],
    ['a type that is no text', { type: 7, id: 1 }, 'E_PROTOCOL', /'type' is the number 7, not a string/],
    ['an unknown type', { type: 'dance', id: 1 }, 'E_PROTOCOL', /'type' is 'dance'/],
    ['no id', { type: 'ping' }, 'E_PROTOCOL', /'ping' lacks 'id'/],
    ['a negative id', { type: 'ping', id: -1 }, 'E_PROTOCOL', /'id' is the number -1/],
    ['a broken id', { type: 'ping', id: 0.5 }, 'E_PROTOCOL', /'id'/],
    ['an id beyond 2⁵³', { type: 'ping', id: 2 ** 60 }, 'E_PROTOCOL', /'id'/],
    ['no version', { type: 'hello', id: 1 }, 'E_PROTOCOL', /lacks 'version'/],
    ['foreign units', { type: 'hello', id: 1, version: 1, units: { length: 'bohr' } }, 'E_USAGE', /'bohr'/],
    ['units that are no map', { type: 'hello', id: 1, version: 1, units: 'metal' }, 'E_PROTOCOL', /'units'/],
    ['no numbers', { type: 'open', id: 1 }, 'E_PROTOCOL', /'open' lacks 'numbers'/],
    [
      'numbers as a list',
      { type: 'open', id: 1, numbers: [1, 1] },
      'E_PROTOCOL',
      /'numbers' is an array, not a binary of int32/,
    ],
    ['half a number', { type: 'open', id: 1, numbers: new Uint8Array(6) }, 'E_SHAPE', /'numbers' has 6 bytes/],
    ['a precision of its own', { type: 'open', id: 1, numbers, precision: 'half' }, 'E_USAGE', /'precision' is 'half'/],
    ['an unknown want', { type: 'open', id: 1, numbers, want: ['forces', 'charges'] }, 'E_USAGE', /'charges'/],
    ['want as text', { type: 'open', id: 1, numbers, want: 'forces' }, 'E_PROTOCOL', /'want'/],
    ['two booleans of pbc', { type: 'open', id: 1, numbers, pbc: [true, true] }, 'E_PROTOCOL', /'pbc'/],
    ['numbers for pbc', { type: 'open', id: 1, numbers, pbc: [1, 1, 1] }, 'E_PROTOCOL', /'pbc'/],
    ['no positions', { type: 'evaluate', id: 1, session: 1 }, 'E_PROTOCOL', /lacks 'positions'/],
    ['nil positions', { type: 'evaluate', id: 1, session: 1, positions: null }, 'E_PROTOCOL', /'positions' is nil/],
    [
      'half a cell',
      { type: 'evaluate', id: 1, session: 1, positions, cell: new Uint8Array(32) },
      'E_SHAPE',
      /'cell' has 4 numbers, not 9/,
    ],
    ['a negative owned', { type: 'evaluate', id: 1, session: 1, positions, owned: -1 }, 'E_PROTOCOL', /'owned'/],
    ['a system that is no map', { type: 'evaluate', id: 1, systems: [1] }, 'E_PROTOCOL', /'systems'/],
    [
      'a system without numbers',
      { type: 'evaluate', id: 1, systems: [{ positions }] },
      'E_PROTOCOL',
      /lacks 'numbers'/,
    ],
    ['close of nothing', { type: 'close', id: 1 }, 'E_PROTOCOL', /lacks 'session'/],
  ])('refuses %s', (_, map, code, what) => {
    const error = caught(() => readRequest(map as never));
    expect(error.code).toBe(code);
    expect(error.what).toMatch(what);
    expect(error.remedy).not.toBe('');
  });

  it('ignores fields that it does not know', () => {
    expect(readRequest({ type: 'ping', id: 1, colour: 'blue', nested: { deep: [1] } })).toEqual({
      type: 'ping',
      id: 1,
    });
  });

  it('cuts long values short in what it says', () => {
    expect(caught(() => readRequest({ type: 'x'.repeat(10_000), id: 1 })).what.length).toBeLessThan(100);
    expect(caught(() => readRequest({ type: 'open', id: 1, numbers: 'x'.repeat(10_000) })).what.length).toBeLessThan(
      120,
    );
  });

  it('finds the id of a request that is otherwise unusable', () => {
    expect(idOf({ id: 7, type: 3 })).toBe(7);
    for (const id of [undefined, null, '7', -7, 7.5, Number.NaN, 2 ** 60]) expect(idOf({ id })).toBeUndefined();
  });
});

describe('readReply', () => {
  it.each<[string, object, RegExp]>([
    ['an unknown type', { type: 'dance', id: 1 }, /'dance'/],
    ['an evaluate without energy', { type: 'evaluate', id: 1, sha256: 'x', natoms: 1 }, /lacks 'energy'/],
    ['a NaN energy', { type: 'evaluate', id: 1, sha256: 'x', natoms: 1, energy: Number.NaN }, /'energy'/],
    ['an error without remedy', { type: 'error', code: 'E_BUSY', what: 'x' }, /lacks 'remedy'/],
    [
      'a model without members',
      { type: 'models', id: 1, models: [{ name: 'x', sha256: 'x', architecture: 'ani', elements: [1] }] },
      /members/,
    ],
  ])('refuses %s', (_, map, what) => {
    expect(caught(() => readReply(map as never)).what).toMatch(what);
  });

  it('takes a code of a newer server as E_INTERNAL', () => {
    expect(readReply({ type: 'error', id: 1, code: 'E_NEW', what: 'a', remedy: 'b' })).toMatchObject({
      code: 'E_INTERNAL',
    });
  });
});

describe('versions', () => {
  it('meet at the highest that both speak', () => {
    expect(negotiate(1)).toBe(1);
    expect(negotiate(9)).toBe(1);
    expect(caught(() => negotiate(0)).code).toBe('E_VERSION');
  });
});

describe('names', () => {
  it('go to the wire and back', () => {
    for (const name of ['energy', 'sigmaForces', 'forceDeviations', 'maxClientQueue'])
      expect(fieldName(wireName(name))).toBe(name);
    expect(wireName('sigmaForces')).toBe('sigma_forces');
  });
});

describe('keys', () => {
  const key = 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7';

  it('are 40 characters of Z85', () => {
    expect(isKey(key)).toBe(true);
    for (const wrong of ['', key.slice(1), `${key}a`, key.replace('r', '"'), key.replace('r', ' ')])
      expect(isKey(wrong)).toBe(false);
    expect(caught(() => checkKey('short', '--server')).what).toBe('--server is not a CURVE key (5 characters)');
  });

  it('come in files of JSON', () => {
    expect(parseKeyFile(JSON.stringify({ public: key, secret: key }), 'k')).toEqual({ public: key, secret: key });
    expect(parseKeyFile(JSON.stringify({ public: key, secret: key, server: key }), 'k').server).toBe(key);
    for (const text of [
      '',
      'null',
      '{}',
      '[1]',
      JSON.stringify({ public: key }),
      JSON.stringify({ public: key, secret: key, server: 'x' }),
    ]) {
      expect(caught(() => parseKeyFile(text, 'k.json')).code).toBe('E_KEYS');
    }
  });
});
